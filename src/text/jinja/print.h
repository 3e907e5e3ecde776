// Values as text: what {{ x }} prints, and how Python shows values inside of lists and dicts.
#pragma once

#include <string>

#include "core/result.h"
#include "text/jinja/runtime.h"
#include "text/jinja/value.h"

namespace troika::jinja {

/// Appends what str(value) gives in Python; nothing for what is undefined. Errors: exhausted.
Status append_text(Runtime& runtime, const Value& value, std::string& text);

/// str(value) as a value; a string is passed on without a copy. Errors: exhausted.
Result<Value> to_text(Runtime& runtime, const Value& value);

/// Appends repr(value): strings in quotes. Errors: exhausted.
Status append_repr(Runtime& runtime, const Value& value, std::string& text);

/// The shortest text that reads back as `value`, as Python prints floats: "1.0", "1e-05", "inf".
std::string real_text(double value);

}  // namespace troika::jinja
