// From the logits of one row to the candidates that may be drawn: bias, then the steps that
// penalise, truncate and shape. Formulas are beside each function; l is a logit, p the softmax over
// the present candidates. Everything is in double and ordered by (logit falling, id rising), a
// total order: no result depends on how a sort happens to treat ties.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "core/ids.h"
#include "engine/dry.h"
#include "engine/sampler_history.h"
#include "engine/sampling_options.h"
#include "text/grammar/grammar_vocabulary.h"

namespace troika {

struct Candidate {
  double logit;
  TokenId id;
};

/// What changes single logits, token by token.
struct Adjustments {
  std::span<const LogitBias> bias;
  std::span<const TokenCount> history;    // of the penalties
  std::span<const TokenPenalty> repeats;  // of DRY
};

/// What the steps of a chain work with.
struct ChainInputs {
  const SamplingOptions& options;
  Adjustments adjustments;
  uint64_t key = 0;  // gumbel_key() of the draw, for steps that draw themselves
};

/// The candidates of one row. Holds its memory between rows: after the first row of a vocabulary
/// nothing is allocated.
class Candidates {
 public:
  /// `logits` with all tokens at -infinity that are not in `allowed`; valid until the next call.
  std::span<const float> masked(std::span<const float> logits, const TokenBits& allowed);

  /// The tokens of a row with their logits after bias, those at -infinity left out: of NaN and
  /// -infinity there is nothing to draw, +infinity counts as the largest float. Nothing at all may
  /// be left; the steps below want at least one.
  ///
  /// @param wanted  the caller will keep only the so many largest after adjusting them: others may
  /// be left out. All: kAll. Cost: O(vocab); few wanted and few adjusted read each logit once and
  /// write little.
  void load(std::span<const float> logits, const Adjustments& adjustments, size_t wanted);
  static constexpr size_t kAll = std::numeric_limits<size_t>::max();

  /// With c = how often `history` has a token: l = l <= 0 ? l * repeat : l / repeat, then
  /// l -= c * frequency + presence. Source of the repeat penalty: arXiv 1909.05858, section 4.1.
  void penalise(std::span<const TokenCount> history, const SamplingOptions& options);

  /// l -= amount.
  void penalise(std::span<const TokenPenalty> penalties);

  /// Keeps l >= max l - n sigma, of the logits' standard deviation. n <= 0: off.
  /// Source: arXiv 2411.07641.
  void top_n_sigma(double n);

  /// Keeps the k largest; k <= 0: off.
  void top_k(int32_t k, int32_t min_keep);

  /// H = -sum p ln p; keeps the smallest |-ln p - H| until their sum of p > typical. 1: off.
  /// Source: arXiv 2202.00666.
  void typical_p(double typical, int32_t min_keep);

  /// Keeps the largest p until their sum >= top. 1: off. Source: arXiv 1904.09751, section 3.1.
  void top_p(double top, int32_t min_keep);

  /// Keeps l >= max l + ln min. 0: off. Source: arXiv 2407.01082.
  void min_p(double min, int32_t min_keep);

  /// l = (l - max l) / T. T is `temperature`, or with range > 0 and n candidates of entropy H:
  /// low + (high - low) * (H / ln n)^exponent, low = max(0, temperature - range), high =
  /// temperature + range. T <= 0 keeps the first of the largest only. Differences of logits alone
  /// matter, and the largest stays 0 and finite.
  void temperature(const SamplingOptions& options);

  /// If `u` <= probability: of the tokens with p >= threshold, all but the least likely go, if
  /// min_keep are left. Threshold above 0.5: off. Source: p-e-w, text-generation-webui, pull
  /// request 6335.
  void xtc(const SamplingOptions& options, double u);

  /// Mirostat 1: keeps the k most likely, k from the row's slope and the aim mu, in bits. `vocab`:
  /// tokens of the model. Source: arXiv 2007.14966, algorithm 1.
  void mirostat(double mu, int64_t vocab);

  /// Mirostat 2: keeps -log2 p <= mu, at least one. Source: the same, algorithm 2.
  void mirostat2(double mu);

  /// Draws probabilities towards `target`: l = 5 - 10 x^2 / (1 + x), x = |p - target| / 0.3. What p
  /// was stays known to probability_of().
  void adapt(double target);

  /// The probability of a candidate, before adapt() if that was the last step.
  double probability_of(TokenId id) const;

  /// What the last sample() noted for Sampler::emit(): the probability of the token it drew.
  double drawn_probability = 1;

  /// Room for DRY, kept beside the candidates' own.
  DryPenalties repeats;

  /// Keeps one: the largest logit, of equals the lowest id.
  void keep_best();

  /// The argmax of l + Gumbel noise, of equals the lowest id: a draw with probability p. `key`: see
  /// gumbel_key().
  TokenId draw(uint64_t key) const;

  /// What is left, in no particular order.
  std::span<const Candidate> items() const { return items_; }

  /// What is left as (probability, id), most likely first; for tests and for reporting
  /// probabilities. Allocates.
  std::vector<std::pair<TokenId, double>> probabilities() const;

 private:
  // Probabilities relative to the largest logit, so that huge logits lose nothing.
  struct Softmax {
    double max;
    double total;  // sum e^(l - max)
    double p(const Candidate& item) const;
    double minus_log_p(const Candidate& item) const;
  };
  void load_all(std::span<const float> logits);
  void load_largest(std::span<const float> logits, size_t count);
  Candidate* find(TokenId id);
  void join(TokenId id, std::span<const float> logits);
  void rank(size_t count);
  void keep_first(size_t count);
  double largest() const;
  Softmax softmax() const;
  double entropy(const Softmax& softmax) const;

  std::vector<Candidate> items_;
  std::vector<float> masked_;
  size_t ranked_ = 0;                 // the first so many are the largest, in order
  bool by_id_ = false;                // they lie in rising order of id
  std::vector<double> before_adapt_;  // probabilities of items_, where adapt() was the last step
};

/// Runs the steps in the given order with their parameters from `inputs`. adaptive_p is none of
/// them: it belongs to the draw.
void run_steps(std::span<const SamplerStep> steps, const ChainInputs& inputs,
               Candidates& candidates);

}  // namespace troika
