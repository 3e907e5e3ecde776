// Text with values put into it: "%s is %d" % …, "{} is {}".format(…), strftime_now("%d %b").
#pragma once

#include <ctime>
#include <string>
#include <string_view>

#include "core/result.h"
#include "text/jinja/arguments.h"
#include "text/jinja/runtime.h"
#include "text/jinja/value.h"

namespace troika::jinja {

/// Python's format % values: %s %r %d %i %u %x %o %e %f %g with flags, width and precision;
/// `values` is a tuple of them, a dict for %(name)s, or the only one. Errors: unsupported —
/// another conversion, too few or too many values; exhausted.
Result<Value> formatted_percent(Runtime& runtime, std::string_view format, const Value& values);

/// Python's format.format(…): {}, {0} and {name}, without format specifications. Errors:
/// unsupported — anything else in braces, no such argument; exhausted.
Result<Value> formatted_braces(Runtime& runtime, std::string_view format,
                               const Arguments& arguments);

/// `time` written by the conversions of strftime that need neither locale nor zone; other text, and
/// conversions not known, as they are.
std::string formatted_time(std::string_view format, const std::tm& time);

}  // namespace troika::jinja
