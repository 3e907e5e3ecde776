// JSON's own pieces as expressions: characters of strings, numbers within bounds, any value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "text/grammar/grammar.h"

namespace troika::grammar {

/// How values are spelt: as JSON, or as some formats of tool calls have it.
struct JsonNotation {
  std::string_view quote = "\"";  // on each side of a string
  /// Strings hold their characters as they are, and no "<", with which what ends them begins.
  bool raw = false;
  bool bare_keys = false;  // keys stand without quotes
  bool operator==(const JsonNotation&) const = default;
};

/// A decimal number, exactly.
struct Decimal {
  bool negative = false;
  std::string whole;     // digits without zeros in front; empty: 0
  std::string fraction;  // digits without zeros behind
  bool is_zero() const { return whole.empty() && fraction.empty(); }

  /// `text` is a JSON number. Nothing where it has more digits or a larger exponent than these.
  static std::optional<Decimal> parse(std::string_view text);
  static constexpr int64_t kDigitsMax = 64;
  static constexpr int64_t kExponentMax = 64;
};

/// Less, equal or greater than 0 as a is than b.
int compare(const Decimal& a, const Decimal& b);

struct Bound {
  Decimal value;
  bool excluded = false;
};
struct NumberBounds {
  std::optional<Bound> lower, upper;
};

inline constexpr int64_t kNumberDigitsMax = 16;  // on either side of the point, without a bound

/// Numbers within `bounds`, in plain decimals; without bounds also with an exponent. Nothing where
/// there are none.
std::optional<ExprId> number_between(Grammar& grammar, const NumberBounds& bounds);

/// Integers within `bounds`. Nothing where there are none.
std::optional<ExprId> integer_between(Grammar& grammar, const NumberBounds& bounds);

/// One character of `set` as it is written in a string. What must be escaped is; surrogates are
/// left out. Nothing where none is left.
std::optional<ExprId> string_character(Grammar& grammar, const std::vector<CodePoints>& set,
                                       const JsonNotation& notation);

/// Any character in any way of writing it. "/" is never escaped: not all readers of strings that
/// are nearly JSON's would take it back.
ExprId any_string_character(Grammar& grammar, const JsonNotation& notation);

}  // namespace troika::grammar
