#include "engine/prefix_cache.h"

#include <algorithm>
#include <utility>

#include "core/check.h"

namespace troika {
namespace {

int64_t pages_of(std::span<const TokenId> tokens) {
  return (std::ssize(tokens) + kPageTokens - 1) / kPageTokens;
}

/// The part of `tokens` that lies in page `index`.
std::span<const TokenId> page_of(std::span<const TokenId> tokens, int64_t index) {
  const int64_t begin = index * kPageTokens;
  const int64_t count = std::min(kPageTokens, std::ssize(tokens) - begin);
  return tokens.subspan(static_cast<size_t>(begin), static_cast<size_t>(count));
}

}  // namespace

CacheStatistics& CacheStatistics::operator+=(const CacheStatistics& other) {
  pages += other.pages;
  checkpoints += other.checkpoints;
  lookups += other.lookups;
  hits += other.hits;
  lookup_tokens += other.lookup_tokens;
  hit_tokens += other.hit_tokens;
  pages_dropped += other.pages_dropped;
  checkpoints_taken += other.checkpoints_taken;
  checkpoints_dropped += other.checkpoints_dropped;
  return *this;
}

PrefixCache::PrefixCache(Pages& pages, const PrefixCacheOptions& options)
    : pages_(pages),
      options_(options),
      tree_(pages.count()),
      checkpoints_(static_cast<size_t>(options.checkpoints)) {}

PrefixCache::~PrefixCache() {
  listener_ = nullptr;
  for (auto& [tenant, account] : accounts_)
    while (PrefixNode* leaf = account.leaves.oldest()) remove(*leaf);
}

/// Takes for the hit what `node` offers, which has its first `common` tokens in common with the
/// text that is looked for.
void PrefixCache::consider(Found& found, PrefixNode& node, int64_t common,
                           int64_t tokens_max) const {
  CacheHit hit{.tokens = std::min(node.begin + common, tokens_max)};
  if (options_.needs_checkpoint) {
    const int32_t unit = last_checkpoint(node, hit.tokens);
    if (unit < 0) return;
    hit = {at(unit).position, unit, at(unit).replay};
  }
  if (hit.tokens > found.hit.tokens) found = {hit, &node};
}

PrefixCache::Found PrefixCache::find(const CachedText& text, int64_t tokens_max) const {
  Found found;
  const PrefixNode* node = tree_.find_root(text.scope);
  for (int64_t i = 0; node != nullptr && i < pages_of(text.tokens); i++) {
    const auto tokens = page_of(text.tokens, i);
    PrefixNode* next = std::ssize(tokens) == kPageTokens ? tree_.find(*node, tokens) : nullptr;
    if (next != nullptr) consider(found, *next, kPageTokens, tokens_max);
    // A page that differs from some token on may still hold the longest part, or the checkpoint.
    if (next == nullptr || options_.needs_checkpoint)
      for (PrefixNode* child = node->child; child != nullptr; child = child->next)
        if (child != next) consider(found, *child, common_tokens(*child, tokens), tokens_max);
    node = next;
  }
  return found;
}

int64_t PrefixCache::peek(const CachedText& text, int64_t tokens_max) const {
  return find(text, tokens_max).hit.tokens;
}

CacheHit PrefixCache::match(const CachedText& text, int64_t tokens_max, std::vector<PageId>& held) {
  TROIKA_CHECK(held.empty());
  clock_++;
  const Found found = find(text, tokens_max);
  CacheStatistics& counts = account(text.tenant).counts;
  counts.lookups++;
  counts.lookup_tokens += std::ssize(text.tokens);
  if (found.last == nullptr) return found.hit;
  counts.hits++;
  counts.hit_tokens += found.hit.tokens;
  if (found.hit.checkpoint >= 0) at(found.hit.checkpoint).last_use = clock_;
  touch(found.last);
  for (const PrefixNode* n = found.last; n->parent != nullptr; n = n->parent)
    held.push_back(n->page);
  std::ranges::reverse(held);
  for (const PageId page : held) pages_.share(page);
  return found.hit;
}

void PrefixCache::hold_pages(const CachedText& text, std::vector<PageId>& held) {
  const PrefixNode* node = tree_.find_root(text.scope);
  for (int64_t i = 0; node != nullptr && i < std::ssize(text.tokens) / kPageTokens; i++) {
    node = tree_.find(*node, page_of(text.tokens, i));
    if (node == nullptr) return;
    pages_.share(node->page);
    held.push_back(node->page);
  }
}

/// Tells of a page, and of a checkpoint if that lies behind its last token.
void PrefixCache::tell(const PrefixNode& node, int32_t checkpoint) {
  if (listener_ == nullptr || !node.full()) return;
  told_.resize(static_cast<size_t>(node.end()));
  for (const PrefixNode* n = &node; n->parent != nullptr; n = n->parent)
    std::ranges::copy(n->text(), told_.begin() + n->begin);
  DroppedText text{.scope = node.scope, .hash = node.hash, .tokens = told_, .page = node.page};
  if (checkpoint >= 0 && at(checkpoint).position == node.end()) {
    text.checkpoint = checkpoint;
    text.replay = at(checkpoint).replay;
  }
  listener_->dropping(text);
}

void PrefixCache::insert(const CachedText& text, std::span<PageId> held) {
  if (options_.needs_checkpoint || text.tokens.empty()) return;
  clock_++;
  extend(text, held);
}

int32_t PrefixCache::insert_checkpoint(const CachedText& text, std::span<PageId> held,
                                       int32_t replay) {
  if (text.tokens.empty()) return -1;
  clock_++;
  const int64_t position = std::ssize(text.tokens);
  if (const int32_t there = checkpoint_behind(text); there >= 0) {
    at(there).last_use = clock_;
    extend(text, held);
    return -1;
  }
  const int32_t unit = free_checkpoint(text.tenant);
  if (unit < 0) return -1;
  PrefixNode* node = extend(text, held);
  if (node == nullptr) return -1;
  if (node->end() < position) {  // no room for all pages
    prune(node);
    return -1;
  }
  attach(unit, *node,
         {.position = position, .replay = replay, .last_use = clock_, .tenant = text.tenant});
  return unit;
}

/// Keeps the pages of `text` as far as there is room. Returns the node of the last one that is
/// kept, or null.
PrefixNode* PrefixCache::extend(const CachedText& text, std::span<PageId> held) {
  TROIKA_CHECK(std::ssize(held) >= pages_of(text.tokens));
  PrefixNode* node = &tree_.root(text.scope);
  for (int64_t i = 0; i < pages_of(text.tokens); i++) {
    PrefixNode* next =
        keep_page(*node, page_of(text.tokens, i), held[static_cast<size_t>(i)], text.tenant);
    if (next == nullptr) break;
    node = next;
  }
  touch(node);
  return node->parent != nullptr ? node : nullptr;
}

PrefixNode* PrefixCache::keep_page(PrefixNode& parent, std::span<const TokenId> tokens,
                                   PageId& page, TenantId tenant) {
  const int64_t count = std::ssize(tokens);
  if (PrefixNode* node = count == kPageTokens ? tree_.find(parent, tokens) : nullptr) {
    adopt(page, *node);
    return node;
  }
  const CommonTokens common = closest_child(parent, tokens);
  if (common.node == nullptr || common.tokens < std::min(common.node->count, count))
    return add_page(parent, tokens, page, tenant);
  if (common.node->count < count) grow(*common.node, tokens, page);
  return common.node;
}

PrefixNode* PrefixCache::add_page(PrefixNode& parent, std::span<const TokenId> tokens, PageId page,
                                  TenantId tenant) {
  Account& payer = account(tenant);
  const bool pinned = parent.parent != nullptr;
  if (pinned) pages_.share(parent.page);  // it must not be dropped to make room for its child
  auto full = [&] {
    return payer.counts.pages >= payer.limits.pages_max || tree_.nodes_free() == 0;
  };
  for (PrefixNode* leaf = nullptr; full() && (leaf = droppable_leaf(payer)) != nullptr;)
    remove(*leaf);
  if (pinned) pages_.drop(parent.page);
  if (full()) return nullptr;
  if (parent.listed) unlist_leaf(parent);
  PrefixNode& node = tree_.add(parent, tokens, page);
  hold(page);
  version_++;
  node.last_use = clock_;
  node.tenant = tenant;
  payer.counts.pages++;
  list_leaf(node);
  return &node;
}

/// The caller's page has the same bits as the one that is kept.
void PrefixCache::adopt(PageId& page, const PrefixNode& node) {
  if (page == node.page) return;
  pages_.share(node.page);
  pages_.drop(page);
  page = node.page;
}

/// More tokens of the same text, in the page that is kept or in another that begins like it.
void PrefixCache::grow(PrefixNode& node, std::span<const TokenId> tokens, PageId page) {
  if (page != node.page) {
    hold(page);
    let_go(node.page);
    node.page = page;
  }
  tree_.grow(node, tokens);
  version_++;
}

void PrefixCache::hold(PageId page) {
  pages_.share(page);
  pages_.set_cached(page, true);
}

void PrefixCache::let_go(PageId page) {
  pages_.set_cached(page, false);
  pages_.drop(page);
}

bool PrefixCache::make_room(int64_t wanted, TenantId tenant) {
  while (pages_.free() < wanted) {
    PrefixNode* leaf = leaf_to_drop(tenant);
    if (leaf == nullptr) return false;
    PrefixNode* parent = leaf->parent;
    remove(*leaf);
    if (options_.needs_checkpoint) prune(parent);
  }
  return true;
}

int64_t PrefixCache::droppable(TenantId tenant) const {
  int64_t floors = 0;
  for (const auto& [other, account] : accounts_)
    if (other != tenant) floors += std::min(account.counts.pages, account.limits.pages_min);
  return std::max<int64_t>(0, pages_.only_cached() - floors);
}

/// The oldest leaf that only the cache holds.
PrefixNode* PrefixCache::droppable_leaf(const Account& account) const {
  PrefixNode* leaf = account.leaves.oldest();
  while (leaf != nullptr && pages_.holders(leaf->page) > 1) leaf = leaf->newer;
  return leaf;
}

/// The oldest of tenants that are above their floor, else the oldest of the one that asks.
PrefixNode* PrefixCache::leaf_to_drop(TenantId asking) {
  PrefixNode* oldest = nullptr;
  for (const auto& [tenant, account] : accounts_) {
    if (account.counts.pages <= account.limits.pages_min) continue;
    PrefixNode* leaf = droppable_leaf(account);
    if (leaf != nullptr && (oldest == nullptr || leaf->last_use < oldest->last_use)) oldest = leaf;
  }
  return oldest != nullptr ? oldest : droppable_leaf(account(asking));
}

void PrefixCache::touch(PrefixNode* node) {
  if (node->listed) {
    unlist_leaf(*node);
    node->last_use = clock_;
    list_leaf(*node);
  }
  for (; node != nullptr; node = node->parent) node->last_use = clock_;
}

void PrefixCache::list_leaf(PrefixNode& node) {
  account(node.tenant).leaves.add(node);
}

void PrefixCache::unlist_leaf(PrefixNode& node) {
  account(node.tenant).leaves.remove(node);
}

/// Drops a leaf with the checkpoints in it.
void PrefixCache::remove(PrefixNode& node) {
  tell(node, last_checkpoint(node, node.end()));
  while (node.checkpoint >= 0) detach(node.checkpoint);
  if (node.listed) unlist_leaf(node);
  PrefixNode& parent = *node.parent;
  tree_.remove(node);
  version_++;
  let_go(node.page);
  CacheStatistics& counts = account(node.tenant).counts;
  counts.pages--;
  counts.pages_dropped++;
  if (parent.child == nullptr && parent.parent != nullptr) list_leaf(parent);
}

/// Drops what no text can go on from any more: pages behind the last checkpoint.
void PrefixCache::prune(PrefixNode* node) {
  while (node->parent != nullptr && node->child == nullptr && node->checkpoint < 0) {
    PrefixNode* parent = node->parent;
    remove(*node);
    node = parent;
  }
}

int32_t PrefixCache::last_checkpoint(const PrefixNode& node, int64_t position_max) const {
  int32_t last = -1;
  for (int32_t unit = node.checkpoint; unit >= 0; unit = at(unit).next)
    if (at(unit).position <= position_max && (last < 0 || at(unit).position > at(last).position))
      last = unit;
  return last;
}

/// The checkpoint behind the last token of `text`, or -1.
int32_t PrefixCache::checkpoint_behind(const CachedText& text) {
  const int64_t pages = pages_of(text.tokens);
  PrefixNode* node = tree_.find_root(text.scope);
  for (int64_t i = 0; node != nullptr && i + 1 < pages; i++)
    node = tree_.find(*node, page_of(text.tokens, i));
  const auto tokens = page_of(text.tokens, pages - 1);
  for (PrefixNode* n = node != nullptr ? node->child : nullptr; n != nullptr; n = n->next) {
    if (common_tokens(*n, tokens) < std::ssize(tokens)) continue;
    const int32_t unit = last_checkpoint(*n, std::ssize(text.tokens));
    if (unit >= 0 && at(unit).position == std::ssize(text.tokens)) return unit;
  }
  return -1;
}

/// A free unit for `tenant`, after an older one was dropped where that must be; -1: none.
int32_t PrefixCache::free_checkpoint(TenantId tenant) {
  const Account& payer = account(tenant);
  if (payer.limits.checkpoints_max <= 0) return -1;
  auto oldest = [this](auto allowed) {
    int32_t best = -1;
    for (int32_t unit = 0; unit < std::ssize(checkpoints_); unit++)
      if (at(unit).node != nullptr && allowed(at(unit)) &&
          (best < 0 || at(unit).last_use < at(best).last_use))
        best = unit;
    return best;
  };
  auto own = [tenant](const Checkpoint& c) { return c.tenant == tenant; };
  auto above_floor = [this](const Checkpoint& c) {
    const Account& owner = account(c.tenant);
    return owner.counts.checkpoints > owner.limits.checkpoints_min;
  };
  if (payer.counts.checkpoints >= payer.limits.checkpoints_max) drop_checkpoint(oldest(own));
  const auto is_free = [](const Checkpoint& c) { return c.node == nullptr; };
  auto found = std::ranges::find_if(checkpoints_, is_free);
  if (found != checkpoints_.end()) return static_cast<int32_t>(found - checkpoints_.begin());
  int32_t unit = oldest(above_floor);
  if (unit < 0) unit = oldest(own);
  if (unit >= 0) drop_checkpoint(unit);
  return unit;
}

void PrefixCache::attach(int32_t unit, PrefixNode& node, Checkpoint checkpoint) {
  checkpoint.node = &node;
  checkpoint.next = node.checkpoint;
  at(unit) = checkpoint;
  node.checkpoint = unit;
  version_++;
  CacheStatistics& counts = account(checkpoint.tenant).counts;
  counts.checkpoints++;
  counts.checkpoints_taken++;
}

void PrefixCache::detach(int32_t unit) {
  int32_t* link = &at(unit).node->checkpoint;
  while (*link != unit) link = &at(*link).next;
  *link = at(unit).next;
  version_++;
  CacheStatistics& counts = account(at(unit).tenant).counts;
  counts.checkpoints--;
  counts.checkpoints_dropped++;
  at(unit) = {};
}

void PrefixCache::drop_checkpoint(int32_t unit) {
  PrefixNode* node = at(unit).node;
  if (at(unit).position == node->end()) tell(*node, unit);
  detach(unit);
  if (options_.needs_checkpoint) prune(node);
}

Status PrefixCache::set_limits(TenantId tenant, const CacheLimits& limits) {
  int64_t pages = limits.pages_min, checkpoints = limits.checkpoints_min;
  if (pages < 0 || checkpoints < 0 || pages > limits.pages_max ||
      checkpoints > limits.checkpoints_max)
    return fail(ErrorCode::invalid_argument,
                "a cache of {} to {} pages and {} to {} checkpoints, wanted 0 or more and no less "
                "at most",
                pages, limits.pages_max, checkpoints, limits.checkpoints_max);
  for (const auto& [other, account] : accounts_) {
    if (other == tenant) continue;
    pages += account.limits.pages_min;
    checkpoints += account.limits.checkpoints_min;
  }
  if (!options_.needs_checkpoint) checkpoints = 0;  // nobody takes any
  if (pages > options_.floor_pages_max || checkpoints > options_.checkpoints)
    return fail(ErrorCode::invalid_argument,
                "the floors of all tenants are {} pages and {} checkpoints, wanted at most {} and "
                "{}",
                pages, checkpoints, options_.floor_pages_max, options_.checkpoints);
  account(tenant).limits = limits;
  return ok();
}

void PrefixCache::forget(ScopeId scope) {
  DropListener* const listener = std::exchange(listener_, nullptr);  // nobody is to find it again
  PrefixNode* root = tree_.find_root(scope);
  while (root != nullptr && root->child != nullptr) {
    PrefixNode* leaf = root->child;
    while (leaf->child != nullptr) leaf = leaf->child;
    remove(*leaf);
  }
  listener_ = listener;
}

CacheStatistics PrefixCache::statistics(TenantId tenant) const {
  const auto found = accounts_.find(tenant);
  return found == accounts_.end() ? CacheStatistics{} : found->second.counts;
}

CacheStatistics PrefixCache::statistics() const {
  CacheStatistics sum;
  for (const auto& [tenant, account] : accounts_) sum += account.counts;
  return sum;
}

}  // namespace troika
