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
  bool half;
};

/// One KV head with `length` keys in pages that lie in memory in another order. Slots that no key
/// was written to hold what is not a number.
class Store {
 public:
  Store(const KernelTable& table, const Shape& shape)
      : table_(table),
        shape_(shape),
        k(normal_floats(shape.length * shape.key_dim, 1)),
        v(normal_floats(shape.length * shape.value_dim, 2)) {
    const int64_t pages = (shape.length + 63) / 64;
    page_elements_ = 64 * (shape.key_dim + shape.value_dim);
    memory_.assign(static_cast<size_t>(pages * page_elements_ * (shape.half ? 2 : 4)), 0xff);
    for (int64_t i = 0; i < pages; i++) numbers_.push_back(static_cast<int32_t>(pages - 1 - i));
    for (int64_t i = 0; i < shape.length; i++) write(i);
    if (shape.half)
      for (std::vector<float>* values : {&k, &v})
        for (float& x : *values) x = f16_to_f32(f32_to_f16(x));
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
            .page_elements = page_elements_,
            .half = shape_.half};
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
    const auto store = shape_.half ? table_.attention.store_f16 : table_.attention.store_f32;
    const int64_t page = numbers_[static_cast<size_t>(position / 64)];
    store({.k = k.data() + position * shape_.key_dim,
           .v = v.data() + position * shape_.value_dim,
           .page = memory_.data() + page * page_elements_ * (shape_.half ? 2 : 4),
           .slot = position % 64,
           .kv_heads = 1,
           .key_dim = shape_.key_dim,
           .value_dim = shape_.value_dim});
  }

  const KernelTable& table_;
  Shape shape_;

 public:
  std::vector<float> k;  // as stored
  std::vector<float> v;

 private:
  int64_t page_elements_ = 0;
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

constexpr Shape kShapes[] = {
    {1, 64, 64, 1, true},     {4, 64, 64, 63, true},   {2, 16, 16, 64, false},
    {3, 20, 12, 65, true},    {32, 8, 80, 129, false}, {5, 33, 65, 511, true},
    {1, 128, 128, 512, true}, {7, 24, 40, 513, false}, {2, 32, 100, 1100, true}};

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

TEST(AttentionKernelTest, HalvesAreRoundedToNearestEven) {
  for (const KernelTable& table : kernels_under_test()) {
    const float values[] = {1.0F, 2049.0F, 2051.0F, 65504.0F, 65520.0F, 1e-8F, -6e-8F, 1e-7F};
    std::vector<uint16_t> page(64 * 16, 0x1234);
    table.attention.store_f16({.k = values,
                               .v = values,
                               .page = page.data(),
                               .slot = 5,
                               .kv_heads = 1,
                               .key_dim = 8,
                               .value_dim = 8});
    for (size_t i = 0; i < 8; i++) {
      EXPECT_EQ(page[i * 64 + 5], f32_to_f16(values[i])) << values[i];
      EXPECT_EQ(page[64 * 8 + 5 * 8 + i], f32_to_f16(values[i])) << values[i];
    }
    EXPECT_EQ(std::ranges::count(page, 0x1234), 64 * 16 - 16);
  }
}

}  // namespace
}  // namespace troika::cpu
