// What is written is read again by gguf::File, which trusts nothing.
#include "gguf/writer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "gguf/file.h"

namespace troika::gguf {
namespace {

using Bytes = std::vector<std::byte>;

ByteSink into(Bytes& file) {
  return [&file](std::span<const std::byte> bytes) {
    file.insert(file.end(), bytes.begin(), bytes.end());
    return ok();
  };
}

/// Writes tensors whose bytes count up, in portions of `portion` bytes.
Bytes written(const PairList& pairs, const std::vector<TensorHeader>& tensors,
              int64_t portion = 1 << 20) {
  Bytes file;
  Result<Writer> writer = Writer::begin(pairs, tensors, into(file));
  EXPECT_TRUE(writer.ok()) << writer.error().message();
  for (const TensorHeader& tensor : tensors) {
    Bytes data(static_cast<size_t>(tensor_bytes(tensor)));
    for (size_t i = 0; i < data.size(); i++) data[i] = static_cast<std::byte>(i % 251);
    for (size_t at = 0; at < data.size(); at += static_cast<size_t>(portion)) {
      const size_t count = std::min(data.size() - at, static_cast<size_t>(portion));
      EXPECT_TRUE(writer->write(std::span(data).subspan(at, count)).ok());
    }
  }
  EXPECT_TRUE(writer->finish().ok());
  EXPECT_EQ(writer->bytes_total(), std::ssize(file));
  EXPECT_EQ(writer->bytes_written(), std::ssize(file));
  return file;
}

File parsed(const Bytes& bytes) {
  Result<File> file = File::parse(bytes, "written");
  EXPECT_TRUE(file.ok()) << file.error().message();
  return std::move(*file);
}

std::string refusal(const PairList& pairs, const std::vector<TensorHeader>& tensors) {
  Bytes file;
  const Result<Writer> writer = Writer::begin(pairs, tensors, into(file));
  EXPECT_FALSE(writer.ok());
  if (writer.ok()) return "";
  EXPECT_EQ(writer.error().code(), ErrorCode::invalid_argument);
  EXPECT_TRUE(file.empty());
  return writer.error().message();
}

TEST(GgufWriter, ScalarsOfEveryTypeComeBack) {
  PairList pairs;
  pairs.set<uint8_t>("u8", 255);
  pairs.set<int8_t>("i8", -128);
  pairs.set<uint16_t>("u16", 65535);
  pairs.set<int16_t>("i16", -32768);
  pairs.set<uint32_t>("u32", 4294967295u);
  pairs.set<int32_t>("i32", -2147483647 - 1);
  pairs.set<uint64_t>("u64", uint64_t{1} << 62);
  pairs.set<int64_t>("i64", std::numeric_limits<int64_t>::min());
  pairs.set<float>("f32", 0.1f);
  pairs.set<double>("f64", 0.1);
  pairs.set<bool>("yes", true);
  pairs.set<bool>("no", false);
  const Bytes bytes = written(pairs, {});
  const File file = parsed(bytes);
  const Metadata& m = file.metadata();
  EXPECT_EQ(*m.integer("u8"), 255);
  EXPECT_EQ(*m.integer("i8"), -128);
  EXPECT_EQ(*m.integer("u16"), 65535);
  EXPECT_EQ(*m.integer("i16"), -32768);
  EXPECT_EQ(*m.integer("u32"), 4294967295);
  EXPECT_EQ(*m.integer("i32"), -2147483648LL);
  EXPECT_EQ(*m.integer("u64"), int64_t{1} << 62);
  EXPECT_EQ(*m.integer("i64"), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(*m.real("f32"), double{0.1f});
  EXPECT_EQ(*m.real("f64"), 0.1);
  EXPECT_TRUE(*m.boolean("yes"));
  EXPECT_FALSE(*m.boolean("no"));
  EXPECT_EQ(m.find("u16")->type, ValueType::u16);
}

TEST(GgufWriter, StringsKeepEveryByte) {
  const std::string odd("a\0b\xff\xfe", 5);
  PairList pairs;
  pairs.set_string("odd", odd);
  pairs.set_string("empty", "");
  pairs.set_string("schlüssel.鍵", "Wert · 値 🐴");
  const std::vector<std::string_view> texts = {"", odd, "Ġword", "x"};
  pairs.set_strings("texts", texts);
  const Bytes bytes = written(pairs, {});
  const File file = parsed(bytes);
  EXPECT_EQ(*file.metadata().string("odd"), odd);
  EXPECT_EQ(*file.metadata().string("empty"), "");
  EXPECT_EQ(*file.metadata().string("schlüssel.鍵"), "Wert · 値 🐴");
  EXPECT_EQ(*file.metadata().strings("texts"), texts);
}

TEST(GgufWriter, ArraysComeBackAlsoEmptyOnes) {
  PairList pairs;
  pairs.set_array<int32_t>("i32", std::vector<int32_t>{-1, 0, 7});
  pairs.set_array<float>("f32", std::vector<float>{0.5f, -INFINITY});
  pairs.set_array<bool>("flags", std::array{true, false, true});
  pairs.set_flags("same flags", {true, false, true});
  pairs.set_array<uint64_t>("none", {});
  pairs.set_strings("no texts", {});
  const Bytes bytes = written(pairs, {});
  const File file = parsed(bytes);
  EXPECT_EQ(*file.metadata().integers("i32"), (std::vector<int64_t>{-1, 0, 7}));
  EXPECT_EQ(*file.metadata().reals("f32"), (std::vector<double>{0.5, -INFINITY}));
  EXPECT_EQ(*file.metadata().booleans("flags"), (std::vector<bool>{true, false, true}));
  EXPECT_EQ(*file.metadata().booleans("same flags"), (std::vector<bool>{true, false, true}));
  EXPECT_TRUE(file.metadata().integers("none")->empty());
  EXPECT_EQ(file.metadata().find("none")->type_text(), "array of 0 u64");
  EXPECT_TRUE(file.metadata().strings("no texts")->empty());
}

TEST(GgufWriter, AKeySetAgainKeepsItsPlace) {
  PairList pairs;
  pairs.set<uint32_t>("a", 1);
  pairs.set<uint32_t>("b", 2);
  pairs.set<uint32_t>("c", 3);
  pairs.set_string("a", "new");
  pairs.erase("b");
  pairs.erase("never there");
  const Bytes bytes = written(pairs, {});
  const File file = parsed(bytes);
  ASSERT_EQ(file.metadata().values().size(), 2u);
  EXPECT_EQ(file.metadata().values()[0].key, "a");
  EXPECT_EQ(*file.metadata().string("a"), "new");
  EXPECT_EQ(file.metadata().values()[1].key, "c");
}

TEST(GgufWriter, ValuesOfAFileGoThroughUnchanged) {
  PairList pairs;
  const std::vector<std::string_view> texts = {"one", "two"};
  pairs.set_strings("texts", texts);
  pairs.set<float>("f", 1.5f);
  pairs.set_array<int16_t>("n", std::vector<int16_t>{3, 4});
  const Bytes first = written(pairs, {});
  const File file = parsed(first);
  PairList again;
  for (const Value& value : file.metadata().values()) again.set_value(value);
  EXPECT_EQ(written(again, {}), first);
}

TEST(GgufWriter, TensorsComeBackAlignedInOrder) {
  const std::vector<TensorHeader> tensors = {
      {"odd", DType::f32, {3, 5}},        {"scalar", DType::f32, {}},
      {"k", DType::q4_k, {2, 3, 256}},    {"half", DType::f16, {7}},
      {"ones", DType::f32, {1, 2, 1, 3}},
  };
  for (const uint32_t alignment : {0u, 8u, 32u, 64u, 4096u, 8192u}) {
    PairList pairs;
    if (alignment != 0) pairs.set<uint32_t>("general.alignment", alignment);
    const Bytes bytes = written(pairs, tensors);
    EXPECT_EQ(written(pairs, tensors, 7), bytes);
    const File file = parsed(bytes);
    ASSERT_EQ(file.tensors().size(), tensors.size());
    for (size_t i = 0; i < tensors.size(); i++) {
      const TensorInfo& tensor = file.tensors()[i];
      EXPECT_EQ(tensor.name, tensors[i].name);
      EXPECT_EQ(tensor.dtype, tensors[i].dtype);
      EXPECT_EQ(tensor.shape, tensors[i].shape);
      EXPECT_EQ(tensor.bytes, tensor_bytes(tensors[i]));
      EXPECT_EQ((tensor.data.data() - bytes.data()) % (alignment == 0 ? 32 : alignment), 0);
      for (size_t b = 0; b < tensor.data.size(); b++)
        ASSERT_EQ(tensor.data[b], static_cast<std::byte>(b % 251)) << tensor.name << " " << b;
    }
  }
}

TEST(GgufWriter, RefusesWhatNoFileMayHold) {
  const auto with = [](const TensorHeader& tensor) { return refusal({}, {tensor}); };
  EXPECT_NE(with({"", DType::f32, {1}}).find("1 to 63 bytes"), std::string::npos);
  EXPECT_NE(with({std::string(64, 'x'), DType::f32, {1}}).find("63"), std::string::npos);
  EXPECT_NE(with({"bad\xff", DType::f32, {1}}).find("UTF-8"), std::string::npos);
  EXPECT_NE(with({"five", DType::f32, {1, 1, 1, 1, 1}}).find("5 axes"), std::string::npos);
  EXPECT_NE(with({"zero", DType::f32, {2, 0}}).find("axis of 0"), std::string::npos);
  EXPECT_NE(with({"part", DType::q8_0, {2, 33}}).find("multiple of 32"), std::string::npos);
  EXPECT_NE(with({"vast", DType::f32, {int64_t{1} << 40, int64_t{1} << 40}}).find("2^63"),
            std::string::npos);
  EXPECT_NE(refusal({}, {{"t", DType::f32, {1}}, {"t", DType::f32, {1}}}).find("twice"),
            std::string::npos);
  const auto key = [](std::string_view name) {
    PairList pairs;
    pairs.set<uint32_t>(name, 1);
    return refusal(pairs, {});
  };
  EXPECT_NE(key("").find("key \"\""), std::string::npos);
  EXPECT_NE(key(std::string_view("a\0b", 3)).find("NUL"), std::string::npos);
  EXPECT_NE(key(std::string(65536, 'k')).find("65535"), std::string::npos);
  PairList pairs;
  pairs.set<uint32_t>("general.alignment", 24);
  EXPECT_NE(refusal(pairs, {}).find("power of two"), std::string::npos);
}

TEST(GgufWriter, PassesOnWhatTheSinkSays) {
  int64_t room = 100;
  const ByteSink full = [&room](std::span<const std::byte> bytes) -> Status {
    room -= std::ssize(bytes);
    return room >= 0 ? ok() : Status(fail(ErrorCode::exhausted, "disk full"));
  };
  Result<Writer> writer = Writer::begin({}, {{"t", DType::f32, {100}}}, full);
  ASSERT_TRUE(writer.ok());
  const Bytes data(400);
  const Status status = writer->write(data);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code(), ErrorCode::exhausted);
}

}  // namespace
}  // namespace troika::gguf
