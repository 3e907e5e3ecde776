// The byte alphabet of byte-level BPE: each of the 256 bytes as one printable code point, so that
// vocabularies are text. Bytes 0x21–0x7E, 0xA1–0xAC and 0xAE–0xFF stand for themselves; the other
// 68, ascending, are U+0100 … U+0143. Source: the GPT-2 encoder (bytes_to_unicode).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace troika::text {

/// The code point that stands for each byte.
const std::array<uint16_t, 256>& byte_alphabet();

/// `bytes` written in the alphabet, as UTF-8.
std::string to_alphabet(std::string_view bytes);

/// The bytes that `text` stands for; code points outside the alphabet, and broken UTF-8, stay as
/// they are.
std::string from_alphabet(std::string_view text);

}  // namespace troika::text
