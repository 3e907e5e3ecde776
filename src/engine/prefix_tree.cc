#include "engine/prefix_tree.h"

#include <xxhash.h>

#include <algorithm>
#include <bit>

#include "core/check.h"

namespace troika {

uint64_t page_hash(std::span<const TokenId> tokens, uint64_t before) {
  return XXH64(tokens.data(), tokens.size_bytes(), before);
}

uint64_t root_hash(ScopeId scope) {
  return XXH64(&scope, sizeof(scope), 0);
}

void LeafList::add(PrefixNode& node) {
  // A leaf that was just used goes to the young end, a parent whose last child went to the old one.
  PrefixNode* after = newest_;
  if (oldest_ != nullptr && node.last_use <= oldest_->last_use) after = nullptr;
  while (after != nullptr && after->last_use > node.last_use) after = after->older;
  node.older = after;
  node.newer = after != nullptr ? after->newer : oldest_;
  (node.older != nullptr ? node.older->newer : oldest_) = &node;
  (node.newer != nullptr ? node.newer->older : newest_) = &node;
  node.listed = true;
}

void LeafList::remove(PrefixNode& node) {
  (node.older != nullptr ? node.older->newer : oldest_) = node.newer;
  (node.newer != nullptr ? node.newer->older : newest_) = node.older;
  node.older = node.newer = nullptr;
  node.listed = false;
}

int64_t common_tokens(const PrefixNode& node, std::span<const TokenId> tokens) {
  return std::ranges::mismatch(node.text(), tokens).in2 - tokens.begin();
}

CommonTokens closest_child(const PrefixNode& parent, std::span<const TokenId> tokens) {
  CommonTokens best;
  for (PrefixNode* n = parent.child; n != nullptr; n = n->next) {
    const int64_t common = common_tokens(*n, tokens);
    if (common > best.tokens ||
        (best.node != nullptr && common == best.tokens && n->count > best.node->count))
      best = {n, common};
  }
  return best;
}

PrefixTree::PrefixTree(int64_t nodes_max)
    : nodes_(static_cast<size_t>(nodes_max)),
      buckets_(std::bit_ceil(static_cast<size_t>(2 * nodes_max + 1)), nullptr) {
  free_.reserve(nodes_.size());
  for (PrefixNode& node : nodes_) free_.push_back(&node);
}

const PrefixNode* PrefixTree::find_root(ScopeId scope) const {
  const auto found = roots_.find(scope);
  return found == roots_.end() ? nullptr : &found->second;
}

PrefixNode* PrefixTree::find_root(ScopeId scope) {
  const auto found = roots_.find(scope);
  return found == roots_.end() ? nullptr : &found->second;
}

PrefixNode& PrefixTree::root(ScopeId scope) {
  PrefixNode& root = roots_[scope];
  root.scope = scope;
  root.hash = root_hash(scope);
  return root;
}

PrefixNode* PrefixTree::find(const PrefixNode& parent, std::span<const TokenId> tokens) const {
  const uint64_t hash = page_hash(tokens, parent.hash);
  for (PrefixNode* n = buckets_[bucket_of(hash)]; n != nullptr; n = n->bucket_next)
    if (n->hash == hash && n->parent == &parent && std::ranges::equal(n->text(), tokens)) return n;
  return nullptr;
}

PrefixNode& PrefixTree::add(PrefixNode& parent, std::span<const TokenId> tokens, PageId page) {
  TROIKA_CHECK(!free_.empty());
  PrefixNode& node = *free_.back();
  free_.pop_back();
  node = PrefixNode{};
  node.scope = parent.scope;
  node.parent = &parent;
  node.page = page;
  node.begin = parent.end();
  node.next = parent.child;
  if (node.next != nullptr) node.next->previous = &node;
  parent.child = &node;
  grow(node, tokens);
  return node;
}

void PrefixTree::grow(PrefixNode& node, std::span<const TokenId> tokens) {
  std::ranges::copy(tokens, node.tokens.begin());
  node.count = std::ssize(tokens);
  if (node.full()) enter(node);
}

void PrefixTree::remove(PrefixNode& node) {
  TROIKA_CHECK(node.child == nullptr && node.parent != nullptr);
  if (node.full()) leave(node);
  (node.previous != nullptr ? node.previous->next : node.parent->child) = node.next;
  if (node.next != nullptr) node.next->previous = node.previous;
  free_.push_back(&node);
}

void PrefixTree::enter(PrefixNode& node) {
  node.hash = page_hash(node.text(), node.parent->hash);
  PrefixNode*& bucket = buckets_[bucket_of(node.hash)];
  node.bucket_next = bucket;
  bucket = &node;
}

void PrefixTree::leave(PrefixNode& node) {
  PrefixNode** link = &buckets_[bucket_of(node.hash)];
  while (*link != &node) link = &(*link)->bucket_next;
  *link = node.bucket_next;
}

}  // namespace troika
