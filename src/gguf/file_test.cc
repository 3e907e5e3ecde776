#include "gguf/file.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "support/gguf_builder.h"

namespace troika::gguf {
namespace {

using testing::GgufBuilder;

const std::vector<float> kSix = {1, 2, 3, 4, 5, 6};

// The message of a refusal; a file that opens fails the test.
std::string refusal(const GgufBuilder& builder) {
  const std::vector<std::byte> bytes = builder.bytes();
  const Result<File> file = File::parse(bytes, "m.gguf");
  EXPECT_FALSE(file.ok());
  return file.ok() ? "" : file.error().message();
}

void expect_refused(const GgufBuilder& builder, std::string_view part) {
  const std::string message = refusal(builder);
  EXPECT_NE(message.find(part), message.npos) << message;
  EXPECT_TRUE(message.starts_with("m.gguf: ")) << message;
}

// A folder of its own for one test, gone afterwards.
class FileOnDisk : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "troika-gguf-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path shard(int number, int count) const {
    return folder_ / fmt::format("m-{:05}-of-{:05}.gguf", number, count);
  }
  static GgufBuilder split_pairs(int index, int count, int tensors) {
    GgufBuilder builder;
    builder.number("split.no", ValueType::u16, static_cast<uint16_t>(index));
    builder.number("split.count", ValueType::u16, static_cast<uint16_t>(count));
    builder.number("split.tensors.count", ValueType::i32, int32_t{tensors});
    return builder;
  }
  std::string open_refusal(const std::filesystem::path& path) const {
    const Result<File> file = File::open(path);
    return file.ok() ? "opened" : file.error().message();
  }

  std::filesystem::path folder_;
};

