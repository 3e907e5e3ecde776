// The tokens of a model: text, type, the bytes each prints, and the roles some play. Checked once,
// then immutable.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "text/string_index.h"
#include "text/tokenizer.h"

namespace troika::text {

/// Longest text of one token; longer ones are no words of any language and make look-ups slow.
inline constexpr size_t kTokenBytesMax = 65536;
inline constexpr size_t kTokensMax = size_t{1} << 24;

/// How the text of a normal token spells its bytes.
enum class Spelling {
  byte_alphabet,  // one code point per byte (byte_alphabet.h)
  space_mark      // UTF-8 with U+2581 for the space
};

/// Which token plays which part; negative: none does.
struct Roles {
  int32_t bos = -1, eos = -1, eot = -1, eom = -1, unknown = -1, padding = -1;
  int32_t fim_prefix = -1, fim_suffix = -1, fim_middle = -1;
  int32_t fim_padding = -1, fim_repository = -1, fim_separator = -1;
};

class Vocabulary {
 public:
  /// Copies and checks the lists of `spec` and finds the roles; appends to `warnings` what was put
  /// right. Errors: corrupt — no tokens or too many, lists of unequal length, a type out of range,
  /// a token that is too long or occurs twice, a byte token that is not `<0xNN>`.
  static Result<Vocabulary> make(const TokenizerSpec& spec, Spelling spelling,
                                 std::vector<std::string>& warnings);

  int32_t size() const { return static_cast<int32_t>(types_.size()); }
  bool has(TokenId id) const { return static_cast<uint32_t>(id) < types_.size(); }

  /// Of a token that exists (see has()): the text in the file, and what it prints when specials are
  /// shown.
  std::string_view text(int32_t id) const { return texts_[id]; }
  std::string_view bytes(int32_t id) const { return bytes_[id]; }
  TokenType type(int32_t id) const { return types_[id]; }
  bool ends_generation(int32_t id) const { return ends_generation_[id]; }

  /// The type the file gives, before roles: it decides how text is encoded, as it did when the
  /// model was trained; type() decides what is printed.
  TokenType written_type(int32_t id) const { return written_types_[id]; }

  /// Whether this is a token that text is searched for before anything else.
  bool is_special(int32_t id) const { return is_special(written_types_[id]); }

  /// The token with this text in the file, or -1.
  int32_t find(std::string_view text) const { return by_text_.find(text); }

  const Roles& roles() const { return roles_; }
  const std::vector<TokenId>& end_of_generation_ids() const { return end_of_generation_ids_; }

 private:
  Vocabulary() = default;
  static bool is_special(TokenType type) {
    return type == TokenType::control || type == TokenType::user_defined ||
           type == TokenType::unknown;
  }
  Status copy_texts(const TokenizerSpec& spec);
  Status copy_types(const TokenizerSpec& spec);
  void assign_roles(const SpecialIds& ids, std::vector<std::string>& warnings);
  void assign_role_by_text(int32_t& role, const std::string_view* texts, size_t count);
  void find_end_of_generation();
  Status spell_bytes(Spelling spelling);

  std::vector<char> text_arena_, bytes_arena_;  // own what texts_, by_text_ and bytes_ view
  std::vector<std::string_view> texts_, bytes_;
  std::vector<TokenType> types_, written_types_;
  std::vector<bool> ends_generation_;
  std::vector<TokenId> end_of_generation_ids_;
  StringIndex by_text_;
  Roles roles_;
};

}  // namespace troika::text
