// Chooses one token from a row of logits: bias, the steps of sampler_chain.h, then the lowest-id
// argmax of log-weight + Gumbel noise. The noise depends on (seed, choice, position,
// token id) alone and the history on emitted tokens alone, so text is the same with and without
// drafts, however many rows were looked at on the way.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "core/ids.h"
#include "core/result.h"
#include "engine/sampler_chain.h"
#include "engine/sampler_history.h"
#include "engine/sampling_options.h"
#include "text/grammar/token_grammar.h"

namespace troika {

/// No token may come next: the grammar allows none that a bias does not forbid.
inline constexpr TokenId kNoToken{-1};

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
  /// @param breakers  of options.dry_breakers; null: none.
  /// Errors: invalid_argument — an option is out of its range (see SamplingOptions::validate), or
  /// an end id out of the vocabulary, or the vocabulary empty.
  static Result<Sampler> make(SamplingOptions options, int32_t choice, int64_t vocab,
                              std::span<const TokenId> end_ids, int64_t ends_from = 0,
                              std::shared_ptr<const DryBreakers> breakers = nullptr);

  /// The token for `position` (the index in the sequence that it will have). Changes nothing: the
  /// same row, position and history give the same token. NaN counts as -infinity; if every token is
  /// at -infinity, the answer is token 0, or with a grammar kNoToken.
  ///
  /// @param logits  [vocab], as the model gave them.
  /// @param scratch  memory to work in; one serves any number of samplers of one thread.
  /// Cost: O(vocab) once, then by the candidates left; no allocation after the scratch saw such a
  /// row.
  TokenId sample(std::span<const float> logits, int64_t position, Candidates& scratch) const;

  /// Takes the next token of the prompt into the history of penalties and DRY.
  void accept(TokenId id);

  /// accept() for a token of the answer: what sample() drew last with this scratch. Moves the aims
  /// of mirostat and adaptive_p and the grammar as well.
  void emit(TokenId id, const Candidates& scratch);

  /// The prompt is taken: what comes now is held to `grammar`, which knows the same tokens.
  void begin_answer(std::shared_ptr<const TokenGrammar> grammar);

  /// How many of the next `tokens` the grammar allows, one after the other.
  size_t allowed_drafts(std::span<const TokenId> tokens) const;

  /// Whether the grammar, if there is one, lets the text end here.
  bool may_end() const { return !grammar_ || grammar_->can_end(); }

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
    std::shared_ptr<const DryBreakers> breakers;
  };
  explicit Sampler(std::shared_ptr<const Plan> plan);
  void run_chain(const ChainInputs& inputs, Candidates& scratch) const;

  std::shared_ptr<const Plan> plan_;
  SamplerHistory history_;
  DryHistory dry_history_;
  double mu_;                              // mirostat's aim, bits
  double adaptive_sum_, adaptive_weight_;  // of the probabilities drawn, the newest weighing most
  std::optional<GrammarState> grammar_;
};

}  // namespace troika
