// Unicode's normal form C, for vocabularies that were trained behind it.
#pragma once

#include <string>
#include <string_view>

namespace troika::text {

/// `text` in normal form C; text that is not valid UTF-8 comes back as it is. Source: Unicode
/// Standard Annex 15.
std::string compose(std::string_view text);

}  // namespace troika::text
