#include "text/grammar/gbnf.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <unordered_map>

#include "core/printable.h"
#include "text/grammar/grammar_vocabulary.h"
#include "text/utf8.h"

namespace troika::grammar {
namespace {

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

/// An expression, and how often its most repeated part may occur.
struct Element {
  ExprId expr{};
  int64_t repetitions = 1;
};

class Parser {
 public:
  Parser(std::string_view text, const GrammarVocabulary& vocabulary)
      : text_(text), vocabulary_(vocabulary) {}

  Result<Grammar> parse() {
    if (std::ssize(text_) > kGbnfBytesMax)
      return fail(ErrorCode::invalid_argument, "the grammar has {} bytes, wanted at most {}",
                  text_.size(), kGbnfBytesMax);
    skip_space(true);
    while (!at_end()) TROIKA_RETURN_IF_ERROR(parse_rule());
    const auto root = rules_.find("root");
    if (root == rules_.end())
      return fail(ErrorCode::invalid_argument,
                  "the grammar has no rule \"root\", wanted one to begin with");
    grammar_.set_root(grammar_.rule(root->second));
    TROIKA_RETURN_IF_ERROR(grammar_.check());
    return std::move(grammar_);
  }

 private:
  bool at_end() const { return at_ == text_.size(); }
  char next() const { return at_end() ? '\0' : text_[at_]; }
  bool at_newline() const { return next() == '\n' || next() == '\r'; }

  template <typename... Args>
  Error error(fmt::format_string<Args...> format, Args&&... args) const {
    const std::string_view before = text_.substr(0, at_);
    const auto line = std::ranges::count(before, '\n') + 1;
    const size_t start = before.rfind('\n') + 1;
    return fail(ErrorCode::invalid_argument, "the grammar, line {}, column {}: {}", line,
                at_ - start + 1, fmt::format(format, std::forward<Args>(args)...));
  }
  Error expected(std::string_view what) const {
    return at_end() ? error("it ends, wanted {}", what)
                    : error("\"{}\", wanted {}", printable(text_.substr(at_, 12)), what);
  }

  void skip_space(bool newlines) {
    while (!at_end()) {
      if (next() == '#')
        while (!at_end() && !at_newline()) at_++;
      else if (next() == ' ' || next() == '\t' || (newlines && at_newline()))
        at_++;
      else
        return;
    }
  }

  bool take(std::string_view text) {
    if (!text_.substr(at_).starts_with(text)) return false;
    at_ += text.size();
    return true;
  }

  std::string_view take_name() {
    const size_t start = at_;
    while (is_name_character(next())) at_++;
    return text_.substr(start, at_ - start);
  }

  RuleId rule_of(std::string_view name) {
    const auto found = rules_.find(std::string(name));
    if (found != rules_.end()) return found->second;
    const RuleId id = grammar_.add_rule(std::string(name));
    rules_.emplace(name, id);
    return id;
  }

  Status parse_rule() {
    const std::string_view name = take_name();
    if (name.empty()) return expected("the name of a rule");
    skip_space(false);
    if (!take("::=")) return expected("\"::=\"");
    skip_space(true);
    const RuleId id = rule_of(name);
    if (std::ssize(grammar_.rules()) >= kRulesMax) return error("more than {} rules", kRulesMax);
    if (grammar_.rules()[static_cast<size_t>(id)].defined)
      return error("the rule \"{}\" is defined twice, wanted once", printable(name));
    TROIKA_TRY(const Element body, parse_choice(0));
    grammar_.define(id, body.expr);
    if (!at_end() && !at_newline()) return expected("the end of the rule");
    skip_space(true);
    return ok();
  }

  /// Goes over line ends if the next line goes on with "|".
  bool goes_on(int32_t nesting) {
    const size_t start = at_;
    skip_space(true);
    if (nesting > 0 || next() == '|') return next() == '|';
    at_ = start;
    return false;
  }

