// The cache by itself: what it finds, what it drops, and its answers beside those of a model that
// keeps whole texts in a list.
#include "engine/prefix_cache.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <random>
#include <set>

namespace troika {
namespace {

constexpr int64_t kPage = kPageTokens;
const ScopeId kScope = scope_of(TenantId{1});

std::vector<TokenId> text_of(int first, int64_t tokens) {
  std::vector<TokenId> text;
  for (int64_t i = 0; i < tokens; i++) text.push_back(static_cast<TokenId>(first + i));
  return text;
}

/// `text` up to `tokens`, then other tokens up to `total`.
std::vector<TokenId> branch(std::vector<TokenId> text, int64_t tokens, int64_t total, int mark) {
  text.resize(static_cast<size_t>(tokens));
  while (std::ssize(text) < total)
    text.push_back(static_cast<TokenId>(mark * 100000 + std::ssize(text)));
  return text;
}

/// Texts that come and go as in an engine.
class PrefixCacheTest : public ::testing::Test {
 protected:
  void make(int64_t pages, PrefixCacheOptions options = {}) {
    cache_.reset();
    pages_.emplace(pages);
    cache_.emplace(*pages_, options);
  }

  CachedText as(const std::vector<TokenId>& text, int tenant = 1) const {
    return {scope_of(static_cast<TenantId>(tenant)), static_cast<TenantId>(tenant), text};
  }

  /// Computes a text and keeps it; the pages that it was computed in.
  std::vector<PageId> keep(const std::vector<TokenId>& text, int tenant = 1) {
    std::vector<PageId> held;
    const auto size = std::ssize(text);
    EXPECT_TRUE(cache_->make_room(Pages::missing(held, size), static_cast<TenantId>(tenant)));
    EXPECT_TRUE(pages_->cover(held, size).ok());
    std::vector<PageId> kept = held;
    if (checkpointed_)
      unit_ = cache_->insert_checkpoint(as(text, tenant), held, 2);
    else
      cache_->insert(as(text, tenant), held);
    pages_->release(held);
    return kept;
  }

  /// Tokens of `text` that need not be computed.
  int64_t find(const std::vector<TokenId>& text, int tenant = 1) {
    std::vector<PageId> held;
    hit_ = cache_->match(as(text, tenant), std::ssize(text), held);
    EXPECT_EQ(std::ssize(held), (hit_.tokens + kPage - 1) / kPage);
    found_ = held;
    for (const PageId page : held) EXPECT_GE(pages_->holders(page), 2);
    pages_->release(held);
    return hit_.tokens;
  }

