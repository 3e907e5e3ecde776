// How often each of the last n tokens of a sequence occurs: what penalties are taken from.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/ids.h"

namespace troika {

struct TokenCount {
  TokenId id;
  int32_t count;  // > 0
};

/// A window over the newest tokens. A value: assigning one to another of the same window size
/// allocates nothing once both have seen as many tokens.
class SamplerHistory {
 public:
  /// @param tokens_max  tokens that the window holds; 0: none; -1: all.
  explicit SamplerHistory(int32_t tokens_max) : tokens_max_(tokens_max) {}

  /// Adds the newest token; the oldest leaves a full window. Cost: O(distinct tokens in the
  /// window).
  void push(TokenId id);

  /// The distinct tokens of the window in rising order of id; valid until the next push.
  std::span<const TokenCount> counts() const { return counts_; }

 private:
  void add(TokenId id);
  void remove(TokenId id);

  int32_t tokens_max_;
  size_t oldest_ = 0;            // in window_, once that is full
  std::vector<TokenId> window_;  // a ring; stays empty where nothing ever leaves
  std::vector<TokenCount> counts_;
};

}  // namespace troika
