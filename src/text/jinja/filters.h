// value|name(arguments): Jinja's filters, as far as templates of models use them, and tojson.
#pragma once

#include <string_view>

#include "core/result.h"
#include "text/jinja/arguments.h"
#include "text/jinja/runtime.h"
#include "text/jinja/value.h"

namespace troika::jinja {

/// Applies the filter `name`. Errors: unsupported — no filter of that name, or a value or argument
/// that it does not take; exhausted.
Result<Value> apply_filter(Runtime& runtime, std::string_view name, const Value& value,
                           const Arguments& arguments);

/// Whether there is a filter `name`.
bool has_filter(std::string_view name);

// One table each. Internal to filters*.cc.
using FilterFunction = Result<Value> (*)(Runtime& runtime, const Value& value,
                                         const Arguments& arguments);
FilterFunction find_text_filter(std::string_view name);
FilterFunction find_list_filter(std::string_view name);
FilterFunction find_choice_filter(std::string_view name);

}  // namespace troika::jinja
