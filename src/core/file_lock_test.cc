#include "core/file_lock.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace troika {
namespace {

TEST(FileLock, OneAtATime) {
  const std::string path = testing::TempDir() + "troika_file_lock_test";
  std::optional<Result<FileLock>> first = FileLock::try_take(path);
  ASSERT_TRUE(first->ok());
  const Result<FileLock> second = FileLock::try_take(path);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code(), ErrorCode::exhausted);
  first.reset();
  EXPECT_TRUE(FileLock::take(path).ok());
}

TEST(FileLock, SaysWhereItCannotBe) {
  const Result<FileLock> lock = FileLock::take(testing::TempDir() + "no_such_folder/x");
  ASSERT_FALSE(lock.ok());
  EXPECT_EQ(lock.error().code(), ErrorCode::not_found);
}

}  // namespace
}  // namespace troika
