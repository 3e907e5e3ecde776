// What of earlier texts can be used again: pages of keys and values, and checkpoints, which keep
// what pages do not: recurrent states and the hidden row that the draft head reads next.
//
// A tree for each scope: a node is a page and the tokens in it, its path from the root the text up
// to there. Full pages are found by a hash of their tokens seeded with their parent's, and
// compared; a page that is not full is a leaf. A checkpoint lies at a token position inside a node.
// Nothing here touches a device: the caller copies what match() and insert_checkpoint() name.
//
// Pages that only the cache holds make room, least recently used leaf first, but no tenant's pages
// fall below its floor for another's sake. So do checkpoints.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <vector>

#include "core/ids.h"
#include "engine/pages.h"
#include "engine/prefix_tree.h"

namespace troika {

struct PrefixCacheOptions {
  int64_t checkpoints = 0;        // units that there are
  bool needs_checkpoint = false;  // a text goes on at a checkpoint only, not behind any token
  /// What the floors of all tenants may be together, so that texts at work always find pages.
  int64_t floor_pages_max = std::numeric_limits<int64_t>::max();
};

/// What one tenant may keep, whoever else wants room, and at most.
struct CacheLimits {
  int64_t pages_min = 0;
  int64_t pages_max = std::numeric_limits<int64_t>::max();
  int64_t checkpoints_min = 0;
  int64_t checkpoints_max = std::numeric_limits<int64_t>::max();
};

/// Of one tenant.
struct CacheStatistics {
  int64_t pages = 0;        // kept now
  int64_t checkpoints = 0;  // kept now
  int64_t lookups = 0;
  int64_t hits = 0;
  int64_t lookup_tokens = 0;
  int64_t hit_tokens = 0;
  int64_t pages_dropped = 0;
  int64_t checkpoints_taken = 0;
  int64_t checkpoints_dropped = 0;

  CacheStatistics& operator+=(const CacheStatistics& other);
};

/// A text, who may read what is kept of it, and whom that is charged to.
struct CachedText {
  ScopeId scope{};
  TenantId tenant{};
  std::span<const TokenId> tokens;
};

/// The beginning of a text that need not be computed.
struct CacheHit {
  int64_t tokens = 0;       // 0: there is none
  int32_t checkpoint = -1;  // unit that holds the state behind the last of them; -1: none is needed
  int32_t replay = 0;       // tokens of that state which are in its log only
};

/// A full page that is about to be dropped to make room, or the checkpoint behind it.
struct DroppedText {
  ScopeId scope{};
  uint64_t hash = 0;                // page_hash()
  std::span<const TokenId> tokens;  // up to the end of the page
  PageId page{};
  int32_t checkpoint = -1;  // unit that holds the state behind the last token; -1: there is none
  int32_t replay = 0;       // as CacheHit has it
};

class DropListener {
 public:
  virtual ~DropListener() = default;
  /// Called while both are still as they were; must not call the cache.
  virtual void dropping(const DroppedText& text) = 0;
};

/// Thread: engine. Between calls, the cache counts as one holder of every page that it keeps.
class PrefixCache {
 public:
  /// @param pages  borrowed.
  PrefixCache(Pages& pages, const PrefixCacheOptions& options);
  ~PrefixCache();
  PrefixCache(const PrefixCache&) = delete;
  PrefixCache& operator=(const PrefixCache&) = delete;

  /// Finds the longest beginning of `text` that can be used, at most `tokens_max` tokens.
  /// @param held  empty; gets the pages that cover it, each with the caller as a holder more. If
  ///   the last one is not covered to its end, the caller may read it and copy it, not write it.
  CacheHit match(const CachedText& text, int64_t tokens_max, std::vector<PageId>& held);

  /// Tokens that match() would find.
  int64_t peek(const CachedText& text, int64_t tokens_max) const;

  /// Keeps `text`, whose tokens are all verified and lie in `held`; the caller goes on as holder.
  /// Where an equal full page is kept already, `held` gets that one for the caller's own. A page
  /// that is not full may be written on behind its tokens. Does nothing where needs_checkpoint.
  void insert(const CachedText& text, std::span<PageId> held);

