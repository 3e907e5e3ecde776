// Escapes of string literals, as Python resolves them.
#pragma once

#include <string>
#include <string_view>

namespace troika::jinja {

/// `literal` (without its quotes) with its escapes resolved. What is no escape stays as it is,
/// backslash and all. Source: Python language reference, "Escape sequences".
std::string unescaped(std::string_view literal);

}  // namespace troika::jinja
