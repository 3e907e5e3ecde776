#include "engine/pages.h"

#include <gtest/gtest.h>

#include <set>

#include "graph/state.h"

namespace troika {
namespace {

TEST(PagesTest, CoverTakesJustEnoughAndEachOnce) {
  Pages pages(4);
  std::vector<PageId> a, b;
  ASSERT_TRUE(pages.cover(a, kPageTokens).ok());
  EXPECT_EQ(a.size(), 1u);
  ASSERT_TRUE(pages.cover(a, kPageTokens + 1).ok());
  EXPECT_EQ(a.size(), 2u);
  ASSERT_TRUE(pages.cover(b, 2 * kPageTokens).ok());
  EXPECT_EQ(pages.free(), 0);
  EXPECT_EQ((std::set<PageId>{a[0], a[1], b[0], b[1]}.size()), 4u);
}

TEST(PagesTest, TooFewPagesTakeNothing) {
  Pages pages(2);
  std::vector<PageId> held;
  const Status status = pages.cover(held, 3 * kPageTokens);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code(), ErrorCode::exhausted);
  EXPECT_TRUE(held.empty());
  EXPECT_EQ(pages.free(), 2);
}

TEST(PagesTest, ReleasedPagesAreFreeAgain) {
  Pages pages(2);
  std::vector<PageId> held;
  ASSERT_TRUE(pages.cover(held, 2 * kPageTokens).ok());
  pages.release(held);
  EXPECT_TRUE(held.empty());
  EXPECT_EQ(pages.free(), 2);
}

TEST(PagesTest, APageIsFreeAfterItsLastHolder) {
  Pages pages(2);
  std::vector<PageId> a;
  ASSERT_TRUE(pages.cover(a, kPageTokens).ok());
  std::vector<PageId> b = a;
  pages.share(a[0]);
  EXPECT_EQ(pages.holders(a[0]), 2);
  const PageId page = a[0];
  pages.release(a);
  EXPECT_EQ(pages.free(), 1);
  pages.release(b);
  EXPECT_EQ(pages.free(), 2);
  EXPECT_EQ(pages.holders(page), 0);
}

TEST(PagesTest, NamesThePagesThatAnotherScopeWrote) {
  Pages pages(2);
  std::vector<PageId> held, foreign;
  const ScopeId one = scope_of(TenantId{1});
  const ScopeId other = scope_of(GroupId{1});
  EXPECT_NE(one, other);
  ASSERT_TRUE(pages.cover(held, 1, one, foreign).ok());
  EXPECT_TRUE(foreign.empty());  // nobody wrote it before
  pages.release(held);
  ASSERT_TRUE(pages.cover(held, 1, one, foreign).ok());
  EXPECT_TRUE(foreign.empty());
  const PageId written = held[0];
  pages.release(held);
  ASSERT_TRUE(pages.cover(held, 2 * kPageTokens, other, foreign).ok());
  EXPECT_EQ(foreign, std::vector<PageId>{written});
}

}  // namespace
}  // namespace troika
