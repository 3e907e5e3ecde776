// Formats of strings that JSON schemas name, as patterns (text/grammar/regex.h).
#pragma once

#include <string>
#include <string_view>

namespace troika::grammar {

/// The pattern of a format; empty where it is not known. What it matches is valid by the format;
/// rare spellings that would be valid too may be missing.
std::string_view pattern_of_format(std::string_view format);

/// All formats that are known, for messages.
std::string format_names();

}  // namespace troika::grammar
