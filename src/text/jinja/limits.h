// What a template may use up. A template comes with a file that nobody vouches for, so everything
// that it can multiply is counted: a render beyond a limit ends with an error, never with the
// process.
#pragma once

#include <cstdint>

namespace troika::jinja {

/// Limits of one render. The defaults leave a conversation of some million characters ample room.
struct Limits {
  int64_t steps = 5'000'000;            // expressions, statements and rounds of loops
  int64_t output_bytes = 64 << 20;      // of the rendered text
  int64_t value_bytes = 32 << 20;       // of one string
  int64_t memory_bytes = 256ll << 20;   // of all strings and lists ever made
  int64_t memory_bytes_per_input = 64;  // and so much for each byte of the variables that are read
  int32_t depth = 600;                  // nested expressions, blocks and macro calls
};

/// Longest range() and deepest nesting of a source or of variables, for all templates.
inline constexpr int64_t kRangeMax = 100'000;
inline constexpr int32_t kSourceDepthMax = 100;
inline constexpr int32_t kVariablesDepthMax = 100;
inline constexpr int64_t kSourceBytesMax = 4 << 20;

}  // namespace troika::jinja
