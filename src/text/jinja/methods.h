// The methods of strings, lists, dicts and loops, as Python has them.
#pragma once

#include <string_view>

#include "core/result.h"
#include "text/jinja/arguments.h"
#include "text/jinja/runtime.h"
#include "text/jinja/value.h"

namespace troika::jinja {

/// Whether values of that kind have a method `name`.
bool has_method(const Value& value, std::string_view name);

/// Calls method.self's method. Errors: unsupported — arguments that it does not take; exhausted.
Result<Value> call_method(Runtime& runtime, const Function& method, const Arguments& arguments);

/// `text` (a string) with the first argument replaced by the second, as str.replace(). Errors: as
/// call_method().
Result<Value> replace_text(Runtime& runtime, const Value& text, const Arguments& arguments);

// One table each, by kind. Internal to methods*.cc.
using Method = Result<Value> (*)(Runtime& runtime, const Value& self, const Arguments& arguments);
Method find_text_method(std::string_view name);
Method find_list_method(std::string_view name);
Method find_dict_method(std::string_view name);

}  // namespace troika::jinja
