#include "text/detokenizer.h"

#include "text/utf8.h"

namespace troika {
namespace {

// How many bytes a character beginning with `lead` has in valid UTF-8; 0 where no character begins
// so.
int valid_length(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead < 0xC2 || lead > 0xF4) return 0;
  return text::utf8_length(lead);
}

// Whether `byte` may be the second byte after `lead`: shuts out overlong forms, surrogates and what
// is past U+10FFFF.
bool valid_second(unsigned char lead, unsigned char byte) {
  const unsigned char low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const unsigned char high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  return byte >= low && byte <= high;
}

}  // namespace

void Utf8Stream::push(std::string_view bytes, std::string& text) {
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (held_ > 0) {
      const auto lead = static_cast<unsigned char>(bytes_[0]);
      const bool continues = held_ == 1 ? valid_second(lead, byte) : (byte & 0xC0) == 0x80;
      if (continues) {
        bytes_[held_++] = c;
        if (held_ < valid_length(lead)) continue;
        text.append(bytes_.data(), held_);
        held_ = 0;
        continue;
      }
      flush(text);
    }
    switch (valid_length(byte)) {
      case 0:
        text += text::kReplacement;
        break;
      case 1:
        text.push_back(c);
        break;
      default:
        bytes_[held_++] = c;
    }
  }
}

void Utf8Stream::flush(std::string& text) {
  if (held_ > 0) text += text::kReplacement;
  held_ = 0;
}

std::string Detokenizer::push(TokenId id) {
  std::string text;
  stream_.push(tokenizer_->piece(id, show_special_), text);
  return text;
}

std::string Detokenizer::flush() {
  std::string text;
  stream_.flush(text);
  return text;
}

}  // namespace troika
