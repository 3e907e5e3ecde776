// What it costs members of a group to meet.
#pragma once

#include <cstdint>

#include "core/result.h"

namespace troika {

/// What an exchange of all members costs.
struct LinkSpeed {
  double latency_s = 0;
  double bytes_per_s = 0;  // that a member receives; 0: as many as it likes
};

/// Measures it of `members` threads of this process, by the transport of groups. One member: no
/// cost. Errors: exhausted — no threads.
Result<LinkSpeed> measure_link(int64_t members);

}  // namespace troika
