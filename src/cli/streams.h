// The standard streams: results go to stdout, everything else to stderr. A stdout that nobody reads
// is an error by value, never a signal.
#pragma once

#include <string_view>

#include "core/result.h"

namespace troika::cli {

/// Makes the three streams safe, once, before any file is opened: a closed one is put on the null
/// device (else the next file would get its number), and a reader that hangs up no longer kills the
/// process.
void prepare_streams();

/// Writes all of `text` to stdout, at once. Errors: exhausted — stdout is closed or full.
Status write_stdout(std::string_view text);

/// Writes `text` to stderr as it is; failure has nowhere to go.
void write_stderr(std::string_view text);

/// Prints "troika: <message>" as one line to stderr.
void print_error(std::string_view message);

}  // namespace troika::cli
