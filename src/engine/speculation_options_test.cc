#include "engine/speculation_options.h"

#include <gtest/gtest.h>

namespace troika {
namespace {

TEST(SpeculationOptions, DefaultsAreValidAndRefusalsNameTheField) {
  EXPECT_TRUE(validate({}, 8).ok());
  EXPECT_TRUE(validate({.depth_max = 0, .ngram_min = 1, .ngram_max = 1}, 0).ok());
  const auto refusal = [](const SpeculationOptions& options) {
    const Status status = validate(options, 8);
    return status.ok() ? "" : std::string(status.error().message());
  };
  EXPECT_EQ(refusal({.depth_max = 9}), "the draft depth is 9, wanted 0 to 8");
  EXPECT_EQ(refusal({.depth_max = -1}), "the draft depth is -1, wanted 0 to 8");
  EXPECT_EQ(refusal({.ngram_max = 65}), "the longest n-gram match is 65, wanted 1 to 64");
  EXPECT_EQ(refusal({.ngram_min = 0}), "the shortest n-gram match is 0, wanted 1 to 12");
  EXPECT_EQ(refusal({.ngram_min = 5, .ngram_max = 4}),
            "the shortest n-gram match is 5, wanted 1 to 4");
}

TEST(SpeculationOptions, TypesSayWhoMayDraft) {
  for (const DraftClass drafts : {DraftClass::mtp, DraftClass::model, DraftClass::ngram}) {
    EXPECT_FALSE(allows(SpecType::none, drafts));
    EXPECT_TRUE(allows(SpecType::automatic, drafts));
    EXPECT_TRUE(allows(SpecType::combined, drafts));
    EXPECT_EQ(allows(SpecType::mtp, drafts), drafts == DraftClass::mtp);
    EXPECT_EQ(allows(SpecType::model, drafts), drafts == DraftClass::model);
    EXPECT_EQ(allows(SpecType::ngram, drafts), drafts == DraftClass::ngram);
  }
}

}  // namespace
}  // namespace troika
