#include "engine/depth_policy.h"

#include <algorithm>
#include <cmath>

namespace troika {
namespace {

/// Evidence fades by e in so many steps, but never below so many trials: what was long refused is
/// not forgotten, only doubted.
constexpr double kMemorySteps = 64;
constexpr double kTriedKept = 6;

/// What counts beside the evidence, in trials: a first draft is accepted as often as good heads
/// manage on ordinary text, a further one a little less often than the one before.
constexpr double kPriorTrials = 2;
constexpr double kPriorFirst = 0.75;
constexpr double kPriorNext = 0.95;
/// The prior itself weighs less the more was seen: half at so many trials.
constexpr double kPriorFade = 4;
/// Trials, all accepted, that a hope adds to the evidence.
constexpr double kHopeTrials = 3;

/// Drafts must promise this much more speed than none, and a probe this much more than the best:
/// less is noise.
constexpr double kDraftGain = 1.02;
constexpr double kProbeGain = 1.02;

/// The share of a text's time that probes may lose, and how much of it may be saved up, in steps.
constexpr double kProbeShare = 0.006;
constexpr double kAllowanceMax = 8;
constexpr int64_t kIntervalMin = 1;
constexpr int64_t kIntervalMax = 64;

double fade(double steps, double tried) {
  const double kept = std::exp(-steps / kMemorySteps);
  return tried > kTriedKept ? std::max(kept, kTriedKept / tried) : 1;
}

/// Tokens and times of one depth, with all that else is in the step.
struct Outlook {
  double tokens = 0;
  double hoped_tokens = 0;
  CostEstimate cost;
  double speed() const { return tokens / cost.ms; }
  double hoped_speed() const { return hoped_tokens / cost.low_ms; }
};

using Outlooks = std::array<Outlook, kDraftTokensMax + 1>;

CostEstimate cost_of(const DepthInput& input, int64_t depth) {
  StepPlan plan = input.others;
  plan.add(depth, input.catch_up);
  return input.costs->estimate(plan);
}

/// `hoped` is the draft about which more is hoped than expected.
void look(const DepthInput& input, int64_t depth_max, int64_t hoped, Outlooks& outlooks) {
  double kept = 1;
  double hoped_kept = 1;
  double tokens = input.others_tokens + 1;
  double hoped_tokens = tokens;
  for (int64_t depth = 0; depth <= depth_max; depth++) {
    if (depth > 0) {
      const double acceptance = input.state->acceptance(depth - 1);
      kept *= acceptance;
      hoped_kept *= depth - 1 == hoped ? input.state->acceptance_high(depth - 1) : acceptance;
      tokens += kept;
      hoped_tokens += hoped_kept;
    }
    outlooks[static_cast<size_t>(depth)] = {tokens, hoped_tokens, cost_of(input, depth)};
  }
}

DepthChoice choose_by_speed(const DepthInput& input, int64_t depth_max) {
  Outlooks outlooks{};
  look(input, depth_max, -1, outlooks);
  const auto at = [&outlooks](int64_t depth) -> const Outlook& {
    return outlooks[static_cast<size_t>(depth)];
  };
  int64_t best = 0;
  for (int64_t depth = 1; depth <= depth_max; depth++)
    if (at(depth).speed() > at(best).speed() * (best == 0 ? kDraftGain : 1)) best = depth;
  DepthChoice choice{.depth = best,
                     .best = best,
                     .tokens = at(best).tokens - input.others_tokens,
                     .best_ms_a_token = 1 / at(best).speed(),
                     .off_ms = at(0).cost.ms,
                     .others_tokens = input.others_tokens};

  look(input, depth_max, best, outlooks);
  int64_t hope = best;
  double speed_wanted = at(best).speed() * kProbeGain;
  for (int64_t depth = 0; depth <= depth_max; depth++) {
    const double loss = at(depth).cost.ms - at(depth).tokens * choice.best_ms_a_token;
    if (depth == best || at(depth).hoped_speed() <= speed_wanted) continue;
    if (!input.state->may_probe(loss / choice.off_ms)) continue;
    hope = depth;
    speed_wanted = at(depth).hoped_speed();
  }
  if (hope == best) return choice;
  choice.depth = hope;
  choice.probe = true;
  choice.tokens = at(hope).tokens - input.others_tokens;
  return choice;
}

}  // namespace

double DepthState::acceptance(int64_t index) const {
  double expected = kPriorFirst;
  for (int64_t i = 0;; i++) {
    const Evidence& seen = at_[static_cast<size_t>(i)];
    const double prior = kPriorTrials / (1 + seen.tried / kPriorFade);
    expected = (seen.accepted + prior * expected) / (seen.tried + prior);
    if (i == index) return expected;
    expected *= kPriorNext;
  }
}

double DepthState::acceptance_high(int64_t index) const {
  const Evidence& seen = at_[static_cast<size_t>(index)];
  const double faded = std::exp(-static_cast<double>(step_ - seen.step) / kMemorySteps);
  return (seen.accepted * faded + kHopeTrials) / (seen.tried * faded + kHopeTrials);
}

void DepthState::observe(const DepthChoice& choice, int64_t proposed, int64_t accepted,
                         double step_ms) {
  step_++;
  const int64_t judged = std::min(proposed, accepted + 1);
  for (int64_t i = 0; i < judged; i++) {
    Evidence& seen = at_[static_cast<size_t>(i)];
    const double kept = fade(static_cast<double>(step_ - seen.step), seen.tried);
    seen.tried = seen.tried * kept + 1;
    seen.accepted = seen.accepted * kept + (i < accepted ? 1 : 0);
    seen.step = step_;
  }
  wait_--;
  if (choice.off_ms <= 0) return;
  allowance_ += kProbeShare * step_ms / choice.off_ms;
  if (choice.probe) {
    const double tokens = choice.others_tokens + 1 + static_cast<double>(accepted);
    allowance_ -= (step_ms - tokens * choice.best_ms_a_token) / choice.off_ms;
    const bool all = proposed > 0 && accepted == proposed;
    interval_ = all ? kIntervalMin : std::min(2 * interval_, kIntervalMax);
    wait_ = interval_;
  }
  allowance_ = std::min(allowance_, kAllowanceMax);
}

DepthChoice choose_depth(const DepthInput& input) {
  const int64_t depth_max = std::clamp<int64_t>(input.room, 0, input.options.depth_max);
  if (input.options.type == SpecType::none) return {};
  if (input.options.type == SpecType::mtp) return {.depth = depth_max, .best = depth_max};
  // What a step costs without drafts is measured first: everything is compared with it.
  if (depth_max == 0 || !input.costs->known()) return {};
  return choose_by_speed(input, depth_max);
}

}  // namespace troika
