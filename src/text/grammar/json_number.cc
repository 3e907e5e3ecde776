// Numbers within bounds, digit by digit: a number is between two others where it has as many digits
// and, at the first digit that differs, stands between them.
#include <algorithm>
#include <charconv>

#include "text/grammar/json_text.h"

namespace troika::grammar {
namespace {

constexpr CodePoints kDigits = {'0', '9'};

bool only_zeros(std::string_view digits) {
  return digits.find_first_not_of('0') == digits.npos;
}

/// Digits behind others, which may be none: `ways` have at least one.
struct Tail {
  bool may_be_empty = false;
  std::vector<ExprId> ways;
  bool possible() const { return may_be_empty || !ways.empty(); }
};

class NumberWriter {
 public:
  explicit NumberWriter(Grammar& grammar) : g(grammar) {}

  ExprId digits(int64_t min, int64_t max) { return g.repeat(g.set({kDigits}), min, max); }

  /// Numbers of as many digits as both have, from `low` to `high`.
  ExprId whole_of_length(std::string_view low, std::string_view high) {
    const auto count = std::ssize(low);
    if (only_zeros(low) && high.find_first_not_of('9') == high.npos) return digits(count, count);
    if (low[0] == high[0])
      return g.sequence({g.literal(low.substr(0, 1)), rest_of_length(low, high)});
    const std::string nines(low.size(), '9'), zeros(low.size(), '0');
    std::vector<ExprId> ways = {
        g.sequence({g.literal(low.substr(0, 1)), rest_of_length(low, nines)}),
        g.sequence({g.literal(high.substr(0, 1)), rest_of_length(zeros, high)})};
    if (low[0] + 1 < high[0])
      ways.push_back(g.sequence({between(low[0] + 1, high[0] - 1), digits(count - 1, count - 1)}));
    return g.choice(std::move(ways));
  }

  /// Whole numbers from `low` to `high`, both without zeros in front; "" is 0.
  std::optional<ExprId> whole_between(const std::string& low, const std::string& high) {
    if (less(high, low)) return std::nullopt;
    std::vector<ExprId> ways;
    if (low.empty()) ways.push_back(g.literal("0"));
    for (size_t n = std::max<size_t>(low.size(), 1); n <= high.size(); n++) {
      const std::string first = n == low.size() ? low : '1' + std::string(n - 1, '0');
      ways.push_back(whole_of_length(first, n == high.size() ? high : std::string(n, '9')));
    }
    return g.choice(std::move(ways));
  }

  static bool less(const std::string& a, const std::string& b) {
    return a.size() != b.size() ? a.size() < b.size() : a < b;
  }

  /// Fractions of at least `low`, of which digits before it are written.
  Tail at_least(std::string_view low, bool excluded) {
    if (only_zeros(low)) {
      const ExprId more = g.sequence({g.repeat(g.literal("0"), 0, kNumberDigitsMax),
                                      between('1', '9'), digits(0, kNumberDigitsMax)});
      return excluded ? Tail{false, {more}} : Tail{true, {digits(1, kNumberDigitsMax)}};
    }
    Tail tail;
    if (low[0] < '9')
      tail.ways.push_back(g.sequence({between(low[0] + 1, '9'), digits(0, kNumberDigitsMax)}));
    add_first(tail, low[0], at_least(low.substr(1), excluded));
    return tail;
  }

  Tail at_most(std::string_view high, bool excluded) {
    if (only_zeros(high)) return {.may_be_empty = !excluded};
    Tail tail{.may_be_empty = true};
    if (high[0] > '0')
      tail.ways.push_back(g.sequence({between('0', high[0] - 1), digits(0, kNumberDigitsMax)}));
    add_first(tail, high[0], at_most(high.substr(1), excluded));
    return tail;
  }

  /// Both have as many digits.
  Tail from_to(std::string_view low, std::string_view high, bool low_excluded, bool high_excluded) {
    if (low == high || low.empty())
      return only_zeros(low) ? Tail{!low_excluded && !high_excluded, {}}
                             : exactly(low, low_excluded || high_excluded);
    Tail tail{.may_be_empty = only_zeros(low) && !low_excluded};
    if (low[0] == high[0]) {
      add_first(tail, low[0], from_to(low.substr(1), high.substr(1), low_excluded, high_excluded));
      return tail;
    }
    add_first(tail, low[0], at_least(low.substr(1), low_excluded));
    add_first(tail, high[0], at_most(high.substr(1), high_excluded));
    if (low[0] + 1 < high[0])
      tail.ways.push_back(
          g.sequence({between(low[0] + 1, high[0] - 1), digits(0, kNumberDigitsMax)}));
    return tail;
  }

