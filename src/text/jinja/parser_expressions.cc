#include <charconv>

#include "text/jinja/parser.h"

namespace troika::jinja {
namespace {

template <typename Node>
ExpressionPtr make(int line, Node node) {
  return std::make_unique<const Expression>(Expression{line, std::move(node)});
}

}  // namespace

Result<ExpressionPtr> Parser::tuple_or_expression(bool conditional) {
  const int line = peek().line;
  TROIKA_TRY(ExpressionPtr first, conditional ? expression() : disjunction());
  if (!peek().is_sign(",")) return first;
  ListLiteral tuple{.is_tuple = true};
  tuple.items.push_back(std::move(first));
  while (skip_sign(",")) {
    const TokenKind next = peek().kind;
    if (next == TokenKind::print_end || next == TokenKind::block_end || peek().is_sign(")")) break;
    TROIKA_TRY(ExpressionPtr item, conditional ? expression() : disjunction());
    tuple.items.push_back(std::move(item));
  }
  return make(line, std::move(tuple));
}

Result<ExpressionPtr> Parser::expression() {
  TROIKA_TRY(const Nesting nesting, Nesting::enter(*this));
  TROIKA_TRY(ExpressionPtr then, disjunction());
  while (peek().is_name("if")) {
    const int line = take().line;
    Conditional choice{.then = std::move(then)};
    TROIKA_TRY(choice.condition, disjunction());
    if (skip_name("else")) {
      TROIKA_TRY(choice.otherwise, expression());
    }
    then = make(line, std::move(choice));
  }
  return then;
}

Result<ExpressionPtr> Parser::disjunction() {
  return logic(false);
}

Result<ExpressionPtr> Parser::conjunction() {
  return logic(true);
}

Result<ExpressionPtr> Parser::logic(bool is_and) {
  const int line = peek().line;
  TROIKA_TRY(ExpressionPtr first, is_and ? negation() : conjunction());
  if (!peek().is_name(is_and ? "and" : "or")) return first;
  Logic logic{.is_and = is_and};
  logic.operands.push_back(std::move(first));
  while (skip_name(is_and ? "and" : "or")) {
    TROIKA_TRY(ExpressionPtr operand, is_and ? negation() : conjunction());
    logic.operands.push_back(std::move(operand));
  }
  return make(line, std::move(logic));
}

Result<ExpressionPtr> Parser::negation() {
  if (!peek().is_name("not")) return comparison();
  TROIKA_TRY(const Nesting nesting, Nesting::enter(*this));
  const int line = take().line;
  TROIKA_TRY(ExpressionPtr operand, negation());
  return make(line, Negation{std::move(operand)});
}

Result<ExpressionPtr> Parser::comparison() {
  constexpr std::pair<std::string_view, Comparison> kSigns[] = {
      {"==", Comparison::equal},  {"!=", Comparison::unequal},
      {"<", Comparison::less},    {"<=", Comparison::less_equal},
      {">", Comparison::greater}, {">=", Comparison::greater_equal}};
  const int line = peek().line;
  TROIKA_TRY(ExpressionPtr first, sum());
  Compare compare;
  while (true) {
    std::optional<Comparison> found;
    for (const auto& [sign, comparison] : kSigns)
      if (!found && skip_sign(sign)) found = comparison;
    if (!found && skip_name("in")) found = Comparison::in;
    if (!found && peek().is_name("not") && peek(1).is_name("in")) {
      take();
      take();
      found = Comparison::not_in;
    }
    if (!found) break;
    TROIKA_TRY(ExpressionPtr operand, sum());
    compare.rest.emplace_back(*found, std::move(operand));
  }
  if (compare.rest.empty()) return first;
  compare.first = std::move(first);
  return make(line, std::move(compare));
}

Result<ExpressionPtr> Parser::sum() {
  const int line = peek().line;
  TROIKA_TRY(ExpressionPtr first, concatenation());
  Arithmetic chain;
  while (peek().is_sign("+") || peek().is_sign("-")) {
    const Operator sign = take().text == "+" ? Operator::add : Operator::subtract;
    TROIKA_TRY(ExpressionPtr operand, concatenation());
    chain.rest.emplace_back(sign, std::move(operand));
  }
  if (chain.rest.empty()) return first;
  chain.first = std::move(first);
  return make(line, std::move(chain));
}

Result<ExpressionPtr> Parser::concatenation() {
  const int line = peek().line;
  TROIKA_TRY(ExpressionPtr first, product());
  if (!peek().is_sign("~")) return first;
  Concatenation chain;
  chain.parts.push_back(std::move(first));
  while (skip_sign("~")) {
    TROIKA_TRY(ExpressionPtr part, product());
    chain.parts.push_back(std::move(part));
  }
  return make(line, std::move(chain));
}

Result<ExpressionPtr> Parser::product() {
  constexpr std::pair<std::string_view, Operator> kSigns[] = {{"*", Operator::multiply},
                                                              {"/", Operator::divide},
                                                              {"//", Operator::floor_divide},
                                                              {"%", Operator::modulo}};
  const int line = peek().line;
  TROIKA_TRY(ExpressionPtr first, power());
  Arithmetic chain;
  while (true) {
    std::optional<Operator> found;
    for (const auto& [sign, operation] : kSigns)
      if (!found && skip_sign(sign)) found = operation;
    if (!found) break;
    TROIKA_TRY(ExpressionPtr operand, power());
    chain.rest.emplace_back(*found, std::move(operand));
  }
  if (chain.rest.empty()) return first;
  chain.first = std::move(first);
  return make(line, std::move(chain));
}

Result<ExpressionPtr> Parser::power() {
  const int line = peek().line;
  TROIKA_TRY(ExpressionPtr first, unary(true));
  Arithmetic chain;
  while (skip_sign("**")) {
    TROIKA_TRY(ExpressionPtr operand, unary(true));
    chain.rest.emplace_back(Operator::power, std::move(operand));
  }
  if (chain.rest.empty()) return first;
  chain.first = std::move(first);
  return make(line, std::move(chain));
}

Result<ExpressionPtr> Parser::unary(bool with_filters) {
  if (!peek().is_sign("-") && !peek().is_sign("+")) {
    TROIKA_TRY(ExpressionPtr base, primary());
    return suffixed(std::move(base), with_filters);
  }
  TROIKA_TRY(const Nesting nesting, Nesting::enter(*this));
  const Token sign = take();
  TROIKA_TRY(ExpressionPtr operand, unary(false));
  ExpressionPtr base = make(sign.line, Signed{sign.text[0], std::move(operand)});
  return suffixed(std::move(base), with_filters);
}

Result<ExpressionPtr> Parser::primary() {
  if (peek().is_sign("(")) return parenthesized();
  if (peek().is_sign("[")) return list_literal();
  if (peek().is_sign("{")) return dict_literal();
  const Token token = peek();
  switch (token.kind) {
    case TokenKind::name:
      take();
      if (token.text == "true" || token.text == "True")
        return make(token.line, Literal{Value::boolean(true)});
      if (token.text == "false" || token.text == "False")
        return make(token.line, Literal{Value::boolean(false)});
      if (token.text == "none" || token.text == "None") return make(token.line, Literal{None{}});
      return make(token.line, Variable{make_text(token.text)});
    case TokenKind::string: {
      std::string text;
      while (peek().kind == TokenKind::string) text += take().text;
      return make(token.line, Literal{make_text(std::move(text))});
    }
    case TokenKind::integer: {
      take();
      int64_t value = 0;
      std::from_chars(token.text.data(), token.text.data() + token.text.size(), value);
      return make(token.line, Literal{Value::integer(value)});
    }
    case TokenKind::real: {
      take();
      double value = 0;
      std::from_chars(token.text.data(), token.text.data() + token.text.size(), value);
      return make(token.line, Literal{Value::real(value)});
    }
    default:
      return unexpected("an expression");
  }
}

Result<ExpressionPtr> Parser::parenthesized() {
  const int line = take().line;
  if (skip_sign(")")) return make(line, ListLiteral{.is_tuple = true});
  TROIKA_TRY(ExpressionPtr inner, tuple_or_expression());
  TROIKA_RETURN_IF_ERROR(expect_sign(")"));
  return inner;
}

Result<ExpressionPtr> Parser::list_literal() {
  const int line = take().line;
  ListLiteral list;
  while (!skip_sign("]")) {
    if (!list.items.empty()) {
      TROIKA_RETURN_IF_ERROR(expect_sign(","));
      if (skip_sign("]")) break;
    }
    TROIKA_TRY(ExpressionPtr item, expression());
    list.items.push_back(std::move(item));
  }
  return make(line, std::move(list));
}

Result<ExpressionPtr> Parser::dict_literal() {
  const int line = take().line;
  DictLiteral dict;
  while (!skip_sign("}")) {
    if (!dict.entries.empty()) {
      TROIKA_RETURN_IF_ERROR(expect_sign(","));
      if (skip_sign("}")) break;
    }
    TROIKA_TRY(ExpressionPtr key, expression());
    TROIKA_RETURN_IF_ERROR(expect_sign(":"));
    TROIKA_TRY(ExpressionPtr value, expression());
    dict.entries.emplace_back(std::move(key), std::move(value));
  }
  return make(line, std::move(dict));
}

Result<ExpressionPtr> Parser::suffixed(ExpressionPtr base, bool with_filters) {
  const int line = peek().line;
  Suffixed chain;
  while (true) {
    const bool filter_follows = with_filters && (peek().is_sign("|") || peek().is_name("is"));
    if (peek().is_sign(".") || peek().is_sign("[") || peek().is_sign("(")) {
      TROIKA_TRY(Suffix suffix, postfix());
      chain.suffixes.push_back(std::move(suffix));
    } else if (filter_follows) {
      const bool is_filter = take().text == "|";
      TROIKA_TRY(Suffix suffix, is_filter ? filter() : test());
      chain.suffixes.push_back(std::move(suffix));
    } else {
      break;
    }
  }
  if (chain.suffixes.empty()) return base;
  chain.base = std::move(base);
  return make(line, std::move(chain));
}

Result<Suffix> Parser::postfix() {
  const int line = peek().line;
  if (peek().is_sign("(")) {
    Call call;
    TROIKA_TRY(call.arguments, arguments());
    return Suffix{line, std::move(call)};
  }
  if (peek().is_sign("[")) return subscript();
  take();
  if (peek().kind == TokenKind::integer) {
    TROIKA_TRY(ExpressionPtr key, primary());
    return Suffix{line, Item{std::move(key)}};
  }
  TROIKA_TRY(Text attribute, name());
  return Suffix{line, Attribute{std::move(attribute)}};
}

Result<Suffix> Parser::subscript() {
  const int line = take().line;
  ExpressionPtr first;
  if (!peek().is_sign(":")) {
    TROIKA_TRY(first, tuple_or_expression());
  }
  if (skip_sign("]")) return Suffix{line, Item{std::move(first)}};
  TROIKA_RETURN_IF_ERROR(expect_sign(":"));
  Slice slice{.start = std::move(first)};
  if (!peek().is_sign(":") && !peek().is_sign("]")) {
    TROIKA_TRY(slice.stop, expression());
  }
  if (skip_sign(":") && !peek().is_sign("]")) {
    TROIKA_TRY(slice.step, expression());
  }
  TROIKA_RETURN_IF_ERROR(expect_sign("]"));
  return Suffix{line, std::move(slice)};
}

Result<std::vector<Argument>> Parser::arguments() {
  TROIKA_RETURN_IF_ERROR(expect_sign("("));
  std::vector<Argument> arguments;
  while (!skip_sign(")")) {
    if (!arguments.empty()) {
      TROIKA_RETURN_IF_ERROR(expect_sign(","));
      if (skip_sign(")")) break;
    }
    if (peek().is_sign("*") || peek().is_sign("**"))
      return Error(ErrorCode::unsupported,
                   fmt::format("line {}: '{}' in a call, wanted arguments one by one", peek().line,
                               peek().text));
    Argument argument;
    if (peek().kind == TokenKind::name && peek(1).is_sign("=")) {
      argument.name = make_text(take().text);
      take();
    } else if (!arguments.empty() && arguments.back().name) {
      return fail_at(peek().line, "an argument by position behind one by name");
    }
    TROIKA_TRY(argument.value, expression());
    arguments.push_back(std::move(argument));
  }
  return arguments;
}

Result<Suffix> Parser::filter() {
  const int line = peek().line;
  Filter filter;
  TROIKA_TRY(const Text filter_name, name());
  filter.name = *filter_name;
  if (peek().is_sign("(")) {
    TROIKA_TRY(filter.arguments, arguments());
  }
  return Suffix{line, std::move(filter)};
}

Result<std::vector<Suffix>> Parser::filters() {
  std::vector<Suffix> filters;
  while (skip_sign("|")) {
    TROIKA_TRY(Suffix next, filter());
    filters.push_back(std::move(next));
  }
  return filters;
}

bool Parser::takes_bare_argument() const {
  const Token& next = peek();
  if (next.kind == TokenKind::name) {
    for (const std::string_view word : {"else", "or", "and", "if", "in", "is", "not", "recursive"})
      if (next.text == word) return false;
    return true;
  }
  return next.kind == TokenKind::string || next.kind == TokenKind::integer ||
         next.kind == TokenKind::real || next.is_sign("[") || next.is_sign("{");
}

Result<Suffix> Parser::test() {
  const int line = peek().line;
  Test test;
  test.negated = skip_name("not");
  TROIKA_TRY(const Text test_name, name());
  test.name = *test_name;
  if (peek().is_sign("(")) {
    TROIKA_TRY(test.arguments, arguments());
  } else if (takes_bare_argument()) {
    TROIKA_TRY(ExpressionPtr base, primary());
    TROIKA_TRY(ExpressionPtr argument, suffixed(std::move(base), false));
    test.arguments.push_back({.value = std::move(argument)});
  }
  return Suffix{line, std::move(test)};
}

}  // namespace troika::jinja
