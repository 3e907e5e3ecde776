// From steps to clients: nothing before it is written down.
#include "serve/api/delivery.h"

#include <gtest/gtest.h>

namespace troika::testing {
namespace {

using serve::Delivery;
using serve::Told;

/// Notes the texts that it hears.
class Hearer final : public serve::Listener {
 public:
  void note(const Told&, std::vector<serve::LedgerUpdate>& updates) override {
    updates.emplace_back();
  }
  void heard(Told& told) override {
    failed = told.ending && !told.ending->status.ok();
    text += told.text;
  }
  void flush() override {}

  std::string text;
  bool failed = false;
};

TEST(Delivery, TellsNothingThatIsNotWritten) {
  const auto hearer = std::make_shared<Hearer>();
  Delivery delivery({.write_down = [](const std::vector<serve::LedgerUpdate>&) -> Status {
    return fail(ErrorCode::cancelled, "the disk is full");
  }});
  delivery.tell({.listener = hearer, .text = "a"});
  delivery.wait_until_told();
  EXPECT_EQ(hearer->text, "");
  EXPECT_TRUE(hearer->failed);
}

TEST(Delivery, TellsAllBeforeItGoes) {
  const auto hearer = std::make_shared<Hearer>();
  {
    Delivery delivery;
    delivery.tell({.listener = hearer, .text = "a"});
  }
  EXPECT_EQ(hearer->text, "a");
}

TEST(Delivery, WritesOnceMoreWhenItGoes) {
  std::vector<size_t> sizes;
  {
    const auto hearer = std::make_shared<Hearer>();
    Delivery delivery(
        {.write_down = [&](const std::vector<serve::LedgerUpdate>& updates) -> Status {
          sizes.push_back(updates.size());
          return fail(ErrorCode::cancelled, "the disk is full");
        }});
    delivery.tell({.listener = hearer, .text = "a"});
  }
  EXPECT_EQ(sizes, (std::vector<size_t>{1, 0}));
}

}  // namespace
}  // namespace troika::testing
