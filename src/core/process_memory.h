// What of this process is in memory. Linux.
#pragma once

#include <cstdint>
#include <optional>

namespace troika {

/// The most bytes of this process that were in memory at one time (VmHWM), since its start or the
/// last reset; nothing where the system does not tell.
std::optional<int64_t> peak_resident_bytes();

/// Lets the peak begin anew at what is in memory now; nothing happens where the system refuses.
void reset_peak_resident_bytes();

}  // namespace troika
