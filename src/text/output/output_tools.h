// The tools that were offered, as far as reading calls needs them: which names there are, and which
// parameters are text. Formats like XML do not say whether 8000 is a number or a string; the
// tool's schema does.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace troika {

/// What a parameter's schema lets its value be.
enum class ParameterKind : uint8_t {
  text,   // strings alone: the text as it stands
  other,  // JSON where it parses, else the text as a string
};

struct OutputParameter {
  std::string name;
  ParameterKind kind;
};

struct OutputTool {
  std::string name;
  std::vector<OutputParameter> parameters;

  /// The kind of parameter `name`; `other` where the schema does not have it.
  ParameterKind kind_of(std::string_view parameter) const;
};

inline constexpr int64_t kOutputToolsMax = 1024;

/// Reads the `tools` of a request: a JSON list of {"type": "function", "function": {"name",
/// "parameters"}}; bare functions are taken too. References within a schema (#/$defs/X) are
/// followed a few levels deep.
/// Errors: invalid_argument — no JSON list, an entry without a name, too many.
Result<std::vector<OutputTool>> read_output_tools(std::string_view json);

}  // namespace troika
