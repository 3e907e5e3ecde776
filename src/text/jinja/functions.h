// The functions that every template finds: range, namespace, dict, raise_exception, strftime_now.
#pragma once

#include <string_view>

#include "core/result.h"
#include "text/jinja/arguments.h"
#include "text/jinja/runtime.h"
#include "text/jinja/value.h"

namespace troika::jinja {

/// Whether there is a function `name`.
bool has_function(std::string_view name);

/// Calls the function `name`, which there is. Errors: invalid_argument — raise_exception, with the
/// template's message as it is; unsupported — arguments that it does not take; exhausted.
Result<Value> call_function(Runtime& runtime, std::string_view name, const Arguments& arguments);

}  // namespace troika::jinja
