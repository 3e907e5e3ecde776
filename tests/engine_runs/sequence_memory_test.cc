// What passes from one text to another in device memory: nothing, unless both may read it.
#include "engine/sequence_memory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <variant>

#include "support/devices.h"
#include "support/models.h"

namespace troika::testing {
namespace {

class SequenceMemoryTest : public ::testing::Test {
 protected:
  SequenceMemoryTest()
      : device_(make_reference_device()),
        model_(open_model(test_data("fixtures") / "models" / "qwen35-succ-q8_0.gguf", *device_)) {}

  void make(const CacheOptions& options, int64_t checkpoints = 0) {
    auto forward =
        Forward::make(model_.loaded, {.pages = 3, .sequences_max = 2, .checkpoints = checkpoints});
    ASSERT_TRUE(forward.ok()) << forward.error().message();
    forward_ = std::move(*forward);
    memory_ = std::make_unique<SequenceMemory>(*forward_, speculation_, options);
  }

  Sequence sequence(int tenant) const {
    const auto id = static_cast<TenantId>(tenant);
    Sequence s;
    s.tenant = id;
    s.scope = scope_of(id);
    return s;
  }

  /// Whether all bytes of a page have this value, in every layer.
  bool holds(PageId page, std::byte value) {
    for (size_t i = 0; i < forward_->states().size(); i++) {
      if (!std::holds_alternative<KvState>(forward_->states()[i].spec)) continue;
      std::vector<std::byte> bytes(static_cast<size_t>(forward_->unit_bytes(i)));
      EXPECT_TRUE(forward_->read_unit(i, static_cast<int64_t>(page), bytes).ok());
      if (std::ranges::count(bytes, value) != std::ssize(bytes)) return false;
    }
    return true;
  }

  std::unique_ptr<Device> device_;
  OpenModel model_;
  std::unique_ptr<Forward> forward_;
  Speculation speculation_{{}};
  std::unique_ptr<SequenceMemory> memory_;
};

constexpr std::byte kSecret{0x5a};

TEST_F(SequenceMemoryTest, PagesAreZeroedBeforeAnotherTenantGetsThem) {
  make({});
  Sequence one = sequence(1), other = sequence(2);
  ASSERT_TRUE(memory_->cover(one, 3 * kPageTokens).ok());
  ASSERT_TRUE(forward_->fill_pages(one.pages, kSecret).ok());
  memory_->release(one);
  ASSERT_TRUE(memory_->cover(one, kPageTokens).ok());
  EXPECT_TRUE(holds(one.pages[0], kSecret));  // one's own are not touched
  memory_->release(one);
  ASSERT_TRUE(memory_->cover(other, 3 * kPageTokens).ok());
  for (const PageId page : other.pages) EXPECT_TRUE(holds(page, std::byte{0}));
}

TEST_F(SequenceMemoryTest, TooFewPagesTakeNothing) {
  make({.on = true});
  Sequence one = sequence(1), other = sequence(2);
  ASSERT_TRUE(memory_->cover(one, 2 * kPageTokens).ok());
  const Status status = memory_->cover(other, 2 * kPageTokens);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code(), ErrorCode::exhausted);
  EXPECT_TRUE(other.pages.empty());
  EXPECT_EQ(memory_->pages_available(TenantId{2}), 1);
  EXPECT_EQ(memory_->pages_freed(one), 2);
}

// A state goes to its checkpoint and from there to another slot; other units stay as they are.
TEST_F(SequenceMemoryTest, StatesAreSavedAndRestoredWhole) {
  make({}, 2);
  const auto fill = [&](size_t state, int64_t unit, int value) {
    const std::vector<std::byte> bytes(static_cast<size_t>(forward_->unit_bytes(state)),
                                       static_cast<std::byte>(value));
    ASSERT_TRUE(forward_->write_unit(state, unit, bytes).ok());
  };
  const auto first_byte = [&](size_t state, int64_t unit) {
    std::vector<std::byte> bytes(static_cast<size_t>(forward_->unit_bytes(state)));
    EXPECT_TRUE(forward_->read_unit(state, unit, bytes).ok());
    EXPECT_EQ(std::ranges::count(bytes, bytes[0]), std::ssize(bytes));
    return static_cast<int>(bytes[0]);
  };
  const auto is_recurrent = [&](size_t state) {
    const StateSpec& spec = forward_->states()[state].spec;
    return std::holds_alternative<ConvState>(spec) || std::holds_alternative<DeltaState>(spec);
  };
  const HiddenUnits& hidden = forward_->hidden();
  const auto hidden_state = static_cast<size_t>(model_.loaded.model.hidden.id);
  for (size_t i = 0; i < forward_->states().size(); i++)
    for (int unit = 0; is_recurrent(i) && unit < 4; unit++) fill(i, unit, 10 + unit);
  fill(hidden_state, hidden.kept(0, 7), 77);
  ASSERT_TRUE(forward_->save_state(0, hidden.kept(0, 7), 1).ok());
  ASSERT_TRUE(forward_->restore_state(1, 1).ok());
  for (size_t i = 0; i < forward_->states().size(); i++) {
    if (!is_recurrent(i)) continue;
    const int wanted[] = {10, 10, 12, 10};  // slots, then checkpoints
    for (int unit = 0; unit < 4; unit++) EXPECT_EQ(first_byte(i, unit), wanted[unit]);
  }
  EXPECT_EQ(first_byte(hidden_state, hidden.pending(1)), 77);
}

TEST_F(SequenceMemoryTest, APageIsCopiedInEveryLayer) {
  make({});
  Sequence s = sequence(1);
  ASSERT_TRUE(memory_->cover(s, 3 * kPageTokens).ok());
  ASSERT_TRUE(forward_->fill_pages(s.pages, std::byte{1}).ok());
  ASSERT_TRUE(forward_->fill_pages(std::span(s.pages).first(1), kSecret).ok());
  ASSERT_TRUE(forward_->copy_page(s.pages[0], s.pages[2]).ok());
  EXPECT_TRUE(holds(s.pages[0], kSecret));
  EXPECT_TRUE(holds(s.pages[1], std::byte{1}));
  EXPECT_TRUE(holds(s.pages[2], kSecret));
}

}  // namespace
}  // namespace troika::testing
