// GBNF, the grammar language that users of llama.cpp know:
//
//   rule       ::= name "::=" alternates newline   (a line that begins with "|" goes on with it)
//   alternates ::= sequence ("|" sequence)*
//   element    ::= "literal" | [class] | [^class] | . | name | ( alternates )
//                  | <[token id]> | <token text> | !<...>
//   suffix     ::= * + ? {m} {m,} {m,n}            of the whole element before it
//
// Names are letters, digits and "-"; "#" begins a comment; the text is `root`. Escapes in literals
// and classes: \xHH \uHHHH \UHHHHHHHH \t \r \n \\ \" \[ \] (and \- in classes). "." is any
// character, "^" in front of a class any that is not of it.
#pragma once

#include <string_view>

#include "core/result.h"
#include "text/grammar/grammar.h"

namespace troika {
class GrammarVocabulary;
}

namespace troika::grammar {

inline constexpr int64_t kGbnfBytesMax = 1 << 20;
inline constexpr int64_t kGbnfRepetitionsMax = 2000;  // nested ones multiplied
inline constexpr int32_t kGbnfNestingMax = 100;       // of parentheses

/// Reads `text` into a grammar whose root is the rule `root`. `vocabulary` knows the tokens that
/// the grammar names. Errors: invalid_argument — with line and column.
Result<Grammar> parse_gbnf(std::string_view text, const GrammarVocabulary& vocabulary);

}  // namespace troika::grammar
