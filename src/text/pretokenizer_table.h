// The one table of pre-tokenizer names (tokenizer.ggml.pre): which list of patterns, which habits.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace troika::text {

/// One step: a pattern in PCRE2's syntax, \s meaning Unicode's White_Space; it never matches the
/// empty text.
struct PretokenizerStep {
  constexpr PretokenizerStep(const char* text, bool threes = false)  // NOLINT: by design
      : pattern(text), threes_from_right(threes) {}

  std::string_view pattern;
  bool threes_from_right;  // a match is a run of digits, cut in threes counted from its end
};

/// What a name stands for.
struct PretokenizerRow {
  std::string_view name;
  std::span<const PretokenizerStep> steps;
  bool ignore_merges;  // a word that is a token as a whole is that token
  bool add_bos;        // BOS in front unless the file says otherwise
  bool clean_spaces;   // made for clean-up of spaces before punctuation when shown
  bool compose;        // trained on text in Unicode's normal form C
};

/// All rows.
std::span<const PretokenizerRow> pretokenizers();

/// The row named `name`; the empty name is "default". nullptr: there is none.
const PretokenizerRow* find_pretokenizer(std::string_view name);

/// All names, comma separated, for messages.
std::string pretokenizer_names();

}  // namespace troika::text
