// Grammars that are kept from one request to the next.
#include "serve/api/grammar_cache.h"

#include <gtest/gtest.h>

#include "support/grammar_texts.h"

namespace troika::testing {
namespace {

using serve::GrammarCache;

class GrammarCacheTest : public ::testing::Test {
 protected:
  GrammarCache::Grammar get(GrammarCache& cache, int32_t tenant, const std::string& text) {
    auto grammar = cache.get(TenantId{tenant}, text, [&] {
      made_++;
      return compile_gbnf(text, vocabulary_);
    });
    EXPECT_TRUE(grammar.ok());
    return grammar.ok() ? *grammar : nullptr;
  }

  std::shared_ptr<const GrammarVocabulary> vocabulary_ = byte_vocabulary();
  int made_ = 0;
};

TEST_F(GrammarCacheTest, TheSameTextIsCompiledOnceForEachTenant) {
  GrammarCache cache;
  const auto first = get(cache, 1, "root ::= \"a\"");
  EXPECT_EQ(get(cache, 1, "root ::= \"a\""), first);
  EXPECT_NE(get(cache, 1, "root ::= \"b\""), first);
  EXPECT_NE(get(cache, 2, "root ::= \"a\""), first);
  EXPECT_EQ(made_, 3);
}

TEST_F(GrammarCacheTest, WhoHasTheMostLosesTheOldest) {
  GrammarCache cache({.grammars = 3});
  (void)get(cache, 2, "root ::= \"a\"");
  (void)get(cache, 1, "root ::= \"a\"");
  (void)get(cache, 1, "root ::= \"b\"");
  (void)get(cache, 1, "root ::= \"a\"");  // used again: "b" is older
  (void)get(cache, 1, "root ::= \"c\"");
  EXPECT_EQ(cache.count(), 3);
  EXPECT_EQ(made_, 4);
  (void)get(cache, 2, "root ::= \"a\"");
  (void)get(cache, 1, "root ::= \"a\"");
  (void)get(cache, 1, "root ::= \"c\"");
  EXPECT_EQ(made_, 4);
  (void)get(cache, 1, "root ::= \"b\"");
  EXPECT_EQ(made_, 5);
}

TEST_F(GrammarCacheTest, LongTextsAndTooManyBytesAreNotKept) {
  GrammarCache short_texts({.text_bytes = 8});
  (void)get(short_texts, 1, "root ::= \"a\"");
  EXPECT_EQ(short_texts.count(), 0);
  GrammarCache little({.bytes = 30});
  (void)get(little, 1, "root ::= \"a\"");
  (void)get(little, 1, "root ::= \"b\"");
  EXPECT_LE(little.count(), 2);
}

TEST_F(GrammarCacheTest, ErrorsAreNotKept) {
  GrammarCache cache;
  for (int i = 0; i < 2; i++) {
    const auto wrong = cache.get(TenantId{1}, "x", [&]() -> Result<GrammarCache::Grammar> {
      made_++;
      return fail(ErrorCode::invalid_argument, "no grammar");
    });
    EXPECT_EQ(wrong.error().message(), "no grammar");
  }
  EXPECT_EQ(made_, 2);
  EXPECT_EQ(cache.count(), 0);
}

}  // namespace
}  // namespace troika::testing
