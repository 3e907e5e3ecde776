#include "device/cpu/kernels/attention.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "core/half.h"
#include "device/cpu/kernels/kernels_under_test.h"

namespace troika::cpu {
namespace {

struct Shape {
  int64_t heads;  // of one KV head
  int64_t key_dim;
  int64_t value_dim;
  int64_t length;  // keys
  KvType type;
};

int64_t kv_bytes(KvType type, int64_t numbers) {
  switch (type) {
    case KvType::f32:
      return numbers * 4;
    case KvType::q8_0:
      return numbers / 32 * 34;
    default:
      return numbers * 2;
  }
}

/// What is read of 32 numbers stored as q8_0, beginning at each multiple of 32 of `values`.
void round_blocks(std::vector<float>& values) {
  for (size_t i = 0; i < values.size(); i += 32) {
    float amax = 0;
    for (size_t j = i; j < i + 32; j++) amax = std::max(amax, std::abs(values[j]));
    const float d = f16_to_f32(f32_to_f16(amax / 127));
    const float inverse = d > 0 ? 1 / d : 0;
    for (size_t j = i; j < i + 32; j++)
      values[j] = std::clamp(std::nearbyint(values[j] * inverse), -127.0F, 127.0F) * d;
  }
}

void round_as_stored(KvType type, std::vector<float>& values) {
  if (type == KvType::q8_0) return round_blocks(values);
  for (float& x : values) {
    if (type == KvType::f16) x = f16_to_f32(f32_to_f16(x));
    if (type == KvType::bf16) x = bf16_to_f32(f32_to_bf16(x));
  }
}

/// One KV head with `length` keys in pages that lie in memory in another order. Slots that no key
/// was written to hold what is not a number, scales of q8_0 too.
class Store {
 public:
  Store(const KernelTable& table, const Shape& shape)
      : table_(table),
        shape_(shape),
        k(normal_floats(shape.length * shape.key_dim, 1)),
        v(normal_floats(shape.length * shape.value_dim, 2)) {
    const int64_t pages = (shape.length + 63) / 64;
    page_bytes_ = kv_bytes(shape.type, 64 * (shape.key_dim + shape.value_dim));
    memory_.assign(static_cast<size_t>(pages * page_bytes_), 0xff);
    for (int64_t i = 0; i < pages; i++) numbers_.push_back(static_cast<int32_t>(pages - 1 - i));
    for (int64_t i = 0; i < shape.length; i++) write(i);
    round_as_stored(shape.type, k);
    round_as_stored(shape.type, v);
  }

  AttentionTile tile(const float* q, float* o, int64_t position, int64_t rows) const {
    return {.q = q,
            .q_stride = shape_.heads * shape_.key_dim,
            .o = o,
            .o_stride = shape_.heads * shape_.value_dim,
            .rows = rows,
            .heads = shape_.heads,
            .position = position,
            .key_dim = shape_.key_dim,
            .value_dim = shape_.value_dim,
            .scale = 0.3F,
            .pages = numbers_.data(),
            .store = memory_.data(),
            .page_bytes = page_bytes_,
            .type = shape_.type};
  }

  /// All partitions one after the other.
  void attend(const AttentionTile& t) const {
    const auto floats = static_cast<size_t>(kTileQueries * partial_floats(shape_.value_dim));
    std::vector<float> totals(floats, NAN);
    std::vector<float> parts(floats, NAN);
    const int64_t partitions = (t.position + t.rows - 1) / kAttentionPartition + 1;
    table_.attention.partition(t, 0, totals.data());
    for (int64_t i = 1; i < partitions; i++) {
      table_.attention.partition(t, i, parts.data());
      table_.attention.merge(t, i, parts.data(), totals.data());
    }
    table_.attention.finish(t, totals.data());
  }

 private:
  void write(int64_t position) {
    const int64_t page = numbers_[static_cast<size_t>(position / 64)];
    table_.attention.store({.k = k.data() + position * shape_.key_dim,
                            .v = v.data() + position * shape_.value_dim,
                            .page = memory_.data() + page * page_bytes_,
                            .slot = position % 64,
                            .kv_heads = 1,
                            .key_dim = shape_.key_dim,
                            .value_dim = shape_.value_dim,
                            .type = shape_.type});
  }

