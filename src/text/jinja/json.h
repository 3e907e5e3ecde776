// JSON into values, and values into JSON as transformers' tojson writes it: keys in their order,
// nothing escaped for HTML, numbers of the class they came in.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"
#include "text/jinja/runtime.h"
#include "text/jinja/value.h"

namespace troika::jinja {

/// How tojson() writes.
struct JsonStyle {
  std::optional<int64_t> indent;  // spaces for each level; nothing: all on one line
  bool ascii = false;             // other characters as \uXXXX
  bool sorted = false;            // keys by their text
  std::string item_separator = ", ";
  std::string key_separator = ": ";
};

/// `json` as a value. Errors: exhausted — deeper than kVariablesDepthMax, or too large.
Result<Value> from_json(Runtime& runtime, const nlohmann::ordered_json& json);

/// The value that `text` is the JSON of. Errors: unsupported — it is none; exhausted.
Result<Value> parse_json(Runtime& runtime, std::string_view text);

/// The bytes that `json` holds, roughly: texts, keys, and some for everything else. Not deeper than
/// kVariablesDepthMax.
int64_t json_bytes(const nlohmann::ordered_json& json, int32_t depth = 0);

/// `value` as JSON. Errors: unsupported — it holds what is undefined or no data; exhausted.
Result<Value> to_json(Runtime& runtime, const Value& value, const JsonStyle& style);

}  // namespace troika::jinja
