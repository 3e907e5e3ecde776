#include "engine/session_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>

namespace troika {
namespace {

using Bytes = std::vector<std::byte>;

class SessionFileTest : public ::testing::Test {
 protected:
  SessionFileTest()
      : path_((std::filesystem::temp_directory_path() /
               ("session_file_test." + std::to_string(getpid())))
                  .string()) {}
  ~SessionFileTest() override { std::filesystem::remove(path_); }

  static SessionHeader header() {
    return {.model = 77,
            .layout = "abacus, KV f16",
            .tokens = {TokenId{3}, TokenId{1}, TokenId{4}},
            .computed = 2,
            .replay = 1,
            .draft_head = true,
            .sections = {{"blk.0.kv", 2, 8}, {"hidden", 1, 4}}};
  }

  void write_whole() {
    auto writer = SessionWriter::create(path_, header());
    ASSERT_TRUE(writer.ok());
    for (int i = 0; i < 5; i++)
      ASSERT_TRUE(writer->write(Bytes(4, static_cast<std::byte>(i))).ok());
    ASSERT_TRUE(writer->commit().ok());
  }

  Bytes content() const {
    std::ifstream in(path_, std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(in)), {});
    Bytes bytes(text.size());
    std::memcpy(bytes.data(), text.data(), text.size());
    return bytes;
  }

  void replace(const Bytes& bytes) const {
    std::ofstream out(path_, std::ios::binary | std::ios::trunc);
    out.write(reinterpret_cast<const char*>(bytes.data()), std::ssize(bytes));
  }

  /// Puts `value` at byte `at` and a checksum that fits.
  template <typename T>
  void forge(size_t at, T value) const {
    Bytes bytes = content();
    std::memcpy(bytes.data() + at, &value, sizeof(T));
    const uint64_t hash = XXH64(bytes.data(), bytes.size() - 8, 0);
    std::memcpy(bytes.data() + bytes.size() - 8, &hash, 8);
    replace(bytes);
  }

  std::string refusal() const {
    const auto file = SessionFile::open(path_);
    EXPECT_FALSE(file.ok());
    return file.ok() ? "" : file.error().message();
  }

  std::string path_;
};

TEST_F(SessionFileTest, ReadsWhatWasWritten) {
  write_whole();
  const auto file = SessionFile::open(path_);
  ASSERT_TRUE(file.ok()) << file.error().message();
  const SessionHeader& got = file->header();
  const SessionHeader wanted = header();
  EXPECT_EQ(got.model, wanted.model);
  EXPECT_EQ(got.layout, wanted.layout);
  EXPECT_EQ(got.tokens, wanted.tokens);
  EXPECT_EQ(got.computed, wanted.computed);
  EXPECT_EQ(got.replay, wanted.replay);
  EXPECT_TRUE(got.draft_head);
  EXPECT_EQ(got.sections, wanted.sections);
  EXPECT_EQ(file->section(0).size(), 16u);
  EXPECT_EQ(file->section(0)[12], std::byte{3});
  EXPECT_EQ(file->section(1)[0], std::byte{4});
}

TEST_F(SessionFileTest, WhatIsNotCommittedIsNotThere) {
  { auto writer = SessionWriter::create(path_, header()); }
  EXPECT_FALSE(std::filesystem::exists(path_));
  EXPECT_EQ(SessionFile::open(path_).error().code(), ErrorCode::not_found);
}

TEST_F(SessionFileTest, EveryTruncationIsRefused) {
  write_whole();
  const Bytes whole = content();
  for (size_t size = 0; size < whole.size(); size++) {
    replace(Bytes(whole.begin(), whole.begin() + static_cast<int64_t>(size)));
    const auto file = SessionFile::open(path_);
    ASSERT_FALSE(file.ok()) << size;
    EXPECT_EQ(file.error().code(), ErrorCode::corrupt);
    EXPECT_EQ(file.error().message().find(path_), 0u);
  }
  Bytes longer = whole;
  longer.push_back(std::byte{0});
  replace(longer);
  EXPECT_NE(refusal().find("1 bytes behind it"), std::string::npos);
}

TEST_F(SessionFileTest, EveryAlteredByteIsRefused) {
  write_whole();
  const Bytes whole = content();
  for (size_t at = 0; at < whole.size(); at++) {
    Bytes bytes = whole;
    bytes[at] ^= std::byte{0x10};
    replace(bytes);
    ASSERT_FALSE(SessionFile::open(path_).ok()) << at;
  }
}

TEST_F(SessionFileTest, LyingNumbersAreNamed) {
  constexpr size_t kVersionAt = 8, kTokensAt = 24, kComputedAt = 32, kReplayAt = 40,
                   kSectionsAt = 44, kLayoutAt = 48;
  const size_t units_at = kLayoutAt + 8 + header().layout.size() + 8 + 8;
  const auto forged = [&](size_t at, auto value) {
    write_whole();
    forge(at, value);
    return refusal();
  };
  EXPECT_NE(forged(kVersionAt, 2u).find("version 2, want 1"), std::string::npos);
  EXPECT_NE(forged(kTokensAt, int64_t{-1}).find("-1 tokens"), std::string::npos);
  EXPECT_NE(forged(kTokensAt, int64_t{1} << 40).find("tokens, want"), std::string::npos);
  EXPECT_NE(forged(kComputedAt, int64_t{4}).find("4 computed tokens, want 1 to 3"),
            std::string::npos);
  EXPECT_NE(forged(kReplayAt, 3).find("3 logged tokens, want 0 to 2"), std::string::npos);
  EXPECT_NE(forged(kSectionsAt, ~0u).find("sections, want at most"), std::string::npos);
  EXPECT_NE(forged(kLayoutAt, ~uint64_t{0}).find("the layout"), std::string::npos);
  EXPECT_NE(forged(units_at, INT64_MAX).find("units of 8 bytes"), std::string::npos);
  EXPECT_NE(forged(units_at + 8, int64_t{0}).find("2 units of 0 bytes"), std::string::npos);
  write_whole();
  forge(0, 'X');
  EXPECT_NE(refusal().find("not a session file"), std::string::npos);
}

TEST_F(SessionFileTest, RandomForgeriesNeverCrash) {
  std::mt19937 random(9);
  write_whole();
  const Bytes whole = content();
  for (int round = 0; round < 200; round++) {
    replace(whole);
    const size_t at = 8 + random() % (whole.size() - 24);
    forge(at, static_cast<uint64_t>(random()) << (random() % 40));
    (void)SessionFile::open(path_).ok();
  }
}

}  // namespace
}  // namespace troika
