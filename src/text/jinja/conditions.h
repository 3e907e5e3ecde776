// value is name(arguments): Jinja's tests.
#pragma once

#include <string_view>

#include "core/result.h"
#include "text/jinja/arguments.h"
#include "text/jinja/runtime.h"
#include "text/jinja/value.h"

namespace troika::jinja {

/// Whether `value is name(arguments)`. Errors: unsupported — no test of that name, or a value or
/// argument that it does not take; exhausted.
Result<bool> check_condition(Runtime& runtime, std::string_view name, const Value& value,
                             const Arguments& arguments);

}  // namespace troika::jinja