  Result<Element> parse_choice(int32_t nesting) {
    if (nesting > kGbnfNestingMax) return error("parentheses more than {} deep", kGbnfNestingMax);
    Element all;
    std::vector<ExprId> ways;
    do {
      if (!ways.empty()) {
        at_++;  // |
        skip_space(true);
      }
      TROIKA_TRY(const Element way, parse_sequence(nesting));
      ways.push_back(way.expr);
      all.repetitions = std::max(all.repetitions, way.repetitions);
    } while (goes_on(nesting));
    all.expr = grammar_.choice(std::move(ways));
    return all;
  }

  bool begins_element() const {
    constexpr std::string_view kFirst = "\"[.(<!";
    return !at_end() && (is_name_character(next()) || kFirst.find(next()) != kFirst.npos);
  }

  Result<Element> parse_sequence(int32_t nesting) {
    Element all;
    std::vector<ExprId> parts;
    while (begins_element()) {
      TROIKA_TRY(Element part, parse_element(nesting));
      while (!at_end() && std::string_view("*+?{").find(next()) != std::string_view::npos) {
        TROIKA_TRY(part, parse_suffix(part));
      }
      parts.push_back(part.expr);
      all.repetitions = std::max(all.repetitions, part.repetitions);
      skip_space(nesting > 0);
    }
    all.expr = grammar_.sequence(std::move(parts));
    return all;
  }

  Result<Element> parse_element(int32_t nesting) {
    Element element;
    if (take("\"")) {
      TROIKA_TRY(element.expr, parse_literal());
    } else if (take("[")) {
      TROIKA_TRY(element.expr, parse_class());
    } else if (take("(")) {
      skip_space(true);
      TROIKA_TRY(element, parse_choice(nesting + 1));
      if (!take(")")) return expected("\")\"");
    } else if (take(".")) {
      element.expr = grammar_.set({{0, kCodePointMax}});
    } else if (next() == '<' || next() == '!') {
      TROIKA_TRY(element.expr, parse_token());
    } else {
      element.expr = grammar_.rule(rule_of(take_name()));
    }
    skip_space(nesting > 0);
    return element;
  }

  Result<int64_t> parse_count() {
    int64_t count = 0;
    const char* start = text_.data() + at_;
    const auto [end, problem] = std::from_chars(start, text_.data() + text_.size(), count);
    if (problem != std::errc() || count < 0) return expected("a number of repetitions");
    if (count > kGbnfRepetitionsMax)
      return error("{} repetitions, wanted at most {}", count, kGbnfRepetitionsMax);
    at_ += static_cast<size_t>(end - start);
    skip_space(false);
    return count;
  }

  Result<Element> parse_suffix(const Element& of) {
    int64_t min = 0, max = kUnbounded;
    const char suffix = text_[at_++];
    if (suffix == '+') min = 1;
    if (suffix == '?') max = 1;
    if (suffix == '{') {
      skip_space(false);
      TROIKA_TRY(min, parse_count());
      max = min;
      if (take(",")) {
        skip_space(false);
        max = kUnbounded;
        if (next() != '}') {
          TROIKA_TRY(max, parse_count());
        }
      }
      if (!take("}")) return expected("\"}\"");
      if (max != kUnbounded && max < min)
        return error("{} to {} repetitions, wanted no more than at most", min, max);
    }
    const int64_t repetitions = std::max<int64_t>({1, min, max}) * of.repetitions;
    if (repetitions > kGbnfRepetitionsMax)
      return error("repetitions inside of repetitions, {} in all, wanted at most {}", repetitions,
                   kGbnfRepetitionsMax);
    skip_space(false);
    return Element{grammar_.repeat(of.expr, min, max), repetitions};
  }

  Result<uint32_t> parse_hex(size_t digits) {
    uint32_t value = 0;
    const std::string_view hex = text_.substr(at_, digits);
    const auto [end, problem] = std::from_chars(hex.data(), hex.data() + hex.size(), value, 16);
    if (hex.size() != digits || problem != std::errc() || end != hex.data() + digits)
      return expected(fmt::format("{} hexadecimal digits", digits));
    if (value > kCodePointMax) return error("U+{:X} is no character", value);
    at_ += digits;
    return value;
  }

