// How many tokens to draft for a sequence in the next step. A pure function of what was measured:
// no clock, no state.
#pragma once

#include <cstdint>

#include "engine/sequence.h"

namespace troika {

enum class SpecType : uint8_t {
  none,      // never draft
  mtp,       // draft exactly depth_max tokens a step (less at the end of a text)
  automatic  // as many as the acceptance so far makes worth while, up to depth_max; 0 included
};

struct SpeculationOptions {
  SpecType type = SpecType::automatic;
  int64_t depth_max = 3;  // 0 ... kDraftTokensMax
};

struct DepthInput {
  SpeculationOptions options;
  int64_t room = 0;  // drafts that could still be used: tokens left after the one that verification
                     // gives anyway
  const DraftStatistics* drafts = nullptr;  // of this sequence
};

/// The depth for the next step, 0 ... min(depth_max, room).
int64_t choose_depth(const DepthInput& input);

}  // namespace troika
