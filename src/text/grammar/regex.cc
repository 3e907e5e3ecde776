#include "text/grammar/regex.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>

#include "core/printable.h"
#include "text/utf8.h"

namespace troika::grammar {
namespace {

using Set = std::vector<CodePoints>;

const Set kDigits = {{'0', '9'}};
const Set kWord = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
const Set kSpace = {{0x09, 0x0D},     {0x20, 0x20},     {0xA0, 0xA0},     {0x1680, 0x1680},
                    {0x2000, 0x200A}, {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F},
                    {0x3000, 0x3000}, {0xFEFF, 0xFEFF}};
const Set kLineEnds = {{0x0A, 0x0A}, {0x0D, 0x0D}, {0x2028, 0x2029}};

Set complement(Set set) {
  std::ranges::sort(set, {}, &CodePoints::first);
  Set rest;
  uint32_t from = 0;
  for (const CodePoints& range : set) {
    if (range.first > from) rest.push_back({from, range.first - 1});
    from = std::max(from, range.last + 1);
  }
  if (from <= kCodePointMax) rest.push_back({from, kCodePointMax});
  return rest;
}

class Parser {
 public:
  Parser(Grammar& grammar, std::string_view text, const JsonNotation& notation)
      : g_(grammar), text_(text), notation_(notation) {}

  Result<ExprId> parse() {
    if (std::ssize(text_) > kPatternBytesMax)
      return fail(ErrorCode::invalid_argument, "{} bytes, wanted at most {}", text_.size(),
                  kPatternBytesMax);
    // Alternatives at the top have anchors of their own.
    std::vector<ExprId> ways;
    do {
      const bool anchored = take("^");
      TROIKA_TRY(const ExprId body, parse_sequence(0));
      const bool ends = take("$");
      std::vector<ExprId> parts = {body};
      if (!anchored) parts.insert(parts.begin(), anything());
      if (!ends) parts.push_back(anything());
      ways.push_back(g_.sequence(std::move(parts)));
    } while (take("|"));
    if (!at_end()) return expected("its end");
    return g_.choice(std::move(ways));
  }

 private:
  bool at_end() const { return at_ == text_.size(); }
  char next() const { return at_end() ? '\0' : text_[at_]; }
  bool take(std::string_view text) {
    if (!text_.substr(at_).starts_with(text)) return false;
    at_ += text.size();
    return true;
  }
  Error expected(std::string_view what) const {
    return fail(ErrorCode::invalid_argument, "\"{}\" at byte {}, wanted {}",
                at_end() ? "its end" : printable(text_.substr(at_, 12)), at_, what);
  }

  ExprId anything() { return g_.repeat(any_string_character(g_, notation_), 0, kUnbounded); }

  Result<ExprId> parse_choice(int32_t nesting) {
    constexpr int32_t kNestingMax = 50;
    if (nesting > kNestingMax) return expected(fmt::format("groups {} deep at most", kNestingMax));
    std::vector<ExprId> ways;
    do {
      TROIKA_TRY(const ExprId way, parse_sequence(nesting));
      ways.push_back(way);
    } while (take("|"));
    return g_.choice(std::move(ways));
  }

  Result<ExprId> parse_sequence(int32_t nesting) {
    std::vector<ExprId> parts;
    while (!at_end() && next() != '|' && next() != ')' && !(nesting == 0 && next() == '$')) {
      TROIKA_TRY(ExprId part, parse_atom(nesting));
      TROIKA_TRY(part, parse_suffix(part));
      parts.push_back(part);
    }
    return g_.sequence(std::move(parts));
  }

  Result<ExprId> parse_atom(int32_t nesting) {
    if (take("(")) {
      if (!take("?:") && next() == '?') return expected("a group without look-around or name");
      TROIKA_TRY(const ExprId group, parse_choice(nesting + 1));
      if (!take(")")) return expected("\")\"");
      return group;
    }
    Set set;
    if (take("[")) {
      TROIKA_TRY(set, parse_class());
    } else if (take(".")) {
      set = complement(kLineEnds);
    } else if (std::string_view("*+?{^$").find(next()) != std::string_view::npos) {
      return expected("a character, a class or a group; \"^\" only in front, \"$\" only behind");
    } else {
      TROIKA_TRY(set, parse_character(false));
    }
    const std::optional<ExprId> one = string_character(g_, set, notation_);
    if (!one) return expected("a class that some character is of, before");
    return *one;
  }

