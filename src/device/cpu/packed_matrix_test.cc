#include "device/cpu/packed_matrix.h"

#include <gtest/gtest.h>

#include <cstring>

#include "quant/decode.h"
#include "support/matmul_case.h"

namespace troika::cpu {
namespace {

TEST(PackedMatrix, UnpacksTheBitsOfDecode) {
  for (DType dtype : kPackedTypes) {
    const int64_t block = dtype_info(dtype).block, rows = 37, columns = block * 7;
    RandomWeight weight(dtype, rows, columns, 1);
    weight.info.split = scattered_split(columns, block, 3);
    auto matrix = pack_matrix(weight.info);
    ASSERT_TRUE(matrix.ok()) << matrix.error().message();
    std::vector<float> got(columns), want(columns);
    for (int64_t r = 0; r < rows; r++) {
      unpack_row(**matrix, r, got.data());
      decode_row(dtype, weight.data.data() + r * dtype_bytes(dtype, columns), want.data(), columns);
      ASSERT_EQ(std::memcmp(got.data(), want.data(), columns * sizeof(float)), 0)
          << dtype_info(dtype).name << " row " << r;
    }
  }
}

TEST(PackedMatrix, StripsPackInAnyOrder) {
  AlignedArena memory;
  RandomWeight weight(DType::q6_k, 40, 512, 2);
  auto whole = pack_matrix(weight.info);
  auto parts = allocate_matrix(weight.info, memory);
  ASSERT_TRUE(whole.ok() && parts.ok());
  for (int64_t strip : {2, 0, 1}) pack_strips(**parts, weight.info, strip, strip + 1);
  MatmulArgs a, b;
  (*whole)->describe(a);
  (*parts)->describe(b);
  EXPECT_EQ(std::memcmp(a.strips, b.strips, (*whole)->bytes()), 0);
}

TEST(PackedMatrix, TakesLittleMoreThanTheFile) {
  AlignedArena memory;
  for (DType dtype : kPackedTypes) {
    const RandomWeight weight(dtype, 32, 2048, 3);
    auto matrix = allocate_matrix(weight.info, memory);
    ASSERT_TRUE(matrix.ok());
    EXPECT_LE((*matrix)->bytes(), 1.03 * weight.data.size()) << dtype_info(dtype).name;
  }
}

TEST(PackedMatrix, AWeightWithoutSplitHasOneLeaf) {
  AlignedArena memory;
  RandomWeight weight(DType::q8_0, 16, 64, 4);
  weight.info.split = {};
  auto matrix = allocate_matrix(weight.info, memory);
  ASSERT_TRUE(matrix.ok());
  EXPECT_EQ((*matrix)->leaves(), 1);
}

void expect_refused(const WeightInfo& info, ErrorCode code, std::string_view part) {
  auto matrix = pack_matrix(info);
  ASSERT_FALSE(matrix.ok()) << part;
  EXPECT_EQ(matrix.error().code(), code);
  EXPECT_NE(matrix.error().message().find(info.name), std::string::npos);
  EXPECT_NE(matrix.error().message().find(part), std::string::npos) << matrix.error().message();
}

TEST(PackedMatrix, RefusesTypesWithoutLayout) {
  RandomWeight weight(DType::q8_0, 16, 64, 5);
  weight.info.dtype = DType::q5_1;
  EXPECT_FALSE(can_pack(DType::q5_1));
  EXPECT_TRUE(can_pack(DType::q4_k));
  expect_refused(weight.info, ErrorCode::unsupported, "q5_1");
}

TEST(PackedMatrix, RefusesShapesThatDoNotFit) {
  RandomWeight weight(DType::q8_0, 16, 64, 6);
  WeightInfo info = weight.info;
  info.weight.units = 15;
  expect_refused(info, ErrorCode::invalid_argument, "want 15 rows");
  info = weight.info;
  info.weight.inputs = 48;
  expect_refused(info, ErrorCode::invalid_argument, "multiple of 32");
  info = weight.info;
  info.data = info.data.first(info.data.size() - 1);
  expect_refused(info, ErrorCode::invalid_argument, "bytes");
  for (int64_t bad : {int64_t{0}, int64_t{-1}, int64_t{1} << 40}) {
    info = weight.info;
    info.weight.inputs = bad;
    expect_refused(info, ErrorCode::invalid_argument, "rows");
  }
}

TEST(PackedMatrix, RefusesSplitsThatAreNotPartitionsIntoBlocks) {
  RandomWeight weight(DType::q8_0, 16, 96, 7);
  const auto refused = [&](std::vector<std::vector<ColumnRange>> leaves, std::string_view part) {
    weight.info.split.leaves = std::move(leaves);
    expect_refused(weight.info, ErrorCode::invalid_argument, part);
  };
  refused({{{0, 32}}, {{64, 96}}}, "cover");       // a gap
  refused({{{0, 64}}, {{32, 96}}}, "cover");       // an overlap
  refused({{{0, 96}}, {}}, "empty");               // an empty leaf
  refused({{{0, 40}, {40, 96}}}, "whole blocks");  // cuts a block
  refused({{{0, 128}}}, "whole blocks");           // beyond the end
  refused({{{-32, 0}, {0, 96}}}, "whole blocks");  // before the beginning
  refused(std::vector<std::vector<ColumnRange>>(9, {{0, 96}}), "at most 8");
}

}  // namespace
}  // namespace troika::cpu
