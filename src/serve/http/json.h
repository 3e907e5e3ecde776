// JSON as requests bring it and answers are written: the library's type, its exceptions kept here.
// Objects keep the order of their keys: templates print tools as they came.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "core/result.h"

namespace troika::serve {

using Json = nlohmann::ordered_json;

inline constexpr int kJsonDepthMax = 128;  // of objects and lists inside of each other

/// Reads one JSON text. Errors: invalid_argument — no JSON, with the byte where it stops being
/// some; nested deeper than kJsonDepthMax.
Result<Json> parse_json(std::string_view text);

/// One line of JSON. Bytes that are no UTF-8 become U+FFFD.
std::string to_text(const Json& json);

/// "a string", "a number", "null" ...: what a value is, for messages.
std::string_view kind_of(const Json& json);

}  // namespace troika::serve
