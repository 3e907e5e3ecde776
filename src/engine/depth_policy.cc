#include "engine/depth_policy.h"

#include <algorithm>
#include <cmath>

namespace troika {
namespace {

/// Evidence fades by e in so many steps, but never below so many trials: what was long refused is
/// not forgotten, only doubted.
constexpr double kMemorySteps = 64;
constexpr double kTriedKept = 6;

/// What counts beside the evidence, in trials: a first draft of a head is accepted as often as good
/// ones manage on ordinary text, one of an n-gram the oftener the longer its match is; a further
/// one a little less often than the one before.
constexpr double kPriorTrials = 2;
constexpr std::array<double, kDraftSources> kPriorFirst = {0.75, 0.75, 0.3, 0.55, 0.8};
constexpr double kPriorNext = 0.95;
/// The prior itself weighs less the more was seen: half at so many trials.
constexpr double kPriorFade = 4;
/// Trials, all accepted, that a hope adds to the evidence.
constexpr double kHopeTrials = 3;

/// The share of a text's time that probes may lose, and how much of it may be saved up, in steps.
constexpr double kProbeShare = 0.006;
constexpr double kAllowanceMax = 8;
constexpr int64_t kIntervalMin = 1;
constexpr int64_t kIntervalMax = 64;

double fade(double steps, double tried) {
  const double kept = std::exp(-steps / kMemorySteps);
  return tried > kTriedKept ? std::max(kept, kTriedKept / tried) : 1;
}

}  // namespace

DepthState::DepthState() {
  for (int i = 0; i < kDraftSources; i++) expect(static_cast<DraftSource>(i));
}

void DepthState::expect(DraftSource source) {
  Source& s = sources_[static_cast<size_t>(source)];
  double expected = kPriorFirst[static_cast<size_t>(source)];
  for (size_t i = 0; i < s.at.size(); i++) {
    const Evidence& seen = s.at[i];
    const double prior = kPriorTrials / (1 + seen.tried / kPriorFade);
    expected = (seen.accepted + prior * expected) / (seen.tried + prior);
    s.acceptance[i] = expected;
    expected *= kPriorNext;
  }
}

double DepthState::acceptance(int64_t index, DraftSource source) const {
  return of(source).acceptance[static_cast<size_t>(index)];
}

double DepthState::acceptance_high(int64_t index, DraftSource source) const {
  const Evidence& seen = of(source).at[static_cast<size_t>(index)];
  const double faded = std::exp(-static_cast<double>(step_ - seen.step) / kMemorySteps);
  return (seen.accepted * faded + kHopeTrials) / (seen.tried * faded + kHopeTrials);
}

void DepthState::observe(const DepthChoice& choice, int64_t proposed, int64_t accepted,
                         double step_ms) {
  step_++;
  const int64_t judged = std::min(proposed, accepted + 1);
  for (int64_t i = 0; i < judged; i++) {
    Evidence& seen = sources_[static_cast<size_t>(choice.source)].at[static_cast<size_t>(i)];
    const double kept = fade(static_cast<double>(step_ - seen.step), seen.tried);
    seen.tried = seen.tried * kept + 1;
    seen.accepted = seen.accepted * kept + (i < accepted ? 1 : 0);
    seen.step = step_;
  }
  if (judged > 0) expect(choice.source);
  wait_--;
  if (choice.off_ms <= 0) return;
  allowance_ += kProbeShare * step_ms / choice.off_ms;
  if (choice.probe) {
    const double tokens = choice.others_tokens + 1 + static_cast<double>(accepted);
    const double loss = (step_ms - tokens * choice.best_ms_a_token) / choice.off_ms;
    allowance_ -= loss * static_cast<double>(choice.sharers);
    const bool all = proposed > 0 && accepted == proposed;
    interval_ = all ? kIntervalMin : std::min(2 * interval_, kIntervalMax);
    wait_ = interval_;
  }
  allowance_ = std::min(allowance_, kAllowanceMax);
}

}  // namespace troika
