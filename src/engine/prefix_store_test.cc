// Files of beginnings: what comes back is what was written, or nothing.
#include "engine/prefix_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace troika {
namespace {

constexpr int64_t kBytes = 1000;

class PrefixStoreTest : public ::testing::Test {
 protected:
  PrefixStoreTest() {
    for (int32_t i = 0; i < 128; i++) tokens_.push_back(TokenId{i});
  }

  std::unique_ptr<PrefixStore> open(int64_t bytes_max) {
    auto store = PrefixStore::open({.folder = ::testing::TempDir(),
                                    .bytes_max = bytes_max,
                                    .model = 7,
                                    .layout = "cpu, f16",
                                    .on_warning = [this](const std::string&) { warnings_++; }});
    EXPECT_TRUE(store.ok());
    return std::move(*store);
  }

  StoredText text(int64_t scope, uint64_t hash, StoredKind kind = StoredKind::page) const {
    return {ScopeId{scope}, kind, hash, tokens_};
  }

  static StoredBytes content(int value) {
    return {.replay = value, .bytes = std::vector(kBytes, static_cast<std::byte>(value))};
  }

  std::vector<TokenId> tokens_;
  int warnings_ = 0;
};

TEST_F(PrefixStoreTest, GivesBackWhatWasWritten) {
  const auto store = open(1 << 20);
  store->put(text(1, 5), content(9));
  store->put(text(1, 5, StoredKind::state), content(4));
  ASSERT_TRUE(store->has(text(1, 5)));
  const auto page = store->get(text(1, 5));
  ASSERT_TRUE(page.has_value());
  EXPECT_EQ(page->replay, 9);
  EXPECT_EQ(page->bytes, content(9).bytes);
  EXPECT_EQ(store->get(text(1, 5, StoredKind::state))->replay, 4);
  EXPECT_FALSE(store->get(text(1, 6)).has_value());
  EXPECT_FALSE(store->get(text(2, 5)).has_value());  // of another scope
  EXPECT_EQ(warnings_, 0);
  StoredText other = text(1, 5);
  other.tokens = other.tokens.first(64);  // another text of the same hash
  EXPECT_FALSE(store->get(other).has_value());
  EXPECT_EQ(warnings_, 1);
}

TEST_F(PrefixStoreTest, FilesAreNobodyElsesAndGoWithTheStore) {
  std::string folder;
  {
    const auto store = open(1 << 20);
    folder = store->folder();
    store->put(text(1, 5), content(9));
    struct stat status = {};
    ASSERT_EQ(stat(folder.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0700u);
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      ASSERT_EQ(stat(entry.path().c_str(), &status), 0);
      EXPECT_EQ(status.st_mode & 0777, 0600u) << entry.path();
    }
    const auto beside = open(1 << 20);  // what is in use is left alone
    EXPECT_TRUE(store->get(text(1, 5)).has_value());
  }
  EXPECT_FALSE(std::filesystem::exists(folder));
  std::filesystem::create_directory(folder);  // as a process that was killed leaves it
  std::ofstream(folder + "/rest") << "rest";
  const auto next = open(1 << 20);
  EXPECT_FALSE(std::filesystem::exists(folder));
}

TEST_F(PrefixStoreTest, WhatIsDamagedIsNotUsed) {
  const auto store = open(1 << 20);
  const auto damage = [&](auto change) {
    store->put(text(1, 5), content(9));
    for (const auto& entry : std::filesystem::directory_iterator(store->folder()))
      if (entry.path().filename() != "lock") change(entry.path());
    const int before = warnings_;
    EXPECT_FALSE(store->get(text(1, 5)).has_value());
    EXPECT_EQ(warnings_, before + 1);
    EXPECT_FALSE(store->has(text(1, 5)));
    EXPECT_EQ(store->bytes(), 0);
  };
  using Path = std::filesystem::path;
  damage([](const Path& path) { std::filesystem::resize_file(path, 900); });
  damage([](const Path& path) { std::filesystem::resize_file(path, 3); });
  damage([](const Path& path) { std::filesystem::resize_file(path, 5000); });
  damage([](const Path& path) { std::filesystem::remove(path); });
  for (const int at : {2, 10, 28, 40, 700, 1600})
    damage([at](const Path& path) {
      std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
      file.seekp(at);
      file.put('\x7e');
    });
}

TEST_F(PrefixStoreTest, StaysBelowItsLimitAtTheCostOfWhoHasMost) {
  const auto store = open(10 * (kBytes + 700));
  store->put(text(2, 100), content(1));
  for (uint64_t i = 0; i < 30; i++) {
    store->put(text(1, i), content(1));
    EXPECT_LE(store->bytes(), 10 * (kBytes + 700));
    EXPECT_TRUE(store->get(text(1, 0)).has_value());  // used again and again
  }
  EXPECT_TRUE(store->has(text(2, 100)));
  EXPECT_FALSE(store->has(text(1, 1)));
  EXPECT_TRUE(store->has(text(1, 29)));
  store->forget(ScopeId{1});
  EXPECT_EQ(store->files(), 1);
  const auto none = open(0);
  none->put(text(1, 1), content(1));
  EXPECT_EQ(none->files(), 0);
  EXPECT_FALSE(PrefixStore::open({.folder = "/nowhere"}).ok());
  EXPECT_FALSE(PrefixStore::open({.folder = ::testing::TempDir(), .bytes_max = -1}).ok());
}

}  // namespace
}  // namespace troika