  Result<int64_t> parse_count() {
    int64_t count = -1;
    const char* first = text_.data() + at_;
    const auto read = std::from_chars(first, text_.data() + text_.size(), count);
    if (read.ec != std::errc() || count < 0 || count > kPatternRepetitionsMax)
      return expected(fmt::format("0 to {} repetitions", kPatternRepetitionsMax));
    at_ += static_cast<size_t>(read.ptr - first);
    return count;
  }

  Result<ExprId> parse_suffix(ExprId of) {
    int64_t min = 0, max = kUnbounded;
    if (take("+")) {
      min = 1;
    } else if (take("?")) {
      max = 1;
    } else if (take("{")) {
      TROIKA_TRY(min, parse_count());
      max = min;
      if (take(",")) {
        max = kUnbounded;
        if (next() != '}') {
          TROIKA_TRY(max, parse_count());
        }
      }
      if (!take("}") || (max != kUnbounded && max < min)) return expected("{m}, {m,} or {m,n}");
    } else if (!take("*")) {
      return of;
    }
    (void)take("?");  // lazy or not, the same texts match
    return g_.repeat(of, min, max);
  }

  Result<uint32_t> parse_hex(size_t digits) {
    uint32_t value = 0;
    const std::string_view hex = text_.substr(at_, digits);
    const auto read = std::from_chars(hex.data(), hex.data() + hex.size(), value, 16);
    if (hex.size() != digits || read.ec != std::errc() || read.ptr != hex.data() + digits)
      return expected(fmt::format("{} hexadecimal digits", digits));
    at_ += digits;
    return value;
  }

  /// One character, or all that an escape as \d stands for.
  Result<Set> parse_character(bool in_class) {
    if (!take("\\")) {
      uint32_t c = 0;
      const int length = at_end() ? 0 : text::read_utf8(text_.substr(at_), c);
      if (length == 0 || c > kCodePointMax) return expected("a character");
      at_ += static_cast<size_t>(length);
      return Set{{c, c}};
    }
    const char name = next();
    if (at_end()) return expected("what is escaped");
    at_++;
    const auto one = [](uint32_t c) { return Set{{c, c}}; };
    switch (name) {
      case 'd':
        return kDigits;
      case 'D':
        return complement(kDigits);
      case 'w':
        return kWord;
      case 'W':
        return complement(kWord);
      case 's':
        return kSpace;
      case 'S':
        return complement(kSpace);
      case 'x':
      case 'u': {
        TROIKA_TRY(const uint32_t c, parse_hex(name == 'x' ? 2 : 4));
        return one(c);
      }
      default:
        break;
    }
    constexpr std::string_view kNames = "tnvfr", kValues = "\t\n\v\f\r";
    if (const size_t which = kNames.find(name); which != kNames.npos)
      return one(static_cast<unsigned char>(kValues[which]));
    if (in_class && name == 'b') return one('\b');
    const bool is_sign = static_cast<unsigned char>(name) < 0x80 && !std::isalnum(name);
    if (is_sign) return one(static_cast<unsigned char>(name));
    at_ -= 2;
    return expected("no references, no word borders and no properties of characters");
  }

  Result<Set> parse_class() {
    const bool negated = take("^");
    Set set;
    while (!take("]")) {
      TROIKA_TRY(Set first, parse_character(true));
      const bool single = first.size() == 1 && first[0].first == first[0].last;
      if (single && next() == '-' && at_ + 1 < text_.size() && text_[at_ + 1] != ']') {
        at_++;
        TROIKA_TRY(const Set last, parse_character(true));
        if (last.size() != 1 || last[0].first != last[0].last || last[0].first < first[0].first)
          return expected("a range from a lower to a higher character, before");
        first[0].last = last[0].first;
      }
      set.insert(set.end(), first.begin(), first.end());
    }
    return negated ? complement(std::move(set)) : set;
  }

  Grammar& g_;
  std::string_view text_;
  const JsonNotation& notation_;
  size_t at_ = 0;
};

}  // namespace

Result<ExprId> add_pattern(Grammar& grammar, std::string_view pattern,
                           const JsonNotation& notation) {
  return Parser(grammar, pattern, notation).parse();
}

}  // namespace troika::grammar
