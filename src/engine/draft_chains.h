// Drafts of several sequences on their way: each launch gives every chain one more token, and the
// next launch reads it. The device finds the token of a greedy chain by itself and hands it on
// without a word from the host; a sampled chain's is drawn by the host, with the noise that the
// verification will see, and put in its place.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "engine/drafter.h"
#include "engine/forward.h"

namespace troika {

class DraftChains {
 public:
  /// Makes a row of logits one with a place for every token.
  using Spread = std::function<std::span<const float>(std::span<const float>)>;

  /// Takes requests of some depth, deepest first, so that the rows of a launch are the first rows
  /// of the one before. Their tokens are forgotten.
  /// @param argmax_is_token  whether an argmax of the device is always a token.
  void begin(std::span<DraftRequest> requests, bool argmax_is_token);

  bool empty() const { return chains_.empty(); }
  int64_t size() const { return std::ssize(chains_); }
  int64_t depth() const { return chains_.empty() ? 0 : chains_.front().request->depth; }
  /// Chains that go deeper than `depth`: the first so many.
  int64_t active_at(int64_t depth) const;
  DraftRequest& request(int64_t chain) const {
    return *chains_[static_cast<size_t>(chain)].request;
  }

  /// Takes draft number `depth` of all active chains from the launch that was just queued, each the
  /// output row of its number, `width` logits wide.
  /// @param read  the tokens are wanted on the host: see token().
  Status take(Forward& forward, int64_t depth, int64_t width, bool read, const Spread& spread);

  /// A draft that was taken and read.
  TokenId token(int64_t chain, int64_t depth) const;

  /// Waits for all drafts and gives the requests their tokens.
  Status end(Forward& forward);

 private:
  struct Chain {
    DraftRequest* request = nullptr;
    std::optional<Sampler> sampler;  // a copy; nothing where the argmax is the token
  };
  Status sample(Forward& forward, int64_t depth, int64_t width, const Spread& spread);

  std::vector<Chain> chains_;
  std::vector<int32_t> drafted_;  // [depth][chain]
  Candidates scratch_;
};

}  // namespace troika
