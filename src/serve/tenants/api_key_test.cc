#include "serve/tenants/api_key.h"

#include <gtest/gtest.h>

#include <set>

namespace troika::serve {
namespace {

TEST(ApiKey, DigestIsSha256) {
  EXPECT_EQ(digest_of("abc").hex(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(digest_of("").hex(),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(digest_of("abc").id(), "ba7816bf");
}

TEST(ApiKey, EachIsNew) {
  std::set<std::string> texts;
  for (int i = 0; i < 100; i++) {
    const Result<NewKey> key = make_key("2026-11-20");
    ASSERT_TRUE(key.ok());
    EXPECT_TRUE(key->text.starts_with("trk_"));
    EXPECT_EQ(key->text.size(), 47U);  // 256 bits in base64 without padding
    EXPECT_EQ(key->text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                          "0123456789-_"),
              std::string::npos);
    EXPECT_TRUE(digest_of(key->text) == key->record.digest);
    texts.insert(key->text);
  }
  EXPECT_EQ(texts.size(), 100U);
}

TEST(ApiKey, DigestsAreRead) {
  const KeyDigest digest = digest_of("abc");
  EXPECT_TRUE(*parse_digest(digest.hex()) == digest);
  EXPECT_FALSE(*parse_digest(digest.hex()) == digest_of("abd"));
  for (const std::string& bad : {std::string(), std::string("ba78"), std::string(64, 'g'),
                                 std::string(65, 'a'), std::string(64, '\0')})
    EXPECT_FALSE(parse_digest(bad).ok());
}

}  // namespace
}  // namespace troika::serve
