#include "gguf/utf8.h"

#include <cstddef>
#include <cstdint>

namespace troika::gguf {
namespace {

// What may follow a first byte: how many bytes, and the range of the first of them (the others
// are 80..bf).
struct Follow {
  size_t count;
  uint8_t low;
  uint8_t high;
};

Follow follow_of(uint8_t first) {
  if (first >= 0xc2 && first <= 0xdf) return {1, 0x80, 0xbf};
  if (first == 0xe0) return {2, 0xa0, 0xbf};
  if (first == 0xed) return {2, 0x80, 0x9f};
  if (first >= 0xe1 && first <= 0xef) return {2, 0x80, 0xbf};
  if (first == 0xf0) return {3, 0x90, 0xbf};
  if (first >= 0xf1 && first <= 0xf3) return {3, 0x80, 0xbf};
  if (first == 0xf4) return {3, 0x80, 0x8f};
  return {0, 0, 0};
}

}  // namespace

bool is_utf8(std::string_view text) {
  for (size_t i = 0; i < text.size(); i++) {
    const auto first = static_cast<uint8_t>(text[i]);
    if (first < 0x80) continue;
    const Follow follow = follow_of(first);
    if (follow.count == 0 || follow.count > text.size() - i - 1) return false;
    for (size_t k = 1; k <= follow.count; k++) {
      const auto next = static_cast<uint8_t>(text[i + k]);
      if (next < (k == 1 ? follow.low : 0x80) || next > (k == 1 ? follow.high : 0xbf)) return false;
    }
    i += follow.count;
  }
  return true;
}

}  // namespace troika::gguf
