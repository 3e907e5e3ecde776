// Files of token ids.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/ids.h"
#include "core/result.h"

namespace troika::cli {

/// Ids in decimal, separated by white space. `name` opens messages.
/// Errors: invalid_argument — something else, with its place; no ids at all.
Result<std::vector<TokenId>> parse_token_ids(std::string_view text, std::string_view name);

/// parse_token_ids() of the file at `path`.
Result<std::vector<TokenId>> read_token_file(const std::string& path);

}  // namespace troika::cli
