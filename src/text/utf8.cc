#include "text/utf8.h"

#include <cstring>

namespace troika::text {

void append_utf8(std::string& text, uint32_t code_point) {
  const auto put = [&](uint32_t byte) { text.push_back(static_cast<char>(byte)); };
  if (code_point < 0x80) {
    put(code_point);
  } else if (code_point < 0x800) {
    put(0xC0 | (code_point >> 6));
    put(0x80 | (code_point & 0x3F));
  } else if (code_point < 0x10000) {
    put(0xE0 | (code_point >> 12));
    put(0x80 | ((code_point >> 6) & 0x3F));
    put(0x80 | (code_point & 0x3F));
  } else {
    put(0xF0 | (code_point >> 18));
    put(0x80 | ((code_point >> 12) & 0x3F));
    put(0x80 | ((code_point >> 6) & 0x3F));
    put(0x80 | (code_point & 0x3F));
  }
}

int read_utf8(std::string_view bytes, uint32_t& code_point) {
  const auto lead = static_cast<unsigned char>(bytes[0]);
  if (lead < 0x80) {
    code_point = lead;
    return 1;
  }
  if (lead < 0xC0 || lead >= 0xF8) return 0;
  const int length = utf8_length(lead);
  if (bytes.size() < static_cast<size_t>(length)) return 0;
  code_point = lead & (0xFFu >> (length + 1));
  for (int i = 1; i < length; ++i) {
    const auto next = static_cast<unsigned char>(bytes[i]);
    if ((next & 0xC0) != 0x80) return 0;
    code_point = (code_point << 6) | (next & 0x3Fu);
  }
  return code_point > 0x10FFFF ? 0 : length;
}

std::string repair_utf8(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  while (!bytes.empty()) {
    uint32_t code_point = 0;
    const int length = read_utf8(bytes, code_point);
    if (length == 0)
      text += kReplacement;
    else
      append_utf8(text, code_point);
    bytes.remove_prefix(length == 0 ? 1 : length);
  }
  return text;
}

bool is_ascii(std::string_view bytes) {
  constexpr uint64_t kHighBits = 0x8080808080808080;
  while (bytes.size() >= 8) {
    uint64_t eight = 0;
    std::memcpy(&eight, bytes.data(), 8);
    if (eight & kHighBits) return false;
    bytes.remove_prefix(8);
  }
  for (const char byte : bytes)
    if (static_cast<unsigned char>(byte) >= 0x80) return false;
  return true;
}

}  // namespace troika::text