  std::optional<Pages> pages_;
  std::optional<PrefixCache> cache_;
  bool checkpointed_ = false;
  int32_t unit_ = -1;
  CacheHit hit_;
  std::vector<PageId> found_;
};

TEST_F(PrefixCacheTest, FindsTheLongestCommonBeginning) {
  make(16);
  const auto text = text_of(0, 2 * kPage + 10);
  EXPECT_EQ(find(text), 0);
  const std::vector<PageId> kept = keep(text);
  EXPECT_EQ(pages_->free(), 13);
  EXPECT_EQ(find(text), 2 * kPage + 10);
  EXPECT_EQ(found_, kept);
  EXPECT_EQ(find(branch(text, 2 * kPage + 3, 300, 1)), 2 * kPage + 3);
  EXPECT_EQ(find(branch(text, kPage + 7, 300, 1)), kPage + 7);
  EXPECT_EQ(find(branch(text, 5, 300, 1)), 5);
  EXPECT_EQ(found_, std::vector<PageId>{kept[0]});
  EXPECT_EQ(find(branch(text, 0, 300, 1)), 0);
  EXPECT_EQ(cache_->statistics(TenantId{1}).hits, 4);
  EXPECT_EQ(cache_->statistics(TenantId{1}).lookups, 6);
}

TEST_F(PrefixCacheTest, NeverGivesMoreThanAskedFor) {
  make(16);
  const auto text = text_of(0, 2 * kPage);
  keep(text);
  std::vector<PageId> held;
  EXPECT_EQ(cache_->match(as(text), 2 * kPage - 1, held).tokens, 2 * kPage - 1);
  EXPECT_EQ(held.size(), 2u);
  pages_->release(held);
  EXPECT_EQ(cache_->match(as(text), kPage, held).tokens, kPage);
  EXPECT_EQ(held.size(), 1u);
  pages_->release(held);
  EXPECT_EQ(cache_->match(as(text), 0, held).tokens, 0);
  EXPECT_TRUE(held.empty());
}

TEST_F(PrefixCacheTest, EqualPagesAreKeptOnce) {
  make(16);
  const auto text = text_of(0, 2 * kPage);
  const auto kept = keep(text);
  std::vector<PageId> own;
  ASSERT_TRUE(pages_->cover(own, 3 * kPage).ok());
  const PageId tail = own[2];
  cache_->insert(as(branch(text, 2 * kPage, 2 * kPage + 9, 1)), own);
  EXPECT_EQ(own, (std::vector<PageId>{kept[0], kept[1], tail}));
  EXPECT_EQ(pages_->free(), 13);
  pages_->release(own);
  EXPECT_EQ(pages_->free(), 13);
}

TEST_F(PrefixCacheTest, APartOfAPageGrowsWithItsText) {
  make(16);
  const auto text = text_of(0, 2 * kPage + 5);
  std::vector<PageId> held;
  ASSERT_TRUE(pages_->cover(held, std::ssize(text)).ok());
  for (const int64_t tokens : {int64_t{10}, kPage - 1, kPage, kPage + 1, 2 * kPage + 5}) {
    cache_->insert(as(branch(text, tokens, tokens, 0)), held);
    EXPECT_EQ(find(text), tokens);
    EXPECT_EQ(cache_->statistics().pages, (tokens + kPage - 1) / kPage);
  }
  pages_->release(held);
  EXPECT_EQ(pages_->free(), 13);
}

TEST_F(PrefixCacheTest, ScopesDoNotMeet) {
  make(16);
  const auto text = text_of(0, 2 * kPage);
  keep(text, 1);
  EXPECT_EQ(find(text, 2), 0);
  keep(text, 2);
  EXPECT_EQ(pages_->free(), 12);
  std::vector<PageId> held;
  const CachedText shared{scope_of(GroupId{1}), TenantId{1}, text};
  EXPECT_EQ(cache_->match(shared, 2 * kPage, held).tokens, 0);
  cache_->forget(kScope);
  EXPECT_EQ(find(text, 1), 0);
  EXPECT_EQ(find(text, 2), 2 * kPage);
  EXPECT_EQ(pages_->free(), 14);
}

TEST_F(PrefixCacheTest, AGroupSharesAndTheFirstPays) {
  make(16);
  const auto text = text_of(0, kPage);
  const CachedText one{scope_of(GroupId{7}), TenantId{1}, text};
  const CachedText other{scope_of(GroupId{7}), TenantId{2}, text};
  std::vector<PageId> held;
  ASSERT_TRUE(pages_->cover(held, kPage).ok());
  cache_->insert(one, held);
  pages_->release(held);
  EXPECT_EQ(cache_->match(other, kPage, held).tokens, kPage);
  cache_->insert(other, held);
  EXPECT_EQ(cache_->statistics(TenantId{1}).pages, 1);
  EXPECT_EQ(cache_->statistics(TenantId{2}).pages, 0);
  EXPECT_EQ(cache_->statistics(TenantId{2}).hits, 1);
  pages_->release(held);
}

TEST_F(PrefixCacheTest, TheLeastRecentlyUsedLeafGoesFirst) {
  make(8);
  const auto a = text_of(0, 2 * kPage), b = text_of(1000, 2 * kPage), c = text_of(2000, 2 * kPage);
  keep(a), keep(b), keep(c);
  find(a);
  ASSERT_TRUE(cache_->make_room(3, TenantId{1}));
  EXPECT_EQ(find(a), 2 * kPage);
  EXPECT_EQ(find(b), kPage);  // its end first
  EXPECT_EQ(find(c), 2 * kPage);
  ASSERT_TRUE(cache_->make_room(5, TenantId{1}));
  EXPECT_EQ(find(a) + find(b) + find(c), 3 * kPage);
  EXPECT_EQ(cache_->statistics().pages_dropped, 3);
}

TEST_F(PrefixCacheTest, PagesThatASequenceHoldsStay) {
  make(4);
  const auto a = text_of(0, 2 * kPage);
  keep(a), keep(text_of(1000, 2 * kPage));
  std::vector<PageId> held;
  cache_->match(as(a), 2 * kPage, held);
  EXPECT_FALSE(cache_->make_room(4, TenantId{1}));
  EXPECT_EQ(pages_->free(), 2);
  EXPECT_EQ(find(a), 2 * kPage);
  pages_->release(held);
  EXPECT_TRUE(cache_->make_room(4, TenantId{1}));
}

TEST_F(PrefixCacheTest, AFloodDoesNotGoBelowAnotherTenantsFloor) {
  make(8);
  ASSERT_TRUE(cache_->set_limits(TenantId{1}, {.pages_min = 3}).ok());
  const auto mine = text_of(0, 4 * kPage);
  keep(mine, 1);
  for (int i = 1; i <= 20; i++) keep(text_of(i * 1000, 3 * kPage), 2);
  EXPECT_EQ(find(mine, 1), 3 * kPage);
  EXPECT_EQ(cache_->statistics(TenantId{1}).pages, 3);
  EXPECT_TRUE(cache_->make_room(8, TenantId{1}));  // one's own floor is no floor for oneself
}

TEST_F(PrefixCacheTest, NobodyKeepsMoreThanTheCeiling) {
  make(16);
  ASSERT_TRUE(cache_->set_limits(TenantId{1}, {.pages_max = 3}).ok());
  keep(text_of(0, 2 * kPage));
  keep(text_of(1000, 2 * kPage));
  EXPECT_EQ(cache_->statistics().pages, 3);
  EXPECT_EQ(find(text_of(0, 2 * kPage)), kPage);
  EXPECT_EQ(find(text_of(1000, 2 * kPage)), 2 * kPage);
  keep(text_of(2000, 6 * kPage));
  EXPECT_EQ(find(text_of(2000, 6 * kPage)), 3 * kPage);
  ASSERT_TRUE(cache_->set_limits(TenantId{1}, {.pages_max = 0}).ok());
  keep(text_of(3000, kPage));
  EXPECT_EQ(find(text_of(3000, kPage)), 0);
}

TEST_F(PrefixCacheTest, RefusesLimitsThatCannotHold) {
  make(16, {.checkpoints = 2, .needs_checkpoint = true, .floor_pages_max = 8});
  ASSERT_TRUE(cache_->set_limits(TenantId{1}, {.pages_min = 5, .checkpoints_min = 1}).ok());
  ASSERT_TRUE(cache_->set_limits(TenantId{1}, {.pages_min = 6, .checkpoints_min = 1}).ok());
  for (const CacheLimits& limits :
       {CacheLimits{.pages_min = -1}, CacheLimits{.pages_min = 2, .pages_max = 1},
        CacheLimits{.pages_min = 3}, CacheLimits{.checkpoints_min = -1},
        CacheLimits{.checkpoints_min = 1, .checkpoints_max = 0},
        CacheLimits{.checkpoints_min = 2}}) {
    const Status status = cache_->set_limits(TenantId{2}, limits);
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().code(), ErrorCode::invalid_argument);
  }
  EXPECT_TRUE(cache_->set_limits(TenantId{2}, {.pages_min = 2, .checkpoints_min = 1}).ok());
}

class CheckpointTest : public PrefixCacheTest {
 protected:
  CheckpointTest() { checkpointed_ = true; }
  void make(int64_t pages, int64_t checkpoints) {
    PrefixCacheTest::make(pages, {.checkpoints = checkpoints, .needs_checkpoint = true});
  }
};

TEST_F(CheckpointTest, ATextGoesOnAtTheLastCheckpointOnly) {
  make(16, 4);
  const auto text = text_of(0, 3 * kPage + 10);
  std::vector<PageId> held;
  ASSERT_TRUE(pages_->cover(held, std::ssize(text)).ok());
  cache_->insert(as(text), held);
  EXPECT_EQ(find(text), 0);
  for (const int64_t tokens : {kPage, kPage + 20, 3 * kPage + 10})
    EXPECT_GE(cache_->insert_checkpoint(as(branch(text, tokens, tokens, 0)), held, 1), 0);
  pages_->release(held);
  EXPECT_EQ(find(text), 3 * kPage + 10);
  EXPECT_EQ(hit_.replay, 1);
  EXPECT_EQ(find(branch(text, 3 * kPage + 9, 400, 1)), kPage + 20);
  EXPECT_EQ(found_.size(), 2u);
  EXPECT_EQ(find(branch(text, kPage + 19, 400, 1)), kPage);
  EXPECT_EQ(find(branch(text, kPage - 1, 400, 1)), 0);
}

TEST_F(CheckpointTest, OneCheckpointForEachText) {
  make(16, 4);
  const auto text = text_of(0, 100);
  keep(text);
  EXPECT_GE(unit_, 0);
  keep(text);
  EXPECT_EQ(unit_, -1);
  EXPECT_EQ(cache_->statistics().checkpoints, 1);
}

// Two answers to one prompt lie in pages of their own; the prompt's checkpoint in the first one's.
TEST_F(CheckpointTest, IsFoundBesideAFullerPage) {
  make(16, 4);
  const auto prompt = text_of(0, 20);
  const auto one = branch(prompt, 20, 40, 1), other = branch(prompt, 20, 60, 2);
  keep(prompt), keep(one), keep(other);
  EXPECT_EQ(find(branch(prompt, 20, 64, 3)), 20);
  EXPECT_EQ(find(branch(one, 40, 64, 3)), 40);
  EXPECT_EQ(find(branch(other, 60, 64, 3)), 60);
  EXPECT_EQ(cache_->statistics().pages, 2);
}

TEST_F(CheckpointTest, TheLeastRecentlyUsedGoesFirstAndThePagesBehindIt) {
  make(16, 2);
  const auto a = text_of(0, 2 * kPage), b = text_of(1000, 2 * kPage);
  keep(a), keep(b);
  find(a);
  keep(text_of(2000, kPage));
  EXPECT_EQ(find(b), 0);
  EXPECT_EQ(cache_->statistics().pages, 3);
  EXPECT_EQ(find(a), 2 * kPage);
}

TEST_F(CheckpointTest, FloorsAndCeilingsHoldForCheckpointsToo) {
  make(64, 4);
  ASSERT_TRUE(cache_->set_limits(TenantId{1}, {.checkpoints_min = 2}).ok());
  ASSERT_TRUE(cache_->set_limits(TenantId{3}, {.checkpoints_max = 1}).ok());
  ASSERT_TRUE(cache_->set_limits(TenantId{4}, {.checkpoints_max = 0}).ok());
  for (int i = 0; i < 3; i++) keep(text_of(i * 1000, kPage), 1);
  for (int i = 0; i < 9; i++) keep(text_of(i * 1000, kPage), 2);
  EXPECT_EQ(cache_->statistics(TenantId{1}).checkpoints, 2);
  for (int i = 0; i < 3; i++) keep(text_of(i * 1000, kPage), 3);
  EXPECT_EQ(cache_->statistics(TenantId{3}).checkpoints, 1);
  keep(text_of(0, kPage), 4);
  EXPECT_EQ(unit_, -1);
  EXPECT_EQ(cache_->statistics(TenantId{4}).pages, 0);
}

TEST_F(CheckpointTest, APageTakesItsCheckpointsAlong) {
  make(8, 8);
  const auto text = text_of(0, 2 * kPage);
  keep(branch(text, kPage, kPage, 0)), keep(text);
  ASSERT_TRUE(cache_->make_room(7, TenantId{1}));
  EXPECT_EQ(cache_->statistics().checkpoints, 1);
  EXPECT_EQ(find(text), kPage);
}

/// Whole texts in a list: what PrefixCache must find as long as nothing is dropped.
struct NaiveCache {
  struct Entry {
    ScopeId scope;
    std::vector<TokenId> tokens;
  };
  std::vector<Entry> entries;

