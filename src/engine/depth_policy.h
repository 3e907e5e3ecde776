// How many tokens to draft for a sequence in the next step: as many as give the most tokens a
// second, by the acceptance of its drafts so far and the measured cost of steps. Pure functions of
// a state that the caller keeps: no clock.
#pragma once

#include <array>
#include <cstdint>

#include "engine/cost_model.h"

namespace troika {

enum class SpecType : uint8_t {
  none,      // never draft
  mtp,       // draft exactly depth_max tokens a step (less at the end of a text)
  automatic  // as many as make the text fastest, up to depth_max; 0 included
};

struct SpeculationOptions {
  SpecType type = SpecType::automatic;
  int64_t depth_max = 6;  // 0 ... kDraftTokensMax
};

/// What was decided for a step.
struct DepthChoice {
  int64_t depth = 0;
  bool probe = false;          // tried to learn from it, not because it is expected to be the best
  int64_t best = 0;            // expected to be the best
  double tokens = 1;           // that the sequence is expected to get
  double best_ms_a_token = 0;  // at that depth
  double off_ms = 0;           // expected of the step without drafts of this sequence
  double others_tokens = 0;    // DepthInput::others_tokens
};

/// What the policy remembers of one sequence.
class DepthState {
 public:
  /// Probability that draft number `index` of a step is accepted if those before it were: recent
  /// ones count more, and where little was seen the draft before it is the guide.
  double acceptance(int64_t index) const;
  /// The same, as high as it may well be: evidence fades with the steps since it was seen.
  double acceptance_high(int64_t index) const;

  /// Whether it is time to try what is not expected to be the best, at the price of `loss` steps
  /// without drafts.
  bool may_probe(double loss) const { return wait_ <= 0 && loss <= allowance_; }

  /// Takes in how a step ended that `choice` decided.
  /// @param accepted  of `proposed` drafts, from the first on.
  /// @param step_ms  what the step takes, as `costs` expect it by now.
  void observe(const DepthChoice& choice, int64_t proposed, int64_t accepted, double step_ms);

 private:
  struct Evidence {
    double tried = 0;  // weights, less for what is long ago
    double accepted = 0;
    int64_t step = 0;  // of the last trial
  };

  std::array<Evidence, kDraftTokensMax> at_{};
  int64_t step_ = 0;
  int64_t wait_ = 0;      // steps until the next probe may come
  int64_t interval_ = 4;  // steps between probes that teach nothing new
  double allowance_ = 1;  // what probes may cost, in steps without drafts
};

struct DepthInput {
  SpeculationOptions options;
  int64_t room = 0;  // drafts that could still be used: tokens left after the one that verification
                     // gives anyway
  const DepthState* state = nullptr;  // of this sequence
  const CostModel* costs = nullptr;
  StepPlan others{};         // what the step holds without this sequence
  double others_tokens = 0;  // that the step is expected to give them; rows of a prompt count one
  int64_t catch_up = 0;      // cells that the head would have to write before it drafts
};

/// The depth for the next step, 0 ... min(depth_max, room). Cost: O(depth_max * knots of costs).
DepthChoice choose_depth(const DepthInput& input);

}  // namespace troika
