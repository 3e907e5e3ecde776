// Every decoder against block vectors from an independent one, bit for bit as float equality (-0
// equals +0): tests/quants always, the larger set in ../shared/fixtures/quants where that folder is
// present.
#include <gtest/gtest.h>

#include <bit>
#include <cctype>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "core/half.h"
#include "quant/decode.h"
#include "support/shared.h"

namespace troika {
namespace {

using Json = nlohmann::json;

std::vector<std::byte> unhex(const std::string& text) {
  std::vector<std::byte> bytes;
  for (size_t i = 0; i + 1 < text.size(); i += 2)
    bytes.push_back(static_cast<std::byte>(std::stoi(text.substr(i, 2), nullptr, 16)));
  return bytes;
}

// The number with the big-endian hexadecimal digits of `text`.
uint32_t bits(const Json& text) {
  return static_cast<uint32_t>(std::stoul(text.get<std::string>(), nullptr, 16));
}

bool is_nan(uint32_t f32) {
  return (f32 & 0x7fffffff) > 0x7f800000;
}

void expect_block(DType dtype, const std::string& block, const std::string& values) {
  const std::vector<std::byte> source = unhex(block);
  const std::vector<std::byte> wanted_bytes = unhex(values);
  const auto elements = static_cast<size_t>(dtype_info(dtype).block);
  ASSERT_EQ(source.size(), static_cast<size_t>(dtype_info(dtype).bytes));
  ASSERT_EQ(wanted_bytes.size(), elements * sizeof(float));
  std::vector<float> wanted(elements);
  std::memcpy(wanted.data(), wanted_bytes.data(), wanted_bytes.size());
  std::vector<float> got(elements);
  decode_row(dtype, source.data(), got.data(), dtype_info(dtype).block);
  for (size_t i = 0; i < elements; i++)
    ASSERT_EQ(got[i], wanted[i]) << dtype_info(dtype).name << " value " << i << " of " << block;
}

// Types without decoder are passed over. Returns the names of those compared.
std::set<std::string> expect_blocks(const std::filesystem::path& file) {
  std::set<std::string> compared;
  std::ifstream in(file);
  EXPECT_TRUE(in.is_open()) << file;
  for (std::string line; std::getline(in, line);) {
    const Json row = Json::parse(line);
    const auto dtype = dtype_from_gguf(row.at("id").get<uint32_t>());
    EXPECT_TRUE(dtype.has_value()) << row.at("type");
    if (!dtype) continue;
    const DTypeInfo& info = dtype_info(*dtype);
    EXPECT_EQ(row.at("block").get<int64_t>(), info.block) << info.name;
    EXPECT_EQ(row.at("bytes").get<int64_t>(), info.bytes) << info.name;
    if (!info.decodes) continue;
    for (const Json& block : row.at("blocks"))
      expect_block(*dtype, block.at("hex"), block.at("f32le"));
    compared.emplace(info.name);
  }
  return compared;
}

// Every type with a decoder but the three scalars, whose vectors are in scalars.json.
std::set<std::string> block_formats() {
  std::set<std::string> names;
  for (const DTypeInfo& info : dtypes())
    if (info.decodes && info.block > 1) names.emplace(info.name);
  return names;
}

void expect_scalars(const std::filesystem::path& file) {
  std::ifstream in(file);
  ASSERT_TRUE(in.is_open()) << file;
  const Json all = Json::parse(in);
  for (const Json& row : all.at("f32_to_half_bf16")) {
    const uint32_t f32 = bits(row.at("f32"));
    const auto f16 = static_cast<uint16_t>(bits(row.at("f16")));
    const auto bf16 = static_cast<uint16_t>(bits(row.at("bf16")));
    EXPECT_EQ(f32_to_f16(std::bit_cast<float>(f32)), f16) << row;
    EXPECT_EQ(f32_to_bf16(std::bit_cast<float>(f32)), bf16) << row;
    if (is_nan(f32)) continue;
    float back = -99.0f;
    decode_row(DType::bf16, reinterpret_cast<const std::byte*>(&bf16), &back, 1);
    EXPECT_EQ(std::bit_cast<uint32_t>(back), uint32_t{bf16} << 16) << row;
    decode_row(DType::f16, reinterpret_cast<const std::byte*>(&f16), &back, 1);
    EXPECT_EQ(f32_to_f16(back), f16) << row;
  }
  for (const Json& row : all.at("e8m0_half")) {
    std::vector<std::byte> block(17, std::byte{0x01});  // low nibbles 1, high nibbles 0
    block[0] = static_cast<std::byte>(row.at("e").get<int>());
    std::vector<float> got(32);
    decode_row(DType::mxfp4, block.data(), got.data(), 32);
    EXPECT_EQ(std::bit_cast<uint32_t>(got[0]), bits(row.at("half_f32"))) << row;
  }
}

TEST(QuantVectors, BlocksDecodeBitForBit) {
  EXPECT_EQ(expect_blocks(testing::test_data("quants") / "blocks.jsonl"), block_formats());
}

TEST(QuantVectors, ScalarsConvertBitForBit) {
  expect_scalars(testing::test_data("quants") / "scalars.json");
}

TEST(QuantVectors, SharedBlocksDecodeBitForBit) {
  const auto folder = testing::shared_fixtures("quants");
  if (!folder) return;
  EXPECT_EQ(expect_blocks(*folder / "dequantize.jsonl"), block_formats());
}

TEST(QuantVectors, SharedScalarsConvertBitForBit) {
  const auto folder = testing::shared_fixtures("quants");
  if (!folder) return;
  expect_scalars(*folder / "scalars.json");
}

}  // namespace
}  // namespace troika
