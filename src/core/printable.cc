#include "core/printable.h"

#include <fmt/format.h>

namespace troika {

std::string printable(std::string_view text, size_t bytes_max) {
  std::string out;
  for (size_t i = 0; i < text.size(); i++) {
    if (i == bytes_max) return out + "...";
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x20 || byte >= 0x7f || byte == '\\' || byte == '"')
      out += fmt::format("\\x{:02x}", byte);
    else
      out += text[i];
  }
  return out;
}

}  // namespace troika
