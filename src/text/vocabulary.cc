#include "text/vocabulary.h"

#include <charconv>

#include "core/printable.h"
#include "text/byte_alphabet.h"
#include "text/utf8.h"

namespace troika::text {
namespace {

std::string with_spaces(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  while (!text.empty()) {
    if (text.starts_with(kSpaceMark)) {
      bytes.push_back(' ');
      text.remove_prefix(kSpaceMark.size());
    } else {
      bytes.push_back(text.front());
      text.remove_prefix(1);
    }
  }
  return bytes;
}

// The byte of "<0x1F>"; nothing for any other text.
std::optional<char> byte_of(std::string_view text) {
  if (text.size() != 6 || !text.starts_with("<0x") || text.back() != '>') return std::nullopt;
  unsigned byte = 0;
  const char* end = text.data() + 5;
  if (std::from_chars(text.data() + 3, end, byte, 16).ptr != end) return std::nullopt;
  return static_cast<char>(byte);
}

}  // namespace

Result<Vocabulary> Vocabulary::make(const TokenizerSpec& spec, Spelling spelling,
                                    std::vector<std::string>& warnings) {
  Vocabulary vocabulary;
  TROIKA_RETURN_IF_ERROR(vocabulary.copy_texts(spec));
  TROIKA_RETURN_IF_ERROR(vocabulary.copy_types(spec));
  vocabulary.written_types_ = vocabulary.types_;
  vocabulary.assign_roles(spec.special, warnings);
  vocabulary.find_end_of_generation();
  TROIKA_RETURN_IF_ERROR(vocabulary.spell_bytes(spelling));
  return vocabulary;
}

Status Vocabulary::copy_texts(const TokenizerSpec& spec) {
  const size_t count = spec.tokens.size();
  if (count == 0 || count > kTokensMax)
    return fail(ErrorCode::corrupt, "tokenizer.ggml.tokens: {} tokens, want 1 to {}", count,
                kTokensMax);
  std::vector<size_t> ends(count);
  for (size_t id = 0; id < count; ++id) {
    const std::string_view text = spec.tokens[id];
    if (text.size() > kTokenBytesMax)
      return fail(ErrorCode::corrupt,
                  "tokenizer.ggml.tokens: token {} has {} bytes, want at most {}", id, text.size(),
                  kTokenBytesMax);
    const std::string stand_in = text.empty() ? fmt::format("[EMPTY_{}]", id) : std::string();
    const std::string_view kept = text.empty() ? stand_in : text;
    text_arena_.insert(text_arena_.end(), kept.begin(), kept.end());
    ends[id] = text_arena_.size();
  }
  texts_.resize(count);
  by_text_.reserve(count);
  for (size_t id = 0; id < count; ++id) {
    const size_t begin = id == 0 ? 0 : ends[id - 1];
    texts_[id] = {text_arena_.data() + begin, ends[id] - begin};
    const int32_t first = by_text_.add(texts_[id], static_cast<int32_t>(id));
    if (first != static_cast<int32_t>(id))
      return fail(ErrorCode::corrupt,
                  "tokenizer.ggml.tokens: tokens {} and {} are both \"{}\", want each text once",
                  first, id, printable(texts_[id]));
  }
  return ok();
}

Status Vocabulary::copy_types(const TokenizerSpec& spec) {
  types_.assign(texts_.size(), TokenType::normal);
  if (spec.types.empty()) return ok();
  if (spec.types.size() != texts_.size())
    return fail(ErrorCode::corrupt, "tokenizer.ggml.token_type: {} types for {} tokens",
                spec.types.size(), texts_.size());
  for (size_t id = 0; id < texts_.size(); ++id) {
    if (spec.types[id] < 0 || spec.types[id] > static_cast<int32_t>(TokenType::byte))
      return fail(ErrorCode::corrupt,
                  "tokenizer.ggml.token_type: token {} has type {}, want 0 to 6", id,
                  spec.types[id]);
    types_[id] = static_cast<TokenType>(spec.types[id]);
  }
  return ok();
}

Status Vocabulary::spell_bytes(Spelling spelling) {
  std::vector<size_t> ends(texts_.size());
  for (size_t id = 0; id < texts_.size(); ++id) {
    const std::string_view text = texts_[id];
    std::string bytes;
    if (types_[id] == TokenType::byte) {
      const std::optional<char> byte = byte_of(text);
      if (!byte)
        return fail(
            ErrorCode::corrupt,
            "tokenizer.ggml.tokens: token {} has type byte but is \"{}\", want <0x00> to <0xFF>",
            id, printable(text));
      bytes.push_back(*byte);
    } else if (types_[id] == TokenType::normal) {
      bytes = spelling == Spelling::byte_alphabet ? from_alphabet(text) : with_spaces(text);
    } else if (is_special(types_[id])) {
      bytes = text;
    }
    bytes_arena_.insert(bytes_arena_.end(), bytes.begin(), bytes.end());
    ends[id] = bytes_arena_.size();
  }
  bytes_.resize(texts_.size());
  for (size_t id = 0; id < texts_.size(); ++id) {
    const size_t begin = id == 0 ? 0 : ends[id - 1];
    bytes_[id] = {bytes_arena_.data() + begin, ends[id] - begin};
  }
  return ok();
}

}  // namespace troika::text