  /// A character of a literal or class, which may be an escape.
  Result<uint32_t> parse_character() {
    if (at_end()) return expected("its closing quote or bracket");
    if (!take("\\")) {
      uint32_t character = 0;
      const int length = text::read_utf8(text_.substr(at_), character);
      if (length == 0 || character > kCodePointMax) return error("bytes that are not UTF-8");
      at_ += static_cast<size_t>(length);
      return character;
    }
    if (take("x")) return parse_hex(2);
    if (take("u")) return parse_hex(4);
    if (take("U")) return parse_hex(8);
    constexpr std::string_view kNames = "trn\\\"[]-", kValues = "\t\r\n\\\"[]-";
    const size_t which = at_end() ? kNames.npos : kNames.find(next());
    if (which == kNames.npos)
      return expected("an escape: x, u, U, t, r, n, \\, a quote or a bracket");
    at_++;
    return static_cast<unsigned char>(kValues[which]);
  }

  Result<ExprId> parse_literal() {
    std::string bytes;
    while (!take("\"")) {
      TROIKA_TRY(const uint32_t character, parse_character());
      text::append_utf8(bytes, character);
    }
    return grammar_.literal(bytes);
  }

  Result<ExprId> parse_class() {
    const bool negated = take("^");
    std::vector<CodePoints> set;
    while (!take("]")) {
      TROIKA_TRY(const uint32_t first, parse_character());
      uint32_t last = first;
      if (next() == '-' && at_ + 1 < text_.size() && text_[at_ + 1] != ']') {
        at_++;
        TROIKA_TRY(last, parse_character());
        if (last < first)
          return error("the range U+{:04X} to U+{:04X} is empty, wanted it the other way round",
                       first, last);
      }
      set.push_back({first, last});
    }
    return grammar_.set(negated ? complement(std::move(set)) : std::move(set));
  }

  static std::vector<CodePoints> complement(std::vector<CodePoints> set) {
    std::ranges::sort(set, {}, &CodePoints::first);
    std::vector<CodePoints> rest;
    uint32_t from = 0;
    for (const CodePoints& range : set) {
      if (range.first > from) rest.push_back({from, range.first - 1});
      from = std::max(from, range.last + 1);
    }
    if (from <= kCodePointMax) rest.push_back({from, kCodePointMax});
    return rest;
  }

  Result<ExprId> parse_token() {
    const bool negated = take("!");
    const size_t end = text_.find_first_of(">\n", at_);
    if (next() != '<' || end == text_.npos || text_[end] != '>')
      return expected("a token as <[id]> or <text>");
    const std::string_view text = text_.substr(at_, end + 1 - at_);
    std::optional<TokenId> id = vocabulary_.find(text);
    if (text.starts_with("<[") && text.ends_with("]>")) {
      int32_t number = -1;
      const char* stop = text.data() + text.size() - 2;
      const auto read = std::from_chars(text.data() + 2, stop, number);
      const bool good = read.ec == std::errc() && read.ptr == stop && number >= 0 &&
                        number < vocabulary_.tokens();
      id = good ? std::optional(TokenId{number}) : std::nullopt;
    }
    if (!id) return expected("a token of the vocabulary");
    if (vocabulary_.ends_text(*id))
      return expected("a token that does not end the text; what follows the root always may");
    at_ = end + 1;
    return grammar_.token(*id, negated);
  }

  std::string_view text_;
  const GrammarVocabulary& vocabulary_;
  size_t at_ = 0;
  Grammar grammar_;
  std::unordered_map<std::string, RuleId> rules_;
};

}  // namespace

Result<Grammar> parse_gbnf(std::string_view text, const GrammarVocabulary& vocabulary) {
  return Parser(text, vocabulary).parse();
}

}  // namespace troika::grammar
