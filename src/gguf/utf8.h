// Is it UTF-8?
#pragma once

#include <string_view>

namespace troika::gguf {

/// True if `text` is well-formed UTF-8 (Unicode standard, table 3-7): no overlong form, no
/// surrogate.
bool is_utf8(std::string_view text);

}  // namespace troika::gguf
