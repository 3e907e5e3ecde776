#include "gguf/metadata.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "gguf/file.h"
#include "support/gguf_builder.h"

namespace troika::gguf {
namespace {

using testing::GgufBuilder;

// A parsed file and the bytes that it looks into.
struct Parsed {
  explicit Parsed(const GgufBuilder& builder)
      : bytes(builder.bytes()), file(File::parse(bytes, "m.gguf")) {}
  const Metadata& metadata() const { return file->metadata(); }

  std::vector<std::byte> bytes;
  Result<File> file;
};

template <typename T>
void expect_refused(const Result<T>& result, ErrorCode code, std::string_view message) {
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code(), code);
  EXPECT_EQ(result.error().message(), message);
}

TEST(Metadata, IntegersOfEveryWidthThatFit) {
  const Parsed p(GgufBuilder()
                     .number("u8", ValueType::u8, uint8_t{255})
                     .number("i8", ValueType::i8, int8_t{-128})
                     .number("u16", ValueType::u16, uint16_t{65535})
                     .number("i16", ValueType::i16, int16_t{-5})
                     .number("u32", ValueType::u32, uint32_t{4294967295u})
                     .number("i32", ValueType::i32, int32_t{-7})
                     .number("u64", ValueType::u64, uint64_t{9223372036854775807u})
                     .number("i64", ValueType::i64, std::numeric_limits<int64_t>::min())
                     .number("big", ValueType::u64, uint64_t{9223372036854775808u}));
  const Metadata& m = p.metadata();
  EXPECT_EQ(*m.integer("u8"), 255);
  EXPECT_EQ(*m.integer("i8"), -128);
  EXPECT_EQ(*m.integer("u16"), 65535);
  EXPECT_EQ(*m.integer("i16"), -5);
  EXPECT_EQ(*m.integer("u32"), 4294967295);
  EXPECT_EQ(*m.integer("i32"), -7);
  EXPECT_EQ(*m.integer("u64"), 9223372036854775807);
  EXPECT_EQ(*m.integer("i64"), std::numeric_limits<int64_t>::min());
  expect_refused(
      m.integer("big"), ErrorCode::corrupt,
      "m.gguf: key \"big\" is u64 9223372036854775808, want an integer of at most 63 bits");
}

TEST(Metadata, RealsAreFiniteAndExact) {
  const Parsed p(GgufBuilder()
                     .f32("f32", 1.5f)
                     .number("f64", ValueType::f64, 0.1)
                     .u32("u32", 10000000)
                     .number("inexact", ValueType::i64, (int64_t{1} << 53) + 1)
                     .f32("inf", INFINITY)
                     .f32("nan", NAN));
  const Metadata& m = p.metadata();
  EXPECT_EQ(*m.real("f32"), 1.5);
  EXPECT_EQ(*m.real("f64"), 0.1);
  EXPECT_EQ(*m.real("u32"), 1e7);
  EXPECT_FALSE(m.real("inexact").ok());
  expect_refused(m.real("inf"), ErrorCode::corrupt,
                 "m.gguf: key \"inf\" is f32 inf, want a finite number");
  EXPECT_FALSE(m.real("nan").ok());
  EXPECT_FALSE(m.integer("f32").ok());
}

TEST(Metadata, BooleansAndStrings) {
  const Parsed p(GgufBuilder()
                     .boolean("yes", true)
                     .boolean("no", false)
                     .number("two", ValueType::boolean, uint8_t{2})
                     .string("s", "\xff\n"));
  const Metadata& m = p.metadata();
  EXPECT_TRUE(*m.boolean("yes"));
  EXPECT_FALSE(*m.boolean("no"));
  EXPECT_TRUE(*m.boolean("two"));
  EXPECT_EQ(*m.string("s"), "\xff\n");
  expect_refused(m.boolean("s"), ErrorCode::corrupt,
                 "m.gguf: key \"s\" is string \"\\xff\\x0a\", want a boolean");
  EXPECT_FALSE(m.string("yes").ok());
  EXPECT_FALSE(m.integer("yes").ok());
}

TEST(Metadata, MissingKeysAreNamedAndFallBack) {
  const Parsed p(GgufBuilder().string("s", "text"));
  const Metadata& m = p.metadata();
  expect_refused(m.integer("k"), ErrorCode::not_found,
                 "m.gguf: key \"k\" is missing, want an integer of at most 63 bits");
  EXPECT_EQ(*m.integer_or("k", 3), 3);
  EXPECT_EQ(*m.real_or("k", 2.5), 2.5);
  EXPECT_TRUE(*m.boolean_or("k", true));
  EXPECT_EQ(*m.string_or("k", "none"), "none");
  EXPECT_EQ(*m.string_or("s", "none"), "text");
  EXPECT_FALSE(m.integer_or("s", 3).ok());
  EXPECT_FALSE(m.real_or("s", 3).ok());
  EXPECT_FALSE(m.boolean_or("s", false).ok());
  EXPECT_TRUE(m.has("s"));
  EXPECT_EQ(m.find("k"), nullptr);
}

TEST(Metadata, Arrays) {
  const Parsed p(GgufBuilder()
                     .numbers<int16_t>("ints", ValueType::i16, {1, -2, 3})
                     .numbers<float>("floats", ValueType::f32, {0.5f, -INFINITY})
                     .numbers<uint8_t>("flags", ValueType::boolean, {0, 1, 7})
                     .strings("words", {"", "a", "\xff"})
                     .strings("none", {})
                     .numbers<uint64_t>("big", ValueType::u64, {1, ~uint64_t{0}})
                     .u32("scalar", 1));
  const Metadata& m = p.metadata();
  EXPECT_EQ(*m.integers("ints"), (std::vector<int64_t>{1, -2, 3}));
  EXPECT_EQ(*m.reals("floats"), (std::vector<double>{0.5, -INFINITY}));
  EXPECT_EQ(*m.reals("ints"), (std::vector<double>{1, -2, 3}));
  EXPECT_EQ(*m.booleans("flags"), (std::vector<bool>{false, true, true}));
  EXPECT_EQ(*m.strings("words"), (std::vector<std::string_view>{"", "a", "\xff"}));
  EXPECT_TRUE(m.strings("none")->empty());
  EXPECT_FALSE(m.integers("floats").ok());
  EXPECT_FALSE(m.integers("big").ok());
  EXPECT_FALSE(m.booleans("ints").ok());
  EXPECT_FALSE(m.reals("words").ok());
  expect_refused(m.strings("ints"), ErrorCode::corrupt,
                 "m.gguf: key \"ints\" is array of 3 i16 [1, -2, 3], want an array of strings");
  expect_refused(m.integers("scalar"), ErrorCode::corrupt,
                 "m.gguf: key \"scalar\" is u32 1, want an array of integers of at most 63 bits");
  EXPECT_FALSE(m.integer("ints").ok());
  EXPECT_FALSE(m.string("words").ok());
}

TEST(Metadata, StringsAreViewsIntoTheFile) {
  const Parsed p(GgufBuilder().strings("words", {"one", "two"}));
  const auto* begin = reinterpret_cast<const char*>(p.bytes.data());
  const auto words = p.metadata().strings("words");
  for (const std::string_view word : *words) {
    EXPECT_GE(word.data(), begin);
    EXPECT_LE(word.data() + word.size(), begin + p.bytes.size());
  }
}

TEST(Metadata, OneValuePerLayer) {
  const Parsed p(GgufBuilder()
                     .u32("same", 8)
                     .numbers<int32_t>("each", ValueType::i32, {8, 0, 8})
                     .string("wrong", "8"));
  const Metadata& m = p.metadata();
  EXPECT_EQ(*m.integer_per_layer("same", 2), (std::vector<int64_t>{8, 8}));
  EXPECT_EQ(*m.integer_per_layer("each", 3), (std::vector<int64_t>{8, 0, 8}));
  expect_refused(
      m.integer_per_layer("each", 2), ErrorCode::corrupt,
      "m.gguf: key \"each\" is array of 3 i32 [8, 0, 8], want an integer or an array of 2 "
      "integers");
  EXPECT_FALSE(m.integer_per_layer("wrong", 2).ok());
  EXPECT_FALSE(m.integer_per_layer("none", 2).ok());
  EXPECT_FALSE(m.integer_per_layer("same", int64_t{1} << 40).ok());
  EXPECT_FALSE(m.integer_per_layer("same", -1).ok());
}

TEST(Metadata, ValuesInFileOrderAndAsText) {
  const Parsed p(GgufBuilder()
                     .string("z", std::string(100, 'z'))
                     .numbers<uint32_t>("a", ValueType::u32, {1, 2, 3, 4})
                     .strings("w", {"x\"", "y"}));
  const std::span<const Value> values = p.metadata().values();
  ASSERT_EQ(values.size(), 3u);
  EXPECT_EQ(values[0].key, "z");
  EXPECT_EQ(values[0].type_text(), "string");
  EXPECT_EQ(value_text(values[0]), '"' + std::string(80, 'z') + "...\"");
  EXPECT_EQ(values[1].type_text(), "array of 4 u32");
  EXPECT_EQ(value_text(values[1]), "[1, 2, 3, 4]");
  EXPECT_EQ(value_text(values[1], 2), "[1, 2, ... 4 in all]");
  EXPECT_EQ(value_text(values[2]), "[\"x\\x22\", \"y\"]");
}

}  // namespace
}  // namespace troika::gguf
