#include "device/cpu/collective_jobs.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace troika::cpu {
namespace {

/// Members whose values are known from the start.
class Told final : public Transport {
 public:
  explicit Told(std::vector<std::vector<float>> members) : members_(std::move(members)) {}
  bool exchange(int64_t member, int64_t number, std::span<const float> mine) override {
    exchanged = {member, number, std::ssize(mine)};
    return true;
  }
  const float* shown(int64_t member, int64_t) const override {
    return gives_up ? nullptr : members_[static_cast<size_t>(member)].data();
  }

  std::vector<int64_t> exchanged;
  bool gives_up = false;

 private:
  std::vector<std::vector<float>> members_;
};

/// A step of some slots and as many token rows.
struct Rig {
  Rig(std::vector<int64_t> floats, int64_t rows) {
    memory.resize(floats.size());
    for (size_t i = 0; i < floats.size(); i++) {
      memory[i].resize(static_cast<size_t>(floats[i]));
      step.slots.push_back(reinterpret_cast<std::byte*>(memory[i].data()));
    }
    step.kernels = &kernels;
    step.counts[static_cast<size_t>(Rows::tokens)] = rows;
  }
  std::vector<std::vector<float>> memory;
  KernelTable kernels = kernel_table(Isa::portable);
  Step step;
};

const Spec kOne{DType::f32, Rows::tokens, Axis::hidden, 1, 1};

TEST(CollectiveJobsTest, ValuesAreShownSideBySide) {
  Rig rig({4, 2, 6}, 2);
  rig.memory[0] = {1, 2, 3, 4};
  rig.memory[1] = {5, 6};
  Spec two = kOne;
  two.width = 2;
  const Exchange op{.rows = Rows::tokens, .values = {{0, two}, {1, kOne}}};
  const auto show = show_step(op, 3, 2);
  show->run(rig.step, 0);
  show->run(rig.step, 1);
  EXPECT_EQ(rig.memory[2], (std::vector<float>{1, 2, 5, 3, 4, 6}));
  Told transport({});
  const auto exchange = exchange_job(transport, {2, 7}, Rows::tokens, 3, 2);
  EXPECT_EQ(exchange->items(rig.step), 1);
  exchange->run(rig.step, 0, 1, 0);
  EXPECT_EQ(transport.exchanged, (std::vector<int64_t>{2, 7, 6}));
  rig.step.counts = {};
  EXPECT_EQ(exchange->items(rig.step), 1) << "members meet without rows, too";
}

TEST(CollectiveJobsTest, PartsAddAsTheTreeSays) {
  // Leaves 0 ... 4: ((0 + 1) + 2) + (3 + 4), where each other order gives something else.
  const float big = 0x1p24F;
  Told transport({{big}, {7, 1, 1, -big}});
  const SumParts op{.exchange = {},
                    .shown = {{1, 0, 1}, {4, 1, 3}},
                    .runs = {{2, 0, 0}, {1, 1, 0}, {1, 1, 1}, {1, 1, 2}},
                    .value = kOne};
  Rig rig({1}, 1);
  sum_parts_step(op, transport, 0, 0)->run(rig.step, 0);
  EXPECT_EQ(rig.memory[0][0], (big + 1.0F) + (1.0F - big));
  transport.gives_up = true;
  sum_parts_step(op, transport, 0, 0)->run(rig.step, 0);
  EXPECT_EQ(rig.memory[0][0], 0);
}

TEST(CollectiveJobsTest, LongRowsAreSummedPieceByPiece) {
  constexpr int64_t kWidth = 1300;
  std::vector<float> first(2 * kWidth), second(2 * kWidth);
  for (size_t i = 0; i < first.size(); i++) {
    first[i] = static_cast<float>(i);
    second[i] = static_cast<float>(3 * i);
  }
  Told transport({first, second});
  Spec spec = kOne;
  spec.width = kWidth;
  const SumParts op{.exchange = {},
                    .shown = {{kWidth, 0, kWidth}, {kWidth, 0, kWidth}},
                    .runs = {{4, 0, 0}, {4, 1, 0}},
                    .value = spec};
  Rig rig({2 * kWidth}, 2);
  const auto sum = sum_parts_step(op, transport, 0, 0);
  sum->run(rig.step, 0);
  sum->run(rig.step, 1);
  for (size_t i = 0; i < first.size(); i++)
    ASSERT_EQ(rig.memory[0][i], static_cast<float>(4 * i)) << i;
}

TEST(CollectiveJobsTest, TheBestPairIsTheLowestOfEquals) {
  const BestPair op{
      .exchange = {}, .shown = {{2, 0, 2}, {0, 0, 0}, {2, 0, 2}, {2, 0, 2}}, .value = kOne};
  auto best = [&](std::vector<float> a, std::vector<float> b, std::vector<float> c) {
    Told transport({std::move(a), {}, std::move(b), std::move(c)});
    Rig rig({1}, 1);
    best_pair_step(op, transport, 0, 0)->run(rig.step, 0);
    int32_t id = 0;
    std::memcpy(&id, rig.memory[0].data(), sizeof id);
    return id;
  };
  EXPECT_EQ(best({3, 1.0F}, {20, 2.0F}, {30, 0.5F}), 20);
  EXPECT_EQ(best({3, 1.0F}, {20, 1.0F}, {30, 1.0F}), 3);
  EXPECT_EQ(best({50, 1.0F}, {20, 1.0F}, {30, -1.0F}), 20);
}

}  // namespace
}  // namespace troika::cpu