  int64_t match(const CachedText& text, int64_t tokens_max, bool needs_checkpoint) const {
    int64_t best = 0;
    for (const Entry& e : entries) {
      if (e.scope != text.scope) continue;
      const int64_t common = std::min<int64_t>(
          std::ranges::mismatch(e.tokens, text.tokens).in1 - e.tokens.begin(), tokens_max);
      if (!needs_checkpoint || common == std::ssize(e.tokens)) best = std::max(best, common);
    }
    return best;
  }
};

/// A text over two tokens, so that texts often begin alike: repeated runs of some length.
std::vector<TokenId> random_text(std::mt19937& random) {
  std::vector<TokenId> text;
  const int64_t runs = 1 + random() % 5;
  for (int64_t i = 0; i < runs; i++) {
    const auto token = static_cast<TokenId>(random() % 2);
    text.insert(text.end(), random() % 4 == 0 ? 1 + random() % 100 : 32, token);
  }
  return text;
}

class RandomCacheTest : public PrefixCacheTest, public ::testing::WithParamInterface<bool> {};

TEST_P(RandomCacheTest, FindsWhatAListOfTextsFinds) {
  checkpointed_ = GetParam();
  make(4096, {.checkpoints = 4096, .needs_checkpoint = checkpointed_});
  NaiveCache naive;
  std::mt19937 random(3);
  int64_t hits = 0;
  for (int i = 0; i < 1500; i++) {
    const auto text = random_text(random);
    const auto wanted = static_cast<int>(random() % 3);
    const auto most = static_cast<int64_t>(random() % 200);
    std::vector<PageId> held;
    const int64_t peeked = cache_->peek(as(text, wanted), most);
    const CacheHit hit = cache_->match(as(text, wanted), most, held);
    ASSERT_EQ(hit.tokens, peeked);
    ASSERT_EQ(hit.tokens, naive.match(as(text, wanted), most, checkpointed_)) << i;
    ASSERT_EQ(std::ssize(held), (hit.tokens + kPage - 1) / kPage);
    hits += hit.tokens > 0;
    pages_->release(held);
    if (random() % 4 != 0) continue;
    keep(text, wanted);
    naive.entries.push_back({as(text, wanted).scope, text});
  }
  EXPECT_GT(hits, 500);
}

// With little room: what is found was kept, counts add up, and nothing is lost or held twice.
TEST_P(RandomCacheTest, HoldsItsBooksInOrderUnderPressure) {
  checkpointed_ = GetParam();
  make(24, {.checkpoints = 5, .needs_checkpoint = checkpointed_});
  ASSERT_TRUE(cache_->set_limits(TenantId{1}, {.pages_min = 4, .checkpoints_min = 1}).ok());
  ASSERT_TRUE(cache_->set_limits(TenantId{2}, {.pages_max = 6, .checkpoints_max = 2}).ok());
  NaiveCache naive;
  std::mt19937 random(4);
  std::vector<std::vector<PageId>> running;
  for (int i = 0; i < 3000; i++) {
    const auto text = random_text(random);
    const auto tenant = static_cast<int>(random() % 3);
    std::vector<PageId> held;
    const CacheHit hit = cache_->match(as(text, tenant), std::ssize(text), held);
    ASSERT_LE(hit.tokens, naive.match(as(text, tenant), std::ssize(text), checkpointed_));
    ASSERT_EQ(hit.checkpoint >= 0, checkpointed_ && hit.tokens > 0);
    if (hit.tokens % kPage != 0) {
      pages_->drop(held.back());
      held.pop_back();
    }
    const int64_t missing = Pages::missing(held, std::ssize(text));
    const int64_t room = pages_->free() + cache_->droppable(static_cast<TenantId>(tenant));
    const bool made = cache_->make_room(missing, static_cast<TenantId>(tenant));
    ASSERT_TRUE(made || room < missing) << i;
    if (made) {
      ASSERT_TRUE(pages_->cover(held, std::ssize(text)).ok());
      const int32_t unit =
          checkpointed_ ? cache_->insert_checkpoint(as(text, tenant), held, 0) : -1;
      ASSERT_LT(unit, 5);
      if (!checkpointed_) cache_->insert(as(text, tenant), held);
      naive.entries.push_back({as(text, tenant).scope, text});
    }
    running.push_back(std::move(held));
    if (running.size() > 3) {
      const size_t ended = random() % running.size();
      pages_->release(running[ended]);
      std::swap(running[ended], running.back());
      running.pop_back();
    }
    const CacheStatistics sum = cache_->statistics();
    ASSERT_LE(sum.checkpoints, 5);
    ASSERT_LE(cache_->statistics(TenantId{2}).pages, 6);
    ASSERT_LE(cache_->statistics(TenantId{2}).checkpoints, 2);
    ASSERT_EQ(sum.checkpoints, sum.checkpoints_taken - sum.checkpoints_dropped);
    std::set<PageId> in_use;
    for (const auto& r : running) in_use.insert(r.begin(), r.end());
    ASSERT_GE(pages_->count() - pages_->free(), std::ssize(in_use));
    ASSERT_LE(pages_->count() - pages_->free(), std::ssize(in_use) + sum.pages);
  }
  for (auto& r : running) pages_->release(r);
  EXPECT_EQ(pages_->count() - pages_->free(), cache_->statistics().pages);
  EXPECT_EQ(pages_->only_cached(), cache_->statistics().pages);
  EXPECT_GT(cache_->statistics().pages_dropped, 500);
  for (const int tenant : {0, 1, 2}) cache_->forget(as({}, tenant).scope);
  EXPECT_EQ(pages_->free(), pages_->count());
  EXPECT_EQ(cache_->statistics().pages + cache_->statistics().checkpoints, 0);
}

INSTANTIATE_TEST_SUITE_P(Kinds, RandomCacheTest, ::testing::Bool(),
                         [](const auto& test) { return test.param ? "Checkpoints" : "AnyToken"; });

}  // namespace
}  // namespace troika
