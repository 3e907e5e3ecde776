// A template cut into pieces: text between tags, and the words and signs inside of tags. White
// space is dealt with here (trim_blocks and lstrip_blocks on, one newline at the end dropped), so
// nobody after the lexer knows of it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace troika::jinja {

enum class TokenKind {
  data,         // text to print as it is
  print_begin,  // {{
  print_end,    // }}
  block_begin,  // {%
  block_end,    // %}
  name,
  string,   // without its quotes, escapes resolved
  integer,  // digits in base 10
  real,
  sign,  // an operator or a bracket
  end    // of the source
};

struct Token {
  TokenKind kind = TokenKind::end;
  std::string text;
  int line = 1;

  bool is_sign(std::string_view sign) const { return kind == TokenKind::sign && text == sign; }
  bool is_name(std::string_view name) const { return kind == TokenKind::name && text == name; }
};

/// The tokens of `source`, the last of kind end. Errors: corrupt — a tag, comment or string without
/// end, a sign that means nothing, a number out of range, more than kSourceBytesMax bytes.
Result<std::vector<Token>> tokenize(std::string_view source);

}  // namespace troika::jinja
