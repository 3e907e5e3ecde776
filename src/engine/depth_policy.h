// What is remembered of one sequence's drafts: how often they are accepted, and when it is time to
// try what is not expected to be the best. A value, no clock. Depths are chosen from it for all
// sequences of a step together: DepthPlanner.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "engine/cost_model.h"
#include "engine/speculation_options.h"

namespace troika {

/// What was decided for one sequence of a step.
struct DepthChoice {
  DraftSource source = DraftSource::mtp;
  int64_t depth = 0;
  int64_t catch_up = 0;        // rows of the source's first launch beside the one it drafts from
  bool probe = false;          // tried to learn from it, not because it is expected to be the best
  int64_t best = 0;            // expected to be the best
  double tokens = 1;           // that the sequence is expected to get
  double best_ms_a_token = 0;  // of the step at its best
  double off_ms = 0;           // expected of the step without drafts of this sequence
  double others_tokens = 0;    // that the step is expected to give to all others
  int64_t sharers = 1;         // sequences that share what probes may cost
};

/// Thread: one.
class DepthState {
 public:
  DepthState();

  /// Probability that draft number `index` of a step is accepted if those before it were: recent
  /// ones count more, and where little was seen the draft before it is the guide.
  double acceptance(int64_t index, DraftSource source = DraftSource::mtp) const;
  /// The same, as high as it may well be: evidence fades with the steps since it was seen.
  double acceptance_high(int64_t index, DraftSource source = DraftSource::mtp) const;

  /// Whether it is time to try what is not expected to be the best, at the price of `loss` steps
  /// without drafts. Where sequences share what probes may cost, a loss counts for each of them.
  bool may_probe(double loss) const { return wait_ <= 0 && loss <= allowance_; }

  /// Takes in how a step ended that `choice` decided.
  /// @param accepted  of `proposed` drafts, from the first on.
  /// @param step_ms  what the step takes, as it is expected by now.
  void observe(const DepthChoice& choice, int64_t proposed, int64_t accepted, double step_ms);

 private:
  struct Evidence {
    double tried = 0;  // weights, less for what is long ago
    double accepted = 0;
    int64_t step = 0;  // of the last trial
  };
  struct Source {
    std::array<Evidence, kDraftTokensMax> at{};
    std::array<double, kDraftTokensMax> acceptance{};  // as the evidence has it
  };

  const Source& of(DraftSource source) const { return sources_[static_cast<size_t>(source)]; }
  void expect(DraftSource source);

  std::array<Source, kDraftSources> sources_{};
  int64_t step_ = 0;
  int64_t wait_ = 0;      // steps until the next probe may come
  int64_t interval_ = 4;  // steps between probes that teach nothing new
  double allowance_ = 1;  // what probes may cost, in steps without drafts
};

}  // namespace troika
