// DRY: what would repeat the text is penalised, the more the longer the repetition already is. If
// the last L tokens occurred before, the token that followed them then loses
//
//   multiplier * base^(L - allowed length)
//
// No repetition reaches back beyond the newest sequence breaker. Source: the method as described by
// its author, p-e-w, in text-generation-webui, pull request 5677.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/ids.h"
#include "engine/sampling_options.h"

namespace troika {

/// Sequences of tokens that no repetition spans. A string may be cut into tokens in many ways: a
/// token that ends with its beginning is a head, the tokens of the rest its tail.
class DryBreakers {
 public:
  static constexpr size_t kTailMax = 20;  // tokens; what a longer tail has behind them is left out

  /// All ways to write `strings`. One look at each token's bytes for each string: seconds nowhere,
  /// but keep the result.
  ///
  /// @param tokens  ids that exist.
  /// @param bytes  of an id. @param encode  the tokens of a text, without any added.
  static DryBreakers find(std::span<const std::string> strings, int64_t tokens,
                          const std::function<std::string(TokenId)>& bytes,
                          const std::function<std::vector<TokenId>(std::string_view)>& encode);

  void add(TokenId head, std::vector<TokenId> tail);

  /// Whether the token is a breaker all by itself.
  bool alone(TokenId id) const;

  /// How many of the newest tokens of `history` come after the newest breaker. All, if there is
  /// none.
  int64_t tokens_behind(std::span<const TokenId> history) const;

 private:
  std::unordered_map<int32_t, std::vector<std::vector<TokenId>>> tails_;  // by head
};

/// The tokens that DRY looks back on. A value.
class DryHistory {
 public:
  /// @param tokens_max  0: none; -1: all.
  explicit DryHistory(int32_t tokens_max) : tokens_max_(tokens_max) {}
  void push(TokenId id);
  /// Oldest first.
  std::span<const TokenId> tokens() const;

 private:
  int32_t tokens_max_;
  std::vector<TokenId> tokens_;  // of a bound history up to twice as many as count
};

/// Taken off a logit.
struct TokenPenalty {
  TokenId id;
  double amount;
};

/// Finds what would repeat. Holds its memory between calls.
class DryPenalties {
 public:
  /// Penalties in rising order of id, valid until the next call. Cost: O(history).
  std::span<const TokenPenalty> find(std::span<const TokenId> history, const DryBreakers* breakers,
                                     const SamplingOptions& options);

 private:
  std::vector<int64_t> repeats_;
  std::vector<TokenPenalty> penalties_;
};

}  // namespace troika
