// The merge loop of byte pair encoding, for any notion of a symbol: a chain of symbols in which the
// best adjacent pair is joined until none can be. O(n log n) by a heap of candidate pairs;
// candidates that a merge made stale are dropped when they surface. Source: R. Sennrich et al.,
// arXiv 1508.07909; the order of ties (leftmost first) is that of the trained vocabularies' own
// encoders.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace troika::text {

/// `Rules` gives the symbols and the pairs:
///   using Symbol = ...;                      // small, copied; no operator needed
///   struct Merge { Order order; Symbol result; };   // smaller order joins first
///   std::optional<Merge> merge(const Symbol& left, const Symbol& right) const;
/// The buffers are kept from word to word.
template <typename Rules>
class MergeChain {
 public:
  using Symbol = typename Rules::Symbol;
  using Merge = typename Rules::Merge;

  /// Starts a new word.
  void clear() {
    links_.clear();
    heap_.clear();
  }

  /// Appends a symbol; at most 2^31 - 1 in a word.
  void push(const Symbol& symbol) {
    const auto at = static_cast<int32_t>(links_.size());
    if (at > 0) links_[at - 1].next = at;
    links_.push_back({symbol, at - 1, -1, 0});
  }

  /// Joins all there is to join.
  void run(const Rules& rules) {
    for (int32_t at = 0; at + 1 < static_cast<int32_t>(links_.size()); ++at) propose(rules, at);
    std::make_heap(heap_.begin(), heap_.end(), Later{});
    while (!heap_.empty()) {
      std::pop_heap(heap_.begin(), heap_.end(), Later{});
      const Candidate best = heap_.back();
      heap_.pop_back();
      Link& left = links_[best.left];
      if (left.version != best.left_version || left.next < 0) continue;
      Link& right = links_[left.next];
      if (right.version != best.right_version) continue;
      left.symbol = best.merge.result;
      ++left.version;
      right.version = kGone;
      left.next = right.next;
      if (left.next >= 0) links_[left.next].previous = best.left;
      if (propose(rules, best.left)) std::push_heap(heap_.begin(), heap_.end(), Later{});
      if (left.previous >= 0 && propose(rules, left.previous))
        std::push_heap(heap_.begin(), heap_.end(), Later{});
    }
  }

  /// Calls `visit` with the symbols that are left, in order.
  template <typename Visit>
  void each(Visit&& visit) const {
    for (int32_t at = links_.empty() ? -1 : 0; at >= 0; at = links_[at].next)
      visit(links_[at].symbol);
  }

 private:
  static constexpr uint32_t kGone = UINT32_MAX;

  struct Link {
    Symbol symbol;
    int32_t previous, next;
    uint32_t version;  // counts the merges into this place; kGone once merged away
  };
  struct Candidate {
    Merge merge;
    int32_t left;
    uint32_t left_version, right_version;
  };
  struct Later {
    bool operator()(const Candidate& a, const Candidate& b) const {
      return b.merge.order != a.merge.order ? b.merge.order < a.merge.order : b.left < a.left;
    }
  };

  // Appends the pair that begins at `left` to the heap's array if it can be joined; says whether.
  bool propose(const Rules& rules, int32_t left) {
    const Link& a = links_[left];
    if (a.next < 0) return false;
    const Link& b = links_[a.next];
    const std::optional<Merge> merge = rules.merge(a.symbol, b.symbol);
    if (merge) heap_.push_back({*merge, left, a.version, b.version});
    return merge.has_value();
  }

  std::vector<Link> links_;
  std::vector<Candidate> heap_;
};

}  // namespace troika::text