  /// The same with a checkpoint behind the last token.
  /// @param replay  as CacheHit has it.
  /// @return  the unit to be filled before the next call; -1: nothing to fill, either because there
  ///   is such a checkpoint or because there is no room for one.
  int32_t insert_checkpoint(const CachedText& text, std::span<PageId> held, int32_t replay);

  /// Tells `listener`, which is borrowed, of what is dropped from now on to make room; null:
  /// nobody.
  void set_listener(DropListener* listener) { listener_ = listener; }

  /// Adds the full pages that are kept of `text`, from its beginning on, to `held`, each with the
  /// caller as a holder more.
  void hold_pages(const CachedText& text, std::vector<PageId>& held);

  /// Drops until `wanted` pages are free, for the sake of `tenant`; whether they are.
  bool make_room(int64_t wanted, TenantId tenant);

  /// Pages that make_room() could free for `tenant`, at least.
  int64_t droppable(TenantId tenant) const;

  /// Takes effect with what is kept next and dropped next. Errors: invalid_argument — a floor below
  /// 0 or above its ceiling, floors that are more than floor_pages_max pages or than there are
  /// checkpoints; nothing was changed.
  Status set_limits(TenantId tenant, const CacheLimits& limits);

  const PrefixCacheOptions& options() const { return options_; }

  /// Another number whenever what is kept has changed.
  int64_t version() const { return version_; }

  /// Drops all that is kept for `scope`.
  void forget(ScopeId scope);

  CacheStatistics statistics(TenantId tenant) const;
  CacheStatistics statistics() const;  // of all tenants together

 private:
  struct Account {
    CacheLimits limits;
    CacheStatistics counts;
    LeafList leaves;
  };
  struct Checkpoint {
    PrefixNode* node = nullptr;  // null: the unit is free
    int64_t position = 0;        // tokens before it
    int32_t replay = 0;
    int64_t last_use = 0;
    TenantId tenant{};
    int32_t next = -1;  // of the same node
  };

  struct Found {
    CacheHit hit;
    PrefixNode* last = nullptr;  // holds the end of the hit
  };
  Found find(const CachedText& text, int64_t tokens_max) const;
  void consider(Found& found, PrefixNode& node, int64_t common, int64_t tokens_max) const;
  Account& account(TenantId tenant) { return accounts_[tenant]; }
  Checkpoint& at(int32_t unit) { return checkpoints_[static_cast<size_t>(unit)]; }
  const Checkpoint& at(int32_t unit) const { return checkpoints_[static_cast<size_t>(unit)]; }

  int32_t last_checkpoint(const PrefixNode& node, int64_t position_max) const;
  int32_t checkpoint_behind(const CachedText& text);
  int32_t free_checkpoint(TenantId tenant);
  void attach(int32_t unit, PrefixNode& node, Checkpoint checkpoint);
  void detach(int32_t unit);
  void drop_checkpoint(int32_t unit);

  PrefixNode* extend(const CachedText& text, std::span<PageId> held);
  PrefixNode* keep_page(PrefixNode& parent, std::span<const TokenId> tokens, PageId& page,
                        TenantId tenant);
  PrefixNode* add_page(PrefixNode& parent, std::span<const TokenId> tokens, PageId page,
                       TenantId tenant);
  void adopt(PageId& page, const PrefixNode& node);
  void grow(PrefixNode& node, std::span<const TokenId> tokens, PageId page);
  void hold(PageId page);
  void let_go(PageId page);

  void touch(PrefixNode* node);
  void list_leaf(PrefixNode& node);
  void unlist_leaf(PrefixNode& node);
  PrefixNode* droppable_leaf(const Account& account) const;
  PrefixNode* leaf_to_drop(TenantId asking);
  void remove(PrefixNode& node);
  void tell(const PrefixNode& node, int32_t checkpoint);
  void prune(PrefixNode* node);

  Pages& pages_;
  PrefixCacheOptions options_;
  PrefixTree tree_;
  std::map<TenantId, Account> accounts_;  // one for each tenant that ever asked
  std::vector<Checkpoint> checkpoints_;   // by unit
  DropListener* listener_ = nullptr;
  std::vector<TokenId> told_;  // of the text that is told of
  int64_t clock_ = 0;          // counts calls
  int64_t version_ = 0;        // counts changes
};

}  // namespace troika