  /// A whole number and the fractions that may follow it.
  std::optional<ExprId> with_fraction(ExprId whole, const Tail& tail) {
    if (!tail.possible()) return std::nullopt;
    if (tail.ways.empty()) return whole;
    const ExprId fraction = g.sequence({g.literal("."), g.choice(tail.ways)});
    return g.sequence({whole, tail.may_be_empty ? g.optional(fraction) : fraction});
  }

  /// Numbers from `low` to `high`, neither below 0. `low` is not above `high`.
  std::optional<ExprId> magnitude_between(const Bound& low, const Bound& high) {
    const Decimal &a = low.value, &b = high.value;
    std::vector<ExprId> ways;
    const auto add = [&ways](std::optional<ExprId> way) {
      if (way) ways.push_back(*way);
    };
    if (a.whole == b.whole) {
      const size_t length = std::max(a.fraction.size(), b.fraction.size());
      std::string from = a.fraction, to = b.fraction;
      from.resize(length, '0');
      to.resize(length, '0');
      add(with_fraction(whole(a), from_to(from, to, low.excluded, high.excluded)));
    } else {
      add(with_fraction(whole(a), at_least(a.fraction, low.excluded)));
      add(with_fraction(whole(b), at_most(b.fraction, high.excluded)));
      if (const auto between = whole_between(next(a.whole), before(b.whole)))
        add(with_fraction(*between, at_least("", false)));
    }
    if (ways.empty()) return std::nullopt;
    return g.choice(std::move(ways));
  }

  static std::string next(std::string digits) {
    for (size_t i = digits.size(); i-- > 0;) {
      if (digits[i] != '9') {
        digits[i]++;
        return digits;
      }
      digits[i] = '0';
    }
    return '1' + digits;
  }
  /// Of a number above 0.
  static std::string before(std::string digits) {
    size_t i = digits.size() - 1;
    for (; digits[i] == '0'; i--) digits[i] = '9';
    digits[i]--;
    return digits[0] == '0' ? digits.substr(1) : digits;
  }

 private:
  ExprId between(int first, int last) {
    return g.set({{static_cast<uint32_t>(first), static_cast<uint32_t>(last)}});
  }
  ExprId rest_of_length(std::string_view low, std::string_view high) {
    return low.size() == 1 ? g.empty() : whole_of_length(low.substr(1), high.substr(1));
  }
  ExprId whole(const Decimal& d) { return g.literal(d.whole.empty() ? "0" : d.whole); }

  Tail exactly(std::string_view digits, bool excluded) {
    if (excluded) return {};
    return {false, {g.literal(digits.substr(0, digits.find_last_not_of('0') + 1))}};
  }

  void add_first(Tail& tail, char digit, const Tail& rest) {
    if (!rest.possible()) return;
    const ExprId first = g.literal(std::string(1, digit));
    if (rest.may_be_empty && digit != '0') tail.ways.push_back(first);
    if (!rest.ways.empty()) tail.ways.push_back(g.sequence({first, g.choice(rest.ways)}));
  }

