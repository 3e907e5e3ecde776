// The tree of PrefixCache, without its policy: nodes, how they are found, and lists of leaves. All
// memory but a root for each scope is taken once.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "core/ids.h"
#include "engine/pages.h"
#include "graph/state.h"

namespace troika {

/// A page and the tokens whose keys and values it holds, behind those of its parents.
struct PrefixNode {
  // Of the tree.
  ScopeId scope{};
  PrefixNode* parent = nullptr;  // null: a root, which has no page
  PrefixNode* child = nullptr;   // the first
  PrefixNode* next = nullptr;    // among its parent's children
  PrefixNode* previous = nullptr;
  PrefixNode* bucket_next = nullptr;
  uint64_t hash = 0;  // of a full page and all before it
  PageId page{};
  int64_t begin = 0;  // position of its first token
  int64_t count = 0;  // tokens; kPageTokens if it is full
  std::array<TokenId, kPageTokens> tokens;
  // Of the policy.
  TenantId tenant{};  // that it is charged to
  int64_t last_use = 0;
  PrefixNode* older = nullptr;  // in a LeafList
  PrefixNode* newer = nullptr;
  bool listed = false;
  int32_t checkpoint = -1;  // the first of those that lie in it

  int64_t end() const { return begin + count; }
  bool full() const { return count == kPageTokens; }
  std::span<const TokenId> text() const {
    return std::span(tokens).first(static_cast<size_t>(count));
  }
};

/// The hash of a full page and all before it: of its tokens, and of what is before it; that of
/// nothing, in a scope.
uint64_t page_hash(std::span<const TokenId> tokens, uint64_t before);
uint64_t root_hash(ScopeId scope);

/// A child of a node, and in how many tokens it begins like a text.
struct CommonTokens {
  PrefixNode* node = nullptr;
  int64_t tokens = 0;
};

/// Leaves ordered by last use.
class LeafList {
 public:
  PrefixNode* oldest() const { return oldest_; }
  /// Adds a node that is in no list. Cost: the nodes that are younger or, if that is less work,
  /// older.
  void add(PrefixNode& node);
  void remove(PrefixNode& node);

 private:
  PrefixNode* oldest_ = nullptr;
  PrefixNode* newest_ = nullptr;
};

/// How many tokens of `node` are those that `tokens` begins with.
int64_t common_tokens(const PrefixNode& node, std::span<const TokenId> tokens);

/// The child of `parent` that has most tokens in common with `tokens`, of equals the fullest; null:
/// there is none with any. Cost: the children.
CommonTokens closest_child(const PrefixNode& parent, std::span<const TokenId> tokens);

/// Thread: engine.
class PrefixTree {
 public:
  /// @param nodes_max  nodes besides roots.
  explicit PrefixTree(int64_t nodes_max);

  /// The root of a scope; null: nothing is kept of it.
  PrefixNode* find_root(ScopeId scope);
  const PrefixNode* find_root(ScopeId scope) const;
  /// The same, made where there is none; it stays.
  PrefixNode& root(ScopeId scope);

  /// The child with exactly these kPageTokens tokens, or null.
  PrefixNode* find(const PrefixNode& parent, std::span<const TokenId> tokens) const;

  int64_t nodes_free() const { return std::ssize(free_); }

  /// Adds a child of 1 ... kPageTokens tokens. There is a node left.
  PrefixNode& add(PrefixNode& parent, std::span<const TokenId> tokens, PageId page);
  /// Gives a leaf that is not full more tokens, the old ones first among them.
  void grow(PrefixNode& node, std::span<const TokenId> tokens);
  /// Removes a leaf.
  void remove(PrefixNode& node);

 private:
  size_t bucket_of(uint64_t hash) const {
    return static_cast<size_t>(hash) & (buckets_.size() - 1);
  }
  void enter(PrefixNode& node);
  void leave(PrefixNode& node);

  std::vector<PrefixNode> nodes_;
  std::vector<PrefixNode*> free_;
  std::vector<PrefixNode*> buckets_;  // a power of two
  std::map<ScopeId, PrefixNode> roots_;
};

}  // namespace troika
