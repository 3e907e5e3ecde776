// Files that are read whole.
#pragma once

#include <cstdint>
#include <string>

#include "core/result.h"

namespace troika {

/// No text is longer; a larger file was named by mistake.
inline constexpr int64_t kTextBytesMax = int64_t{256} << 20;

/// All bytes of the file at `path` (a pipe will do).
/// Errors: not_found — it cannot be opened or read; exhausted — more than kTextBytesMax.
Result<std::string> read_text_file(const std::string& path);

}  // namespace troika
