// Files that commands read whole: prompts as text and as token ids.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/ids.h"
#include "core/result.h"

namespace troika::cli {

/// No prompt is longer; a larger file was named by mistake.
inline constexpr int64_t kTextBytesMax = int64_t{256} << 20;

/// All bytes of the file at `path` (a pipe will do).
/// Errors: not_found — it cannot be opened or read; exhausted — more than kTextBytesMax.
Result<std::string> read_text_file(const std::string& path);

/// Ids in decimal, separated by white space. `name` opens messages.
/// Errors: invalid_argument — something else, with its place; no ids at all.
Result<std::vector<TokenId>> parse_token_ids(std::string_view text, std::string_view name);

/// parse_token_ids() of the file at `path`.
Result<std::vector<TokenId>> read_token_file(const std::string& path);

}  // namespace troika::cli
