// Chooses one token from a row of logits: bias, penalties, the steps of sampler_chain.h, then the
// lowest-id argmax of log-weight + Gumbel noise. The noise depends on (seed, choice, position,
// token id) alone and the history on emitted tokens alone, so text is the same with and without
// drafts, however many rows were looked at on the way.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "core/ids.h"
#include "core/result.h"
#include "engine/sampler_chain.h"
#include "engine/sampler_history.h"
#include "engine/sampling_options.h"

namespace troika {

/// The sampler of one choice of one sequence. A value: the drafter works on a copy, which sees the
/// same noise; assigning a copy to an older one of the same sequence allocates nothing once the
/// history is full.
class Sampler {
 public:
  /// @param choice  number of this alternative among those asked for one prompt; each has its own
  /// noise.
  /// @param vocab  logits in a row.
  /// @param end_ids  tokens that end a text; forbidden if options.ignore_eos.
  /// @param ends_from  before this position they are forbidden anyway.
  /// Errors: invalid_argument — an option is out of its range (see SamplingOptions::validate), or
  /// an end id out of the vocabulary, or the vocabulary empty.
  static Result<Sampler> make(SamplingOptions options, int32_t choice, int64_t vocab,
                              std::span<const TokenId> end_ids, int64_t ends_from = 0);

  /// The token for `position` (the index in the sequence that it will have). Changes nothing: the
  /// same row, position and history give the same token. NaN counts as -infinity; if every token is
  /// at -infinity, the answer is token 0.
  ///
  /// @param logits  [vocab], as the model gave them.
  /// @param scratch  memory to work in; one serves any number of samplers of one thread.
  /// Cost: O(vocab) once, then by the candidates left; no allocation after the scratch saw such a
  /// row.
  TokenId sample(std::span<const float> logits, int64_t position, Candidates& scratch) const;

  /// Takes the next token of the sequence (of the prompt, then each emitted one) into the history
  /// of the penalties.
  void accept(TokenId id);

  /// Whether sample() is the lowest-id argmax of the unmodified logits, which a device can find by
  /// itself, at `position` and all behind it.
  bool greedy(int64_t position = 0) const;

  const SamplingOptions& options() const { return plan_->options; }

 private:
  // What never changes is shared by a sampler and its copies: a copy per step must not copy 65,536
  // biases.
  struct Plan {
    SamplingOptions options;  // logit_bias includes the forbidden end ids
    SamplingOptions opening;  // the same before ends_from; empty where that is 0
    int64_t ends_from;
    int32_t choice;
    int64_t vocab;
  };
  explicit Sampler(std::shared_ptr<const Plan> plan);

  std::shared_ptr<const Plan> plan_;
  SamplerHistory history_;
};

}  // namespace troika
