// Strings that went through |safe. Jinja escapes what is added to them for HTML, and templates of
// models show it in their prompts, so it has to be done here, too.
#pragma once

#include <string>
#include <string_view>

#include "text/jinja/value.h"

namespace troika::jinja {

/// A Text that is_markup(). The mark is its deleter: strings are shared, and hardly any has one, so
/// that no value carries a flag for it.
Text make_markup(std::string bytes);

bool is_markup(const Text& text);

/// `text` with & < > " ' as references to characters.
std::string escaped_markup(std::string_view text);

}  // namespace troika::jinja
