// Log-probabilities of a row of logits: log p(id) = l(id) - ln sum e^l, the model's own
// distribution, before bias, penalties and temperature. In double and in the order of ids, so equal
// rows give equal bits.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/ids.h"

namespace troika {

struct TokenLogprob {
  TokenId id{};
  double logprob = 0;  // natural; -infinity: impossible
  bool operator==(const TokenLogprob&) const = default;
};

/// A chosen token and what else could have been.
struct ChosenLogprob {
  TokenLogprob token;
  std::span<const TokenLogprob> top;  // the most likely, falling; of equals the lowest id first
};

inline constexpr int64_t kTopLogprobsMax = 1000;

/// Works on one row at a time and keeps its memory between rows.
class Logprobs {
 public:
  /// What the row says of `chosen` and of its `count` most likely tokens (fewer where the row is
  /// shorter). NaN counts as -infinity and +infinity as the largest float, as for the sampler.
  ///
  /// @param logits  not empty; `chosen` is one of its places.
  /// @return  valid until the next call.
  /// Cost: O(logits), and O(log count) for those among the best so far.
  ChosenLogprob of(std::span<const float> logits, TokenId chosen, int64_t count);

 private:
  void find_top(std::span<const float> logits, int64_t count);

  std::vector<TokenLogprob> top_;
};

}  // namespace troika
