// Regular expressions of JSON schemas (ECMA-262) as expressions over the characters of a JSON
// string: literals, classes, groups, |, * + ? {m,n} (lazy ones alike), ., \d \w \s and their
// opposites, escapes, ^ in front and $ behind. Without these two, anything may stand there.
#pragma once

#include <string>
#include <string_view>

#include "core/result.h"
#include "text/grammar/grammar.h"
#include "text/grammar/json_text.h"

namespace troika::grammar {

inline constexpr int64_t kPatternBytesMax = 4096;
inline constexpr int64_t kPatternRepetitionsMax = 2000;

/// @param notation  of the strings.
/// Errors: invalid_argument — what cannot be followed (look-around, references, anchors inside of
/// alternatives), what makes no sense, or what nothing matches.
Result<ExprId> add_pattern(Grammar& grammar, std::string_view pattern,
                           const JsonNotation& notation);

}  // namespace troika::grammar
