// Strings as Python sees them: sequences of code points, with Unicode's white space and cases.
// Bytes that are no UTF-8 count as one character each and are kept.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace troika::jinja {

/// Code points in `text`.
int64_t count_characters(std::string_view text);

/// Where the characters of `text` begin, and its end; one more than it has characters.
std::vector<size_t> character_offsets(std::string_view text);

/// Bytes of the first character; `text` is not empty.
size_t character_bytes(std::string_view text);

/// What Python's str.isspace() says of a code point.
bool is_space(uint32_t code);

enum class Side { both, left, right };

/// `text` without white space at its ends.
std::string_view strip(std::string_view text, Side side = Side::both);

/// `text` without characters of `set` at its ends.
std::string_view strip(std::string_view text, std::string_view set, Side side);

/// How many words, runs of letters, digits and underlines.
int64_t count_words(std::string_view text);

/// Parts of `text` between runs of white space, at most `splits` cuts (negative: all).
std::vector<std::string_view> split_at_spaces(std::string_view text, int64_t splits);

/// Parts of `text` between `separator`s (not empty), at most `splits` cuts (negative: all).
std::vector<std::string_view> split(std::string_view text, std::string_view separator,
                                    int64_t splits);

/// As the two above, but cuts counted from the right.
std::vector<std::string_view> split_right(std::string_view text, std::string_view separator,
                                          int64_t splits);

/// Lines without their ends, as str.splitlines().
std::vector<std::string_view> split_lines(std::string_view text);

std::string to_lower(std::string_view text);
std::string to_upper(std::string_view text);
std::string capitalized(std::string_view text);   // the first character large, the others small
std::string titled(std::string_view text);        // the first of each word large: str.title()
std::string titled_words(std::string_view text);  // words as the filter `title` divides them

/// Whether `text` has letters with cases, all of them small, or all large.
bool is_lower(std::string_view text);
bool is_upper(std::string_view text);

/// Whether all characters, and at least one, are so.
bool all_characters(std::string_view text, const std::function<bool(uint32_t)>& is_so);
bool is_letter(uint32_t code);
bool is_decimal_digit(uint32_t code);

/// `text` with occurrences of `old` (not empty) replaced, at most `count` (negative: all).
std::string replaced(std::string_view text, std::string_view old, std::string_view by,
                     int64_t count);

/// Where `part` first occurs from `from` on; npos: nowhere. Linear, whatever the two are.
size_t find_part(std::string_view text, std::string_view part, size_t from = 0);

/// How often `part` (not empty) occurs, without overlaps.
int64_t count_of(std::string_view text, std::string_view part);

}  // namespace troika::jinja
