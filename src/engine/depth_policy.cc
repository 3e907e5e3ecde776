#include "engine/depth_policy.h"

#include <algorithm>

namespace troika {
namespace {

/// A draft is worth its place in a pass if it is more likely kept than this. A pass of few rows
/// costs little more than one of a single row where memory is the limit.
constexpr double kKeptMin = 0.4;

/// Proposals that a depth counts as having seen, all accepted but one, before it has seen any:
/// drafting starts bold and a few refusals turn it down.
constexpr double kPriorProposed = 4;
constexpr double kPriorAccepted = 3;

/// Even where drafts look hopeless, one step in this many tries one, so that better text is
/// noticed.
constexpr int64_t kProbeEvery = 32;

}  // namespace

int64_t choose_depth(const DepthInput& input) {
  const int64_t depth_max = std::clamp<int64_t>(input.room, 0, input.options.depth_max);
  if (input.options.type == SpecType::none) return 0;
  if (input.options.type == SpecType::mtp) return depth_max;
  const DraftStatistics& drafts = *input.drafts;
  double kept = 1;  // probability that all drafts so far are accepted
  int64_t depth = 0;
  while (depth < depth_max) {
    const auto at = static_cast<size_t>(depth);
    // Conditional acceptance: a draft counts as proposed at a depth only if those before it were
    // accepted.
    const double reached = at == 0 ? static_cast<double>(drafts.proposed_at[0])
                                   : static_cast<double>(drafts.accepted_at[at - 1]);
    const double seen = std::min(reached, static_cast<double>(drafts.proposed_at[at]));
    kept *=
        (static_cast<double>(drafts.accepted_at[at]) + kPriorAccepted) / (seen + kPriorProposed);
    if (kept < kKeptMin) break;
    depth++;
  }
  if (depth == 0 && depth_max > 0 && drafts.steps % kProbeEvery == 0) return 1;
  return depth;
}

}  // namespace troika
