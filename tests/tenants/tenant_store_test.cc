// The store: changes that last, that others see, and that harm nothing where they fail.
#include "serve/tenants/tenant_store.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "core/text_file.h"

namespace troika::serve {
namespace {

class TenantStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(testing::TempDir()) /
              fmt::format("troika_tenants_{}_{}", getpid(),
                          testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    path_ = (folder_ / "tenants.toml").string();
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void write(const std::string& text) { std::ofstream(path_) << text; }
  std::string text() const { return *read_text_file(path_); }

  std::filesystem::path folder_;
  std::string path_;
};

TEST_F(TenantStoreTest, AKeyIsShownOnceAndFound) {
  const auto store = TenantStore::open_or_create(path_);
  ASSERT_TRUE(store.ok());
  const TenantChange changes[] = {{"weight", SettingValue(2.0)}};
  const Result<NewKey> key = (*store)->add("clinic", changes);
  ASSERT_TRUE(key.ok()) << key.error().message();
  EXPECT_EQ(text().find(key->text), std::string::npos);
  EXPECT_NE(text().find(key->record.digest.hex()), std::string::npos);
  const auto directory = (*store)->directory();
  EXPECT_TRUE(directory->needs_key());
  const Tenant* tenant = directory->find_key(key->text);
  ASSERT_NE(tenant, nullptr);
  EXPECT_EQ(tenant->name, "clinic");
  EXPECT_EQ(tenant->weight, 2);
  EXPECT_NE(tenant->id, TenantId{0});
  EXPECT_EQ(directory->find("clinic"), tenant);
  EXPECT_EQ(directory->find(tenant->id), tenant);
  EXPECT_EQ(directory->find_key(""), nullptr);
  EXPECT_EQ(directory->find_key("trk_"), nullptr);
  EXPECT_EQ(directory->find_key(key->text + " "), nullptr);
  EXPECT_EQ(directory->find_key(std::string(1 << 20, 'x')), nullptr);
}

TEST_F(TenantStoreTest, WithoutAFileThereIsTheLocalTenant) {
  const auto store = TenantStore::local();
  EXPECT_FALSE(store->directory()->needs_key());
  const Tenant* local = store->directory()->find_key("");
  ASSERT_NE(local, nullptr);
  EXPECT_EQ(local->id, TenantId{0});
  EXPECT_EQ(store->directory()->find_key("whatever"), local);
  EXPECT_EQ(store->add("clinic", {}).error().code(), ErrorCode::unsupported);
  EXPECT_FALSE(*store->reload_if_changed());
}

TEST_F(TenantStoreTest, AMissingFileIsAnErrorUnlessItMayBe) {
  EXPECT_EQ(TenantStore::open(path_).error().code(), ErrorCode::not_found);
  EXPECT_TRUE(TenantStore::open_or_create(path_).ok());
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(TenantStoreTest, KeysRotate) {
  const auto store = *TenantStore::open_or_create(path_);
  const NewKey first = *store->add("clinic", {});
  const NewKey second = *store->rotate_key("clinic", true);
  EXPECT_NE(store->directory()->find_key(first.text), nullptr);
  EXPECT_NE(store->directory()->find_key(second.text), nullptr);
  ASSERT_TRUE(store->drop_key("clinic", first.record.digest.id()).ok());
  EXPECT_EQ(store->directory()->find_key(first.text), nullptr);
  EXPECT_EQ(store->drop_key("clinic", first.record.digest.id()).error().code(),
            ErrorCode::not_found);
  const NewKey third = *store->rotate_key("clinic", false);
  EXPECT_EQ(store->directory()->find_key(second.text), nullptr);
  EXPECT_NE(store->directory()->find_key(third.text), nullptr);
  for (int64_t i = 1; i < kTenantKeysMax; i++) EXPECT_TRUE(store->rotate_key("clinic", true).ok());
  EXPECT_EQ(store->rotate_key("clinic", true).error().code(), ErrorCode::exhausted);
}

TEST_F(TenantStoreTest, ChangesAreAllOrNothing) {
  const auto store = *TenantStore::open_or_create(path_);
  ASSERT_TRUE(store->add("clinic", {}).ok());
  const std::string before = text();
  const TenantChange changes[] = {{"weight", SettingValue(2.0)},
                                  {"queue", SettingValue(int64_t{-1})}};
  EXPECT_FALSE(store->change("clinic", changes).ok());
  EXPECT_EQ(text(), before);
  EXPECT_EQ(store->directory()->find("clinic")->weight, 1);
  EXPECT_EQ(store->change("nobody", {}).error().code(), ErrorCode::not_found);
  EXPECT_EQ(store->add("clinic", {}).error().code(), ErrorCode::invalid_argument);
  EXPECT_EQ(store->add("Clinic", {}).error().code(), ErrorCode::invalid_argument);
  EXPECT_EQ(store->remove("nobody").error().code(), ErrorCode::not_found);
}

TEST_F(TenantStoreTest, CommentsOfTheOperatorStay) {
  write(
      "# top\n\n# of a\n[[tenant]]\nname = \"a\" # here\n\n# of b\n\n[[tenant]]\nname = "
      "\"b\"\nweight = 2\n");
  const auto store = *TenantStore::open(path_);
  const TenantChange changes[] = {{"queue", SettingValue(int64_t{7})}};
  ASSERT_TRUE(store->change("b", changes).ok());
  EXPECT_EQ(
      text(),
      "# top\n\n# of a\n[[tenant]]\nname = \"a\" # here\n\n# of b\n\n[[tenant]]\nname = \"b\"\n"
      "keys = [\n]\nweight = 2.0\nqueue = 7\n");
  ASSERT_TRUE(store->remove("b").ok());
  EXPECT_EQ(text(), "# top\n\n# of a\n[[tenant]]\nname = \"a\" # here\n");
  ASSERT_TRUE(store->add("c", {}).ok());
  EXPECT_NE(text().find("# top\n\n# of a\n"), std::string::npos);
  EXPECT_NE(store->directory()->find("c"), nullptr);
}

TEST_F(TenantStoreTest, WhatOthersWriteIsSeen) {
  const auto server = *TenantStore::open_or_create(path_);
  EXPECT_FALSE(*server->reload_if_changed());
  const auto operators = *TenantStore::open_or_create(path_);
  const NewKey key = *operators->add("clinic", {});
  EXPECT_EQ(server->directory()->find_key(key.text), nullptr);
  EXPECT_TRUE(*server->reload_if_changed());
  const auto old = server->directory();
  const TenantId id = old->find("clinic")->id;
  EXPECT_FALSE(*server->reload_if_changed());
  ASSERT_TRUE(operators->remove("clinic").ok());
  EXPECT_TRUE(*server->reload_if_changed());
  EXPECT_EQ(server->directory()->find_key(key.text), nullptr);
  EXPECT_NE(old->find_key(key.text), nullptr);  // a request that began keeps what it had
  ASSERT_TRUE(operators->add("lab", {}).ok());
  ASSERT_TRUE(operators->add("clinic", {}).ok());
  EXPECT_TRUE(*server->reload_if_changed());
  EXPECT_EQ(server->directory()->find("clinic")->id, id);  // a name keeps its id
  EXPECT_NE(server->directory()->find("lab")->id, id);
}

TEST_F(TenantStoreTest, AFileThatIsNotSoundChangesNothing) {
  const auto store = *TenantStore::open_or_create(path_);
  const NewKey key = *store->add("clinic", {});
  write("[[tenant]]\nname = \"clinic\"\nwieght = 3\n");
  EXPECT_FALSE(store->reload_if_changed().ok());
  EXPECT_NE(store->directory()->find_key(key.text), nullptr);
  const Result<bool> again = store->reload_if_changed();  // said once
  EXPECT_TRUE(again.ok() && !*again);
  EXPECT_FALSE(store->reload().ok());
  EXPECT_FALSE(store->rotate_key("clinic", false).ok());  // what cannot be read is not rewritten
  EXPECT_NE(text().find("wieght"), std::string::npos);
}

TEST_F(TenantStoreTest, GroupsAreTheSameForAllTheirTenants) {
  write(
      "[[tenant]]\nname = \"a\"\ncache = \"group:x\"\n[[tenant]]\nname = \"b\"\n"
      "cache = \"group:y\"\n[[tenant]]\nname = \"c\"\ncache = \"group:x\"\n");
  const auto directory = (*TenantStore::open(path_))->directory();
  EXPECT_EQ(directory->find("a")->cache.group_id, directory->find("c")->cache.group_id);
  EXPECT_NE(directory->find("a")->cache.group_id, directory->find("b")->cache.group_id);
}

TEST_F(TenantStoreTest, NoChangeOfManyIsLost) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; t++)
    threads.emplace_back([&, t] {
      const auto store = *TenantStore::open_or_create(path_);
      for (int i = 0; i < 10; i++) EXPECT_TRUE(store->add(fmt::format("t{}-{}", t, i), {}).ok());
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ((*TenantStore::open(path_))->directory()->tenants().size(), 40U);
}

TEST_F(TenantStoreTest, ReadersNeverWait) {
  const auto store = *TenantStore::open_or_create(path_);
  std::atomic<bool> done = false;
  std::thread reader([&] {
    while (!done) EXPECT_NE(store->directory(), nullptr);
  });
  for (int i = 0; i < 20; i++) EXPECT_TRUE(store->add(fmt::format("t{}", i), {}).ok());
  done = true;
  reader.join();
}

}  // namespace
}  // namespace troika::serve
