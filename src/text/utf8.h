// UTF-8 as tokenizers see it: forgiving where models were trained on forgiving decoders, strict
// towards readers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace troika::text {

inline constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD
inline constexpr std::string_view kSpaceMark =
    "\xE2\x96\x81";  // U+2581, the space of SentencePiece

/// Appends the UTF-8 of `code_point` (at most U+10FFFF) to `text`.
void append_utf8(std::string& text, uint32_t code_point);

/// Bytes of the character that `lead` begins, judged by its high bits alone: 1 … 4,
/// continuations 1.
inline int utf8_length(unsigned char lead) {
  constexpr int8_t kByNibble[16] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 3, 4};
  return kByNibble[lead >> 4];
}

/// Reads the structurally sound sequence at the front of `bytes` (not empty): lead byte and as many
/// continuations as it asks for; overlong forms and surrogates pass. Returns its length and sets
/// `code_point`, or 0 if there is none.
int read_utf8(std::string_view bytes, uint32_t& code_point);

/// `bytes` with every byte that begins no sound sequence (see read_utf8()) replaced by U+FFFD and
/// overlong forms written short. Surrogates stay as their three bytes.
std::string repair_utf8(std::string_view bytes);

/// Whether all bytes are below 0x80.
bool is_ascii(std::string_view bytes);

}  // namespace troika::text
