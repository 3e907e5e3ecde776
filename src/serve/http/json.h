// JSON as requests bring it and answers are written: the library's type, its exceptions kept here.
// Objects keep the order of their keys: templates print tools as they came.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "core/result.h"

namespace troika::serve {

using Json = nlohmann::ordered_json;

inline constexpr int kJsonDepthMax = 128;           // of objects and lists inside of each other
inline constexpr int64_t kJsonValuesMax = 5 << 20;  // of one text: each takes some 16 to 64 bytes
/// A key is looked for among those before it in its object. So many are compared at most: those of
/// one object of 16,000 keys, or of a million objects of 16.
inline constexpr int64_t kJsonKeyComparisonsMax = 1 << 27;

/// Reads one JSON text. Errors: invalid_argument — no JSON, with the byte where it stops being
/// some; deeper than these limits, of more values or of larger objects.
Result<Json> parse_json(std::string_view text);

/// One line of JSON. Bytes that are no UTF-8 become U+FFFD.
std::string to_text(const Json& json);

/// "a string", "a number", "null" ...: what a value is, for messages.
std::string_view kind_of(const Json& json);

}  // namespace troika::serve