  const KernelTable& table_;
  Shape shape_;

 public:
  std::vector<float> k;  // as stored
  std::vector<float> v;

 private:
  int64_t page_bytes_ = 0;
  std::vector<uint8_t> memory_;
  std::vector<int32_t> numbers_;
};

/// One query over the keys 0 .. position in float64.
std::vector<double> attention64(const Store& store, const Shape& s, const float* q,
                                int64_t position) {
  std::vector<double> scores;
  double largest = -INFINITY;
  for (int64_t j = 0; j <= position; j++) {
    double sum = 0;
    for (int64_t d = 0; d < s.key_dim; d++)
      sum += static_cast<double>(q[d]) * store.k[static_cast<size_t>(j * s.key_dim + d)];
    scores.push_back(0.3F * sum);
    largest = std::max(largest, scores.back());
  }
  std::vector<double> o(static_cast<size_t>(s.value_dim));
  double total = 0;
  for (size_t j = 0; j < scores.size(); j++) {
    const double p = std::exp(scores[j] - largest);
    total += p;
    for (size_t i = 0; i < o.size(); i++) o[i] += p * store.v[j * o.size() + i];
  }
  for (double& x : o) x /= total;
  return o;
}

constexpr KvType kF32 = KvType::f32, kF16 = KvType::f16, kBf16 = KvType::bf16, kQ8 = KvType::q8_0;
constexpr Shape kShapes[] = {
    {1, 64, 64, 1, kF16},    {4, 64, 64, 63, kF16},    {2, 16, 16, 64, kF32},
    {3, 20, 12, 65, kBf16},  {32, 8, 80, 129, kF32},   {5, 33, 65, 511, kF16},
    {1, 128, 128, 512, kQ8}, {7, 24, 40, 513, kBf16},  {2, 32, 100, 1100, kF16},
    {4, 64, 64, 33, kQ8},    {8, 128, 128, 700, kQ8},  {3, 32, 96, 1100, kQ8},
    {6, 64, 64, 97, kBf16},  {8, 256, 256, 130, kF16}, {16, 48, 48, 100, kBf16}};

// Scores reach 12; sums of 128 products err by some ten roundoffs of that, and weights as much.
constexpr double kTolerance = 12 * 10 * 0x1p-24 * 2;

TEST(AttentionKernelTest, AgreesWithFloat64) {
  for (const KernelTable& table : kernels_under_test())
    for (const Shape& s : kShapes) {
      const Store store(table, s);
      const int64_t rows = std::min(s.length, kTileQueries / s.heads);
      const auto q = normal_floats(rows * s.heads * s.key_dim, 3);
      std::vector<float> o(static_cast<size_t>(rows * s.heads * s.value_dim), NAN);
      const int64_t position = s.length - rows;
      store.attend(store.tile(q.data(), o.data(), position, rows));
      for (int64_t query = 0; query < rows * s.heads; query++) {
        const auto want =
            attention64(store, s, q.data() + query * s.key_dim, position + query / s.heads);
        for (int64_t i = 0; i < s.value_dim; i++)
          ASSERT_NEAR(o[static_cast<size_t>(query * s.value_dim + i)], want[static_cast<size_t>(i)],
                      kTolerance)
              << "length " << s.length << " query " << query << " column " << i;
      }
    }
}

// One query and many, in any company: the same bits.
TEST(AttentionKernelTest, RowsOfATileDoNotKnowEachOther) {
  for (const KernelTable& table : kernels_under_test())
    for (const Shape& s : kShapes) {
      const Store store(table, s);
      const int64_t rows = std::min(s.length, kTileQueries / s.heads);
      const auto q = normal_floats(rows * s.heads * s.key_dim, 3);
      std::vector<float> whole(static_cast<size_t>(rows * s.heads * s.value_dim), NAN);
      std::vector<float> single(whole.size(), NAN);
      const int64_t position = s.length - rows;
      store.attend(store.tile(q.data(), whole.data(), position, rows));
      for (int64_t row = 0; row < rows; row++)
        store.attend(store.tile(q.data() + row * s.heads * s.key_dim,
                                single.data() + row * s.heads * s.value_dim, position + row, 1));
      for (size_t i = 0; i < whole.size(); i++)
        ASSERT_EQ(std::bit_cast<uint32_t>(whole[i]), std::bit_cast<uint32_t>(single[i]));
    }
}

/// One token of one head with 8 keys and 8 values: what its page holds, slot `kSlot`.
constexpr int64_t kSlot = 37;

std::vector<uint16_t> store_eight(const KernelTable& table, const float* values, KvType type) {
  std::vector<uint16_t> page(64 * 16, 0x1234);
  table.attention.store({.k = values,
                         .v = values,
                         .page = reinterpret_cast<uint8_t*>(page.data()),
                         .slot = kSlot,
                         .kv_heads = 1,
                         .key_dim = 8,
                         .value_dim = 8,
                         .type = type});
  return page;
}

TEST(AttentionKernelTest, NumbersAreRoundedToNearestEven) {
  const float values[] = {1.0F, 2049.0F, 2051.0F, 65504.0F, 65520.0F, 1e-8F, 1.005859375F, NAN};
  for (const KernelTable& table : kernels_under_test())
    for (const KvType type : {KvType::f16, KvType::bf16}) {
      const auto page = store_eight(table, values, type);
      for (size_t i = 0; i < 8; i++) {
        const uint16_t want = type == KvType::f16 ? f32_to_f16(values[i]) : f32_to_bf16(values[i]);
        EXPECT_EQ(page[8 * 32 + i * 32 + kSlot - 32], want) << values[i];
        EXPECT_EQ(page[64 * 8 + kSlot * 8 + i], want) << values[i];
      }
      EXPECT_EQ(std::ranges::count(page, 0x1234), 64 * 16 - 16);
    }
}

/// 32 numbers stored as q8_0 values in slot 0: the scale, and the numbers as they are read.
std::vector<float> through_q8_0(const KernelTable& table, const std::vector<float>& x, float& d) {
  std::vector<uint8_t> page(64 * 34 * 2, 0x77);
  table.attention.store({.k = x.data(),
                         .v = x.data(),
                         .page = page.data(),
                         .slot = 0,
                         .kv_heads = 1,
                         .key_dim = 32,
                         .value_dim = 32,
                         .type = KvType::q8_0});
  const uint8_t* values = page.data() + 64 * 34;
  d = f16_to_f32(static_cast<uint16_t>(values[0] | values[1] << 8));
  std::vector<float> read;
  for (size_t i = 0; i < 32; i++) {
    read.push_back(static_cast<float>(static_cast<int8_t>(values[128 + i])) * d);
    EXPECT_EQ(page[64 + i * 32], values[128 + i]) << "a key is rounded as a value is";
  }
  EXPECT_EQ(std::ranges::count(page, 0x77), 64 * 34 * 2 - 2 * 34);
  return read;
}

TEST(AttentionKernelTest, BlocksOfEightBitsHaveTheirOwnScale) {
  for (const KernelTable& table : kernels_under_test())
    for (const float size : {1.0F, 1e-3F, 3e5F}) {
      std::vector<float> x = normal_floats(32, 5);
      for (float& number : x) number *= size;
      std::vector<float> want = x;
      round_blocks(want);
      float d = 0;
      EXPECT_EQ(through_q8_0(table, x, d), want);
      for (size_t i = 0; i < 32; i++) EXPECT_NEAR(want[i], x[i], d * 0.51F);
    }
}

TEST(AttentionKernelTest, BlocksOfEightBitsTakeAnyNumber) {
  for (const KernelTable& table : kernels_under_test()) {
    float d = 0;
    EXPECT_EQ(through_q8_0(table, std::vector<float>(32, 0.0F), d), std::vector<float>(32, 0.0F));
    EXPECT_EQ(through_q8_0(table, std::vector<float>(32, 1e-9F), d), std::vector<float>(32, 0.0F));
    for (const float bad : {NAN, INFINITY, -INFINITY, 1e30F})
      for (const size_t place : {size_t{0}, size_t{31}}) {
        std::vector<float> x(32, 1.0F);
        x[place] = bad;
        for (const float read : through_q8_0(table, x, d)) EXPECT_TRUE(std::isnan(read)) << bad;
      }
  }
}

}  // namespace
}  // namespace troika::cpu