  Grammar& g;
};

/// The magnitudes of the numbers of one sign; 0 counts as positive.
struct Magnitudes {
  Bound low, high;
};

Bound magnitude(Bound bound) {
  bound.value.negative = false;
  return bound;
}

/// Nothing where no number of that sign is within `bounds`.
std::optional<Magnitudes> magnitudes(const NumberBounds& bounds, bool negative) {
  const std::optional<Bound>& near = negative ? bounds.upper : bounds.lower;
  const std::optional<Bound>& far = negative ? bounds.lower : bounds.upper;
  Magnitudes all{.low = {{}, negative}};
  const bool beyond_zero = near && near->value.negative == negative;
  if (beyond_zero && !(negative && near->value.is_zero())) all.low = magnitude(*near);
  size_t digits = static_cast<size_t>(kNumberDigitsMax);
  digits = std::max(digits, all.low.value.whole.size());
  all.high = {{.whole = '1' + std::string(digits, '0')}, true};
  if (far && (far->value.negative != negative || (negative && far->value.is_zero())))
    return std::nullopt;
  if (far) all.high = magnitude(*far);
  const int order = compare(all.low.value, all.high.value);
  if (order > 0 || (order == 0 && (all.low.excluded || all.high.excluded))) return std::nullopt;
  return all;
}

std::string first_whole(const Bound& low) {
  const bool itself = low.value.fraction.empty() && !low.excluded;
  return itself ? low.value.whole : NumberWriter::next(low.value.whole);
}

/// Nothing where there is none.
std::optional<std::string> last_whole(const Bound& high) {
  if (!high.value.fraction.empty() || !high.excluded) return high.value.whole;
  if (high.value.whole.empty()) return std::nullopt;
  return NumberWriter::before(high.value.whole);
}

/// Both signs, each written by `write` where there is something to write.
template <typename Write>
std::optional<ExprId> both_signs(Grammar& g, const NumberBounds& bounds, Write write) {
  std::vector<ExprId> ways;
  for (const bool negative : {false, true}) {
    const std::optional<Magnitudes> range = magnitudes(bounds, negative);
    const std::optional<ExprId> way = range ? write(*range) : std::nullopt;
    if (way) ways.push_back(negative ? g.sequence({g.literal("-"), *way}) : *way);
  }
  if (ways.empty()) return std::nullopt;
  return g.choice(std::move(ways));
}

}  // namespace

std::optional<Decimal> Decimal::parse(std::string_view text) {
  Decimal d;
  d.negative = text.starts_with('-');
  if (d.negative) text.remove_prefix(1);
  const size_t e = std::min(text.find_first_of("eE"), text.size());
  int64_t exponent = 0;
  if (e < text.size()) {
    const char* first = text.data() + e + (text[e + 1] == '+' ? 2 : 1);
    const auto read = std::from_chars(first, text.data() + text.size(), exponent);
    if (read.ec != std::errc() || std::abs(exponent) > kExponentMax) return std::nullopt;
  }
  text = text.substr(0, e);
  const size_t point = std::min(text.find('.'), text.size());
  std::string digits(text.substr(0, point));
  if (point < text.size()) digits += text.substr(point + 1);
  if (std::ssize(digits) > kDigitsMax) return std::nullopt;
  int64_t whole = static_cast<int64_t>(point) + exponent;
  if (whole < 0) digits.insert(0, static_cast<size_t>(-whole), '0');
  whole = std::max<int64_t>(whole, 0);
  if (std::ssize(digits) < whole) digits.resize(static_cast<size_t>(whole), '0');
  d.whole = digits.substr(0, static_cast<size_t>(whole));
  d.fraction = digits.substr(static_cast<size_t>(whole));
  d.whole.erase(0, std::min(d.whole.find_first_not_of('0'), d.whole.size()));
  d.fraction.erase(d.fraction.find_last_not_of('0') + 1);
  if (d.is_zero()) d.negative = false;
  return d;
}

int compare(const Decimal& a, const Decimal& b) {
  if (a.negative != b.negative) return a.negative ? -1 : 1;
  int order = 0;
  if (a.whole != b.whole)
    order = NumberWriter::less(a.whole, b.whole) ? -1 : 1;
  else if (a.fraction != b.fraction)
    order = a.fraction < b.fraction ? -1 : 1;
  return a.negative ? -order : order;
}

std::optional<ExprId> integer_between(Grammar& g, const NumberBounds& bounds) {
  NumberWriter writer(g);
  return both_signs(g, bounds, [&](const Magnitudes& range) -> std::optional<ExprId> {
    const std::optional<std::string> last = last_whole(range.high);
    return last ? writer.whole_between(first_whole(range.low), *last) : std::nullopt;
  });
}

std::optional<ExprId> number_between(Grammar& g, const NumberBounds& bounds) {
  NumberWriter writer(g);
  if (bounds.lower || bounds.upper)
    return both_signs(g, bounds, [&](const Magnitudes& range) {
      return writer.magnitude_between(range.low, range.high);
    });
  const ExprId whole = g.choice(
      {g.literal("0"), g.sequence({g.set({{'1', '9'}}), writer.digits(0, kNumberDigitsMax - 1)})});
  const ExprId fraction = g.sequence({g.literal("."), writer.digits(1, kNumberDigitsMax)});
  const ExprId exponent =
      g.sequence({g.set({{'e', 'e'}, {'E', 'E'}}), g.optional(g.set({{'+', '+'}, {'-', '-'}})),
                  writer.digits(1, 2)});
  return g.sequence(
      {g.optional(g.literal("-")), whole, g.optional(fraction), g.optional(exponent)});
}

}  // namespace troika::grammar
