#include "text/byte_alphabet.h"

#include "text/utf8.h"

namespace troika::text {
namespace {

constexpr uint32_t kCodePoints = 0x144;  // the alphabet ends before this one

constexpr bool stands_for_itself(int byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

constexpr std::array<uint16_t, 256> make_alphabet() {
  std::array<uint16_t, 256> alphabet{};
  uint16_t next = 0x100;
  for (int byte = 0; byte < 256; ++byte)
    alphabet[byte] = stands_for_itself(byte) ? static_cast<uint16_t>(byte) : next++;
  return alphabet;
}
constexpr std::array<uint16_t, 256> kAlphabet = make_alphabet();

constexpr std::array<int16_t, kCodePoints> make_inverse() {
  std::array<int16_t, kCodePoints> inverse{};
  for (int16_t& byte : inverse) byte = -1;
  for (int byte = 0; byte < 256; ++byte) inverse[kAlphabet[byte]] = static_cast<int16_t>(byte);
  return inverse;
}
constexpr std::array<int16_t, kCodePoints> kInverse = make_inverse();

}  // namespace

const std::array<uint16_t, 256>& byte_alphabet() {
  return kAlphabet;
}

std::string to_alphabet(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const char byte : bytes) append_utf8(text, kAlphabet[static_cast<unsigned char>(byte)]);
  return text;
}

std::string from_alphabet(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  while (!text.empty()) {
    uint32_t code_point = 0;
    const int length = read_utf8(text, code_point);
    const bool known = length > 0 && code_point < kCodePoints && kInverse[code_point] >= 0;
    if (known)
      bytes.push_back(static_cast<char>(kInverse[code_point]));
    else
      bytes.append(text.substr(0, length == 0 ? 1 : length));
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return bytes;
}

}  // namespace troika::text
