#include "device/cpu/expert_order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "device/cpu/kernels/matmul.h"

namespace troika::cpu {
namespace {

constexpr int64_t kUsed = 3;

/// A step of rows that chose experts, and the order made for it: slot 0 and slot 1.
struct Ordered {
  Ordered(int64_t rows, int64_t experts, int64_t tile_rows, unsigned seed)
      : chosen(static_cast<size_t>(2 * rows * kUsed)),
        slot(static_cast<size_t>(ExpertOrder::bytes(rows * kUsed)), std::byte{0xee}) {
    std::mt19937 random(seed);
    std::vector<float> ids(static_cast<size_t>(experts));
    for (size_t e = 0; e < ids.size(); e++) ids[e] = static_cast<float>(e);
    for (int64_t row = 0; row < rows; row++) {
      std::ranges::shuffle(ids, random);
      for (int64_t j = 0; j < kUsed; j++)
        chosen[static_cast<size_t>(2 * (row * kUsed + j))] = ids[static_cast<size_t>(j)];
    }
    step.counts[static_cast<size_t>(Rows::tokens)] = rows;
    step.slots = {reinterpret_cast<std::byte*>(chosen.data()), slot.data()};
    const Routing routing{{0, {DType::f32, Rows::tokens, Axis::chosen, kUsed, 2}}, experts};
    const auto job = order_job(routing, tile_rows, 1);
    EXPECT_EQ(job->items(step), rows > 1 ? 1 : 0);
    if (rows > 1)
      job->run(step, 0, 1, 0);
    else
      order_row_step(routing, tile_rows, 1)->run(step, 0);
  }
  int expert(int32_t pair) const { return static_cast<int>(chosen[2 * static_cast<size_t>(pair)]); }

  std::vector<float> chosen;
  std::vector<std::byte> slot;
  Step step;
};

TEST(ExpertOrderTest, EveryPairStandsOnceInAChunkOfItsExpertAndTile) {
  for (const int64_t rows : {1, 2, 11, 150})
    for (const int64_t tile_rows : {1, 7, 1000})
      for (const int64_t experts : {3, 5, 200}) {
        const Ordered made(rows, experts, tile_rows, 3);
        const ExpertOrder order(made.step.bytes(1), rows * kUsed);
        const int64_t tiles = (rows + tile_rows - 1) / tile_rows;
        EXPECT_EQ(order.tile_begin(0), 0);
        EXPECT_EQ(order.tile_begin(tiles), order.group_begin(order.groups()));
        std::set<int32_t> seen;
        for (int64_t tile = 0; tile < tiles; tile++)
          for (int64_t chunk = order.tile_begin(tile); chunk < order.tile_begin(tile + 1);
               chunk++) {
            const auto pairs = order.chunk_pairs(chunk);
            EXPECT_TRUE(!pairs.empty() && std::ssize(pairs) <= kChunkTokens);
            EXPECT_TRUE(std::ranges::is_sorted(pairs));
            for (size_t i = 0; i < pairs.size(); i++) {
              EXPECT_EQ(made.expert(pairs[i]), made.expert(pairs[0]));
              EXPECT_EQ(pairs[i] / kUsed / tile_rows, tile);
              EXPECT_EQ(order.chunk_of(pairs[i]), chunk);
              EXPECT_EQ(order.place(pairs[i]), order.chunk_begin(chunk) + static_cast<int64_t>(i));
              seen.insert(pairs[i]);
            }
          }
        EXPECT_EQ(std::ssize(seen), rows * kUsed);
      }
}

TEST(ExpertOrderTest, AGroupIsAllOfAnExpertInATile) {
  const Ordered made(150, 4, 100, 5);
  const ExpertOrder order(made.step.bytes(1), 150 * kUsed);
  std::set<std::pair<int, int64_t>> seen;  // expert and tile
  for (int64_t group = 0; group < order.groups(); group++) {
    ASSERT_LT(order.group_begin(group), order.group_begin(group + 1));
    const int32_t first = order.chunk_pairs(order.group_begin(group))[0];
    EXPECT_TRUE(seen.insert({made.expert(first), first / kUsed / 100}).second);
    for (int64_t chunk = order.group_begin(group); chunk < order.group_begin(group + 1); chunk++)
      EXPECT_EQ(made.expert(order.chunk_pairs(chunk)[0]), made.expert(first));
  }
  EXPECT_EQ(seen.size(), 8U);
}

}  // namespace
}  // namespace troika::cpu
