// The cases that are part of the project: two vocabularies of its own, seven pre-tokenizers, ids
// both ways.
#include <gtest/gtest.h>

#include "core/printable.h"
#include "support/shared.h"
#include "tokenizers/fixture.h"
#include "tokenizers/small_vocabulary.h"

namespace troika::testing {
namespace {

SmallVocabulary vocabulary_from(const nlohmann::json& json) {
  SmallVocabulary v;
  v.model = json.at("model");
  v.tokens = json.at("tokens").get<std::vector<std::string>>();
  v.types = json.at("types").get<std::vector<int32_t>>();
  v.merges = json.value("merges", std::vector<std::string>());
  v.scores = json.value("scores", std::vector<float>());
  v.special.bos = json.at("bos").get<int64_t>();
  v.special.eos = json.at("eos").get<int64_t>();
  return v;
}

TEST(Committed, CasesTokenizeBothWays) {
  const auto folder = test_data("tokenizers");
  const auto vocabularies = nlohmann::json::parse(file_bytes(folder / "vocabularies.json"));
  int cases = 0;
  for (const auto& line : json_lines(folder / "cases.jsonl")) {
    const auto& json = vocabularies.at(line.at("vocabulary").get<std::string>());
    SmallVocabulary vocabulary = vocabulary_from(json);
    vocabulary.pre = line.at("pre");
    TokenizerSpec spec = vocabulary.spec();
    spec.add_space_prefix = json.value("add_space_prefix", true);
    const auto tokenizer = Tokenizer::make(spec);
    ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().message();
    const std::string text = line.at("text");
    const auto ids = (*tokenizer)->encode(text, {.add_special = false, .parse_special = true});
    EXPECT_EQ(numbers(ids), line.at("ids").get<std::vector<int32_t>>())
        << vocabulary.pre << ": " << printable(text, 400);
    EXPECT_EQ((*tokenizer)->decode(ids, {.show_special = true, .clean_spaces = true}),
              line.value("detok", text));
    ++cases;
  }
  EXPECT_EQ(cases, 120);
}

}  // namespace
}  // namespace troika::testing
