// What the program's exit status says. The one table from kinds of failure to numbers.
#pragma once

#include "core/result.h"

namespace troika::cli {

inline constexpr int kExitDone = 0;
inline constexpr int kExitFailed = 1;         // the work could not be done
inline constexpr int kExitUsage = 2;          // the command line makes no sense; nothing was tried
inline constexpr int kExitInterrupted = 130;  // by Ctrl-C: 128 + SIGINT, as shells count

/// The status for a command that ended with `status`.
int exit_code(const Status& status);

}  // namespace troika::cli
