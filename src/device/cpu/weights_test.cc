// What an import says besides the weight: values that are not finite, and parts that are read. The
// bits of packed weights are in packed_matrix_test.cc.
#include "device/cpu/weights.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <mutex>

#include "quant/decode.h"
#include "support/matmul_case.h"

namespace troika::cpu {
namespace {

class ImportTest : public ::testing::Test {
 protected:
  Result<std::unique_ptr<ImportedWeight>> import(const WeightInfo& info,
                                                 const ImportOptions& options = {}) {
    return import_weight(info, {*pool_, memory_, "cpu", options});
  }

  AlignedArena memory_;

  /// Bytes that `parts` have together: small ones, inside the weight, none twice.
  static int64_t covered(const RandomWeight& weight,
                         std::vector<std::span<const std::byte>> parts) {
    std::ranges::sort(parts, {}, [](const auto& part) { return part.data(); });
    const std::byte* end = weight.data.data();
    int64_t bytes = 0;
    for (const auto& part : parts) {
      EXPECT_GE(part.data(), end);
      EXPECT_LE(part.size(), size_t{2} << 20);
      end = part.data() + part.size();
      bytes += std::ssize(part);
    }
    EXPECT_LE(end, weight.data.data() + weight.data.size());
    return bytes;
  }

 private:
  std::unique_ptr<ThreadPool> pool_ = ThreadPool::create(2).value();
};

TEST_F(ImportTest, TakesTheBytesThatWereTold) {
  constexpr int64_t kColumns = 512, kRows = 3 * 24;
  for (const DType dtype : {DType::f32, DType::q8_0, DType::q4_k, DType::q6_k})
    for (const WeightUse use :
         {WeightUse::matmul, WeightUse::lookup, WeightUse::experts, WeightUse::vector}) {
      if (use == WeightUse::vector && dtype != DType::f32) continue;
      RandomWeight weight(dtype, kRows, kColumns, 1);
      weight.info.use = use;
      if (use == WeightUse::experts)
        weight.info.weight = {.units = kRows / 3, .width = 1, .inputs = kColumns, .experts = 3};
      const int64_t before = memory_.held_bytes();
      const auto imported = import(weight.info);
      ASSERT_TRUE(imported.ok()) << imported.error().message();
      const int64_t taken = memory_.held_bytes() - before;
      const int64_t ranges = use == WeightUse::experts ? 3 : 1;  // each of whole pages
      EXPECT_LE(imported_bytes(weight.info), taken);
      EXPECT_GT(imported_bytes(weight.info), taken - ranges * 4096);
    }
}

TEST_F(ImportTest, WeightsThatAreNotFiniteAreNamedWithTheirPlace) {
  constexpr int64_t kColumns = 64, kRows = 40;
  for (const WeightUse use : {WeightUse::matmul, WeightUse::lookup, WeightUse::matmul_lookup,
                              WeightUse::experts, WeightUse::vector}) {
    RandomWeight weight(use == WeightUse::vector ? DType::f32 : DType::q8_0, 3 * kRows, kColumns,
                        1);
    weight.info.use = use;
    if (use == WeightUse::experts)
      weight.info.weight = {.id = 0, .units = kRows, .width = 1, .inputs = kColumns, .experts = 3};
    const ImportOptions options{.must_be_finite = true};
    ASSERT_TRUE(import(weight.info, options).ok());
    // Scale and first codes of the second block of row 77, or a float.
    const int64_t at = dtype_bytes(weight.info.dtype, 77 * kColumns + 32);
    for (int64_t i = at; i < at + 4; i++) weight.data[i] = std::byte{0xff};
    EXPECT_TRUE(import(weight.info).ok());
    const auto imported = import(weight.info, options);
    ASSERT_FALSE(imported.ok());
    EXPECT_EQ(imported.error().code(), ErrorCode::corrupt);
    EXPECT_TRUE(imported.error().message().starts_with("blk.0.test.weight: value 4960 of 7680 is "))
        << imported.error().message();
  }
}

TEST_F(ImportTest, TellsBeforeAndAfterItReadsAPart) {
  for (const WeightUse use : {WeightUse::matmul, WeightUse::lookup}) {
    RandomWeight weight(DType::q8_0, 3000, 2048, 2);
    weight.info.use = use;
    std::mutex mutex;
    std::vector<std::span<const std::byte>> before, after;
    const auto note = [&mutex](std::vector<std::span<const std::byte>>& parts) {
      return [&](std::span<const std::byte> part) {
        const std::lock_guard lock(mutex);
        parts.push_back(part);
      };
    };
    const auto imported = import(weight.info, {.before = note(before), .after = note(after)});
    ASSERT_TRUE(imported.ok()) << imported.error().message();
    EXPECT_EQ(covered(weight, before), std::ssize(weight.data));
    EXPECT_GE(covered(weight, after), std::ssize(weight.data) * 3 / 4);
  }
}

TEST_F(ImportTest, StripsOfAStackEndWithItsMatrices) {
  constexpr int64_t kRows = 20, kColumns = 64;  // no matrix fills its strips
  RandomWeight weight(DType::q4_0, 5 * kRows, kColumns, 3);
  weight.info.weight = {.id = 0, .units = kRows, .width = 1, .inputs = kColumns, .experts = 5};
  weight.info.use = WeightUse::experts;
  const auto imported = import(weight.info);
  ASSERT_TRUE(imported.ok()) << imported.error().message();
  const auto* experts = dynamic_cast<const PackedExperts*>(imported->get());
  ASSERT_NE(experts, nullptr);
  std::vector<float> got(kColumns), wanted(kColumns);
  for (int64_t row = 0; row < 5 * kRows; row++) {
    unpack_row((*experts)[row / kRows], row % kRows, got.data());
    decode_row(DType::q4_0, weight.data.data() + dtype_bytes(DType::q4_0, row * kColumns),
               wanted.data(), kColumns);
    EXPECT_EQ(got, wanted) << row;
  }
}

TEST_F(ImportTest, LookupsKeepTheFilesRows) {
  RandomWeight weight(DType::q6_k, 50, 256, 4);
  weight.info.use = WeightUse::lookup;
  const auto imported = import(weight.info);
  ASSERT_TRUE(imported.ok()) << imported.error().message();
  const auto* rows = dynamic_cast<const LookupRows*>(imported->get());
  ASSERT_NE(rows, nullptr);
  std::vector<float> got(256), wanted(256);
  for (int64_t row = 0; row < 50; row++) {
    rows->decode(row, got.data());
    decode_row(DType::q6_k, weight.data.data() + dtype_bytes(DType::q6_k, row * 256), wanted.data(),
               256);
    EXPECT_EQ(got, wanted) << row;
  }
}

}  // namespace
}  // namespace troika::cpu
