// The arguments of a call, by position and by name.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.h"
#include "text/jinja/runtime.h"
#include "text/jinja/value.h"

namespace troika::jinja {

struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string_view, Value>> named;  // names borrow from the template

  /// The argument `name`, which is the one at `position` (negative: only by name); null if it was
  /// not given.
  const Value* find(int position, std::string_view name) const;

  /// Whether it counts as true; `fallback` where it was not given.
  bool truth(int position, std::string_view name, bool fallback) const;

  /// An integer. Errors: unsupported — given as something else.
  Result<int64_t> integer(const Runtime& runtime, int position, std::string_view name,
                          int64_t fallback) const;

  /// A string that lives as long as the arguments. Errors: unsupported — given as something else.
  Result<std::string_view> text(const Runtime& runtime, int position, std::string_view name,
                                std::string_view fallback) const;

  /// Errors: unsupported — fewer than `least` or more than `most` by position.
  Status check_count(const Runtime& runtime, std::string_view callee, int least, int most) const;
};

}  // namespace troika::jinja
