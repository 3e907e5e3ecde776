// How a sequence at work is set aside when its memory is wanted: forgotten and computed again, or
// written elsewhere and read back, whichever costs less.
#pragma once

#include <cstdint>

namespace troika {

enum class PreemptionKind : uint8_t {
  recompute,  // its pages are given up; it reads its tokens again when it is resumed
  spill       // its pages and states are saved, and restored when it is resumed
};

/// In the unit of TokenCosts.
struct PreemptionCosts {
  double recompute_token = 1;  // reading a token again
  double spill_page = 0;       // writing a page and reading it back
  double spill_fixed = 0;      // the same for what does not grow with the text: recurrent states
  bool can_spill = false;
};

/// The cheaper kind for a sequence of `tokens` computed tokens (less those that a prefix cache
/// would surely still hold) in `pages` pages; recompute where they cost the same.
inline PreemptionKind cheaper_preemption(int64_t tokens, int64_t pages,
                                         const PreemptionCosts& costs) {
  const double recompute = costs.recompute_token * static_cast<double>(tokens);
  const double spill = costs.spill_fixed + costs.spill_page * static_cast<double>(pages);
  return costs.can_spill && spill < recompute ? PreemptionKind::spill : PreemptionKind::recompute;
}

}  // namespace troika