TEST(File, TurnsAxesRoundAndFindsTensors) {
  const auto bytes = GgufBuilder()
                         .string("general.architecture", "foal")
                         .tensor("a.weight", {3, 2}, kSix)
                         .tensor("b.weight", {2, 1, 3}, kSix)
                         .bytes();
  const Result<File> file = File::parse(bytes, "m.gguf");
  ASSERT_TRUE(file.ok()) << file.error().message();
  EXPECT_EQ(file->tensors().size(), 2u);
  const TensorInfo* a = file->find("a.weight");
  ASSERT_NE(a, nullptr);
  EXPECT_EQ(a->shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(file->find("b.weight")->shape, (std::vector<int64_t>{3, 1, 2}));
  EXPECT_EQ(a->dtype, DType::f32);
  EXPECT_EQ(a->bytes, 24);
  EXPECT_EQ(a->elements(), 6);
  ASSERT_EQ(a->data.size(), 24u);
  EXPECT_EQ(std::memcmp(a->data.data(), kSix.data(), 24), 0);
  EXPECT_EQ(file->find("c.weight"), nullptr);
  EXPECT_EQ(file->name(), "m.gguf");
  EXPECT_EQ(file->bytes(), static_cast<int64_t>(bytes.size()));
}

TEST(File, AcceptsTypesWithoutDecoder) {
  const std::vector<std::byte> blocks(54);
  const auto bytes = GgufBuilder().tensor("t", {256}, 34, blocks).bytes();
  const Result<File> file = File::parse(bytes, "m.gguf");
  ASSERT_TRUE(file.ok()) << file.error().message();
  EXPECT_EQ(file->tensors()[0].dtype, DType::tq1_0);
}

TEST(File, AcceptsGapsAndAnyOrder) {
  GgufBuilder builder;
  builder.row("late", {8}, 0, 96).row("early", {8}, 0, 0);
  auto bytes = builder.bytes();
  bytes.resize(bytes.size() + 128);
  const Result<File> file = File::parse(bytes, "m.gguf");
  ASSERT_TRUE(file.ok()) << file.error().message();
  EXPECT_EQ(file->find("late")->data.data() - file->find("early")->data.data(), 96);
}

TEST(File, RefusesVersionsItDoesNotRead) {
  GgufBuilder builder;
  builder.version = 1;
  expect_refused(builder, "version 1 is not read");
  builder.version = 0x03000000;
  expect_refused(builder, "big-endian");
  builder.version = 4;
  expect_refused(builder, "version 4, want 2 or 3");
}

TEST(File, RefusesLyingTensors) {
  expect_refused(GgufBuilder().tensor("t", {0, 2}, kSix), "dimension 0 is 0, want at least 1");
  expect_refused(GgufBuilder().tensor("t", {6}, 4, {}), "q4_2, use q4_0");
  expect_refused(GgufBuilder().tensor("t", {6}, 139, {}), "iq4_k of the fork");
  expect_refused(GgufBuilder().tensor("t", {6}, 212, {}), "row-interleaved");
  expect_refused(GgufBuilder().tensor("t", {6}, 77, {}), "tensor type 77: unknown");
  expect_refused(GgufBuilder().tensor("t", {48}, 8, {}), "want a multiple of 32 for q8_0");
  expect_refused(GgufBuilder().tensor("t", {1ull << 40, 1ull << 40}, kSix), "more than 2^63");
  expect_refused(GgufBuilder().tensor("t", {1ull << 62}, kSix), "more than 2^63 bytes");
  expect_refused(GgufBuilder().tensor("t", {600}, kSix), "cut off?");
  expect_refused(GgufBuilder().row("t", {1}, 0, 8), "offset 8, want a multiple of 32");
  expect_refused(GgufBuilder().row("t", {1}, 0, ~uint64_t{31}), "cut off?");
  expect_refused(GgufBuilder().tensor("", {6}, kSix), "the name is empty");
  expect_refused(GgufBuilder().tensor(std::string(64, 'n'), {6}, kSix), "want at most 63");
  expect_refused(GgufBuilder().tensor({"a\0b", 3}, {6}, kSix), "NUL");
  expect_refused(GgufBuilder().tensor("t", {1, 1, 1, 1, 6}, kSix), "5 dimensions, want 0 to 4");
}

TEST(File, RefusesSharedBytesAndNames) {
  GgufBuilder overlap;
  overlap.tensor("a", {16}, std::vector<float>(16)).row("b", {8}, 0, 32);
  expect_refused(overlap, "\"a\" (offset 0, 64 bytes) and \"b\" (offset 32) overlap");
  GgufBuilder twice;
  twice.tensor("a", {6}, kSix).tensor("a", {6}, kSix);
  expect_refused(twice, "tensor \"a\" occurs twice");
}

TEST(File, RefusesBadAlignment) {
  for (const uint32_t alignment : {0u, 4u, 24u, 1u << 30})
    expect_refused(GgufBuilder().u32("general.alignment", alignment), "want a power of two");
  expect_refused(GgufBuilder().string("general.alignment", "32"), "is string");
}

TEST(File, RefusesBadKeys) {
  expect_refused(GgufBuilder().u32("", 1), "the key is empty");
  expect_refused(GgufBuilder().u32({"a\0b", 3}, 1), "NUL");
  expect_refused(GgufBuilder().u32("\xff", 1), "not UTF-8");
  expect_refused(GgufBuilder().u32("\xed\xa0\x80", 1), "not UTF-8");
  expect_refused(GgufBuilder().u32("k", 1).u32("k", 2), "key \"k\" occurs twice");
  expect_refused(GgufBuilder().u32(std::string(65536, 'k'), 1), "want at most 65535");
  GgufBuilder nested;
  nested.array("k", ValueType::array, 0);
  expect_refused(nested, "an array of arrays");
}

TEST(File, NamesWithControlCharactersArePrintable) {
  expect_refused(GgufBuilder().u32("a\x1b[2Jb", 1).u32("a\x1b[2Jb", 2), "a\\x1b[2Jb");
}

TEST(File, EveryPrefixOfAFileIsRefusedOrOpened) {
  const auto bytes = GgufBuilder()
                         .strings("tokens", {"a", "bc", ""})
                         .numbers<float>("scores", ValueType::f32, {1, 2})
                         .tensor("a.weight", {3, 2}, kSix)
                         .bytes();
  const size_t needed = bytes.size() - 8;  // the last padding may be missing
  for (size_t size = 0; size <= bytes.size(); size++) {
    const Result<File> file = File::parse(std::span(bytes).first(size), "m.gguf");
    EXPECT_EQ(file.ok(), size >= needed) << size;
  }
}

TEST_F(FileOnDisk, OpensAndOutlivesAMove) {
  GgufBuilder().string("k", "v").tensor("t", {6}, kSix).write(folder_ / "m.gguf");
  Result<File> opened = File::open(folder_ / "m.gguf");
  ASSERT_TRUE(opened.ok()) << opened.error().message();
  const File file = std::move(opened).value();
  EXPECT_EQ(*file.metadata().string("k"), "v");
  const TensorInfo* t = file.find("t");
  EXPECT_EQ(std::memcmp(t->data.data(), kSix.data(), 24), 0);
  file.read_ahead(t->data);
  file.touch(t->data);
  EXPECT_EQ(std::memcmp(t->data.data(), kSix.data(), 24), 0);
  file.drop(t->data);
  EXPECT_EQ(std::memcmp(t->data.data(), kSix.data(), 24), 0);
}

TEST_F(FileOnDisk, SaysWhatCannotBeOpened) {
  EXPECT_NE(open_refusal(folder_ / "none.gguf").find("none.gguf"), std::string::npos);
  EXPECT_NE(open_refusal(folder_).find("not a regular file"), std::string::npos);
}

TEST_F(FileOnDisk, JoinsShards) {
  split_pairs(0, 3, 2).string("k", "v").write(shard(1, 3));
  split_pairs(1, 3, 2).tensor("a", {6}, kSix).write(shard(2, 3));
  split_pairs(2, 3, 2).tensor("b", {3, 2}, kSix).write(shard(3, 3));
  const Result<File> file = File::open(shard(1, 3));
  ASSERT_TRUE(file.ok()) << file.error().message();
  EXPECT_EQ(*file->metadata().string("k"), "v");
  ASSERT_EQ(file->tensors().size(), 2u);
  EXPECT_EQ(std::memcmp(file->find("b")->data.data(), kSix.data(), 24), 0);
}

TEST_F(FileOnDisk, RefusesShardsThatDoNotFit) {
  split_pairs(0, 2, 2).tensor("a", {6}, kSix).write(shard(1, 2));
  EXPECT_NE(open_refusal(shard(1, 2)).find("m-00002-of-00002.gguf"), std::string::npos);
  split_pairs(0, 2, 2).tensor("b", {6}, kSix).write(shard(2, 2));
  EXPECT_NE(open_refusal(shard(1, 2)).find("is shard 0 of 2"), std::string::npos);
  split_pairs(1, 2, 2).tensor("a", {6}, kSix).write(shard(2, 2));
  EXPECT_NE(open_refusal(shard(1, 2)).find("tensor \"a\" occurs twice"), std::string::npos);
  EXPECT_NE(open_refusal(shard(2, 2)).find("open the first shard"), std::string::npos);
  split_pairs(1, 2, 2).write(shard(2, 2));
  EXPECT_NE(open_refusal(shard(1, 2)).find("hold 1 tensors"), std::string::npos);
  std::filesystem::rename(shard(1, 2), folder_ / "whole.gguf");
  EXPECT_NE(open_refusal(folder_ / "whole.gguf").find("-00001-of-00002.gguf"), std::string::npos);
}

TEST(File, ParseWantsAWholeModel) {
  expect_refused(GgufBuilder().u32("split.count", 2), "one of 2 shards");
}

}  // namespace
}  // namespace troika::gguf
