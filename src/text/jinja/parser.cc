#include "text/jinja/parser.h"

#include <algorithm>
#include <string>

#include "core/printable.h"
#include "text/jinja/limits.h"

namespace troika::jinja {
namespace {

std::string described(const Token& token) {
  switch (token.kind) {
    case TokenKind::data:
      return "text";
    case TokenKind::print_begin:
      return "'{{'";
    case TokenKind::print_end:
      return "'}}'";
    case TokenKind::block_begin:
      return "'{%'";
    case TokenKind::block_end:
      return "'%}'";
    case TokenKind::string:
      return fmt::format("the string '{}'", printable(token.text, 40));
    case TokenKind::end:
      return "the end of the template";
    case TokenKind::name:
    case TokenKind::integer:
    case TokenKind::real:
    case TokenKind::sign:
      break;
  }
  return fmt::format("'{}'", printable(token.text, 40));
}

}  // namespace

Result<Parser::Nesting> Parser::Nesting::enter(Parser& parser) {
  if (parser.depth_ >= kSourceDepthMax)
    return parser.fail_at(parser.peek().line,
                          fmt::format("nested deeper than {} levels", kSourceDepthMax));
  parser.depth_++;
  return Nesting(parser);
}

const Token& Parser::peek(size_t ahead) const {
  return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
}

Token Parser::take() {
  Token token = peek();
  if (at_ + 1 < tokens_.size()) at_++;
  return token;
}

bool Parser::skip_sign(std::string_view sign) {
  const bool there = peek().is_sign(sign);
  if (there) take();
  return there;
}

bool Parser::skip_name(std::string_view name) {
  const bool there = peek().is_name(name);
  if (there) take();
  return there;
}

Status Parser::expect_sign(std::string_view sign) {
  if (skip_sign(sign)) return ok();
  return unexpected(fmt::format("'{}'", sign));
}

Status Parser::expect_block_end() {
  if (peek().kind != TokenKind::block_end) return unexpected("'%}'");
  take();
  return ok();
}

Error Parser::unexpected(std::string_view wanted) const {
  return fail_at(peek().line, fmt::format("{}, wanted {}", described(peek()), wanted));
}

Error Parser::fail_at(int line, const std::string& what) const {
  return Error(ErrorCode::corrupt, fmt::format("line {}: {}", line, what));
}

Result<Block> Parser::parse() {
  return block({}, "");
}

Result<Block> Parser::block(std::initializer_list<std::string_view> ends, std::string_view opened) {
  TROIKA_TRY(const Nesting nesting, Nesting::enter(*this));
  Block block;
  while (peek().kind != TokenKind::end) {
    const Token token = take();
    if (token.kind == TokenKind::data) {
      block.push_back({token.line, DataStatement{token.text}});
    } else if (token.kind == TokenKind::print_begin) {
      TROIKA_TRY(ExpressionPtr value, tuple_or_expression());
      if (take().kind != TokenKind::print_end) {
        at_--;
        return unexpected("'}}'");
      }
      block.push_back({token.line, PrintStatement{std::move(value)}});
    } else {
      if (peek().kind != TokenKind::name) return unexpected("the name of a tag");
      if (std::ranges::find(ends, std::string_view(peek().text)) != ends.end()) return block;
      TROIKA_TRY(Statement next, statement(take()));
      block.push_back(std::move(next));
    }
  }
  if (ends.size() > 0)
    return fail_at(peek().line, fmt::format("'{}' without '{}'", opened, *(ends.end() - 1)));
  return block;
}

Result<Block> Parser::body_until(std::string_view end) {
  TROIKA_RETURN_IF_ERROR(expect_block_end());
  TROIKA_TRY(Block body, block({end}, end.substr(3)));
  take();
  if (peek().kind == TokenKind::name) take();  // {% endmacro name %}
  TROIKA_RETURN_IF_ERROR(expect_block_end());
  return body;
}

Result<Statement> Parser::statement(const Token& tag) {
  if (tag.text == "if") return if_statement(tag.line);
  if (tag.text == "for") return for_statement(tag.line);
  if (tag.text == "set") return set_statement(tag.line);
  if (tag.text == "macro") return macro_statement(tag.line);
  if (tag.text == "call") return call_statement(tag.line);
  if (tag.text == "filter") return filter_statement(tag.line);
  if (tag.text == "with") return with_statement(tag.line);
  if (tag.text == "do") {
    TROIKA_TRY(ExpressionPtr value, tuple_or_expression());
    TROIKA_RETURN_IF_ERROR(expect_block_end());
    return Statement{tag.line, DoStatement{std::move(value)}};
  }
  if (tag.text == "break" || tag.text == "continue") {
    if (loops_ == 0) return fail_at(tag.line, fmt::format("'{}' outside of a loop", tag.text));
    TROIKA_RETURN_IF_ERROR(expect_block_end());
    if (tag.text == "break") return Statement{tag.line, BreakStatement{}};
    return Statement{tag.line, ContinueStatement{}};
  }
  return enclosing_statement(tag);
}

Result<Statement> Parser::enclosing_statement(const Token& tag) {
  for (const std::string_view known : {"include", "import", "from", "extends"})
    if (tag.text == known)
      return Error(ErrorCode::unsupported,
                   fmt::format("line {}: '{}' asks for another template, wanted one that stands "
                               "alone",
                               tag.line, known));
  for (const std::string_view end : {"endgeneration", "endautoescape", "endblock"})
    if (tag.text == end.substr(3)) {
      while (peek().kind != TokenKind::block_end && peek().kind != TokenKind::end) take();
      TROIKA_TRY(Block body, body_until(end));
      return Statement{tag.line, ScopeStatement{std::move(body)}};
    }
  return fail_at(tag.line, fmt::format("no tag '{}'", printable(tag.text, 40)));
}

Result<Statement> Parser::if_statement(int line) {
  IfStatement statement;
  while (true) {
    TROIKA_TRY(ExpressionPtr condition, tuple_or_expression());
    TROIKA_RETURN_IF_ERROR(expect_block_end());
    TROIKA_TRY(Block body, block({"elif", "else", "endif"}, "if"));
    statement.branches.emplace_back(std::move(condition), std::move(body));
    if (!skip_name("elif")) break;
  }
  if (skip_name("else")) {
    TROIKA_TRY(statement.otherwise, body_until("endif"));
  } else {
    take();
    TROIKA_RETURN_IF_ERROR(expect_block_end());
  }
  return Statement{line, std::move(statement)};
}

Result<Statement> Parser::for_statement(int line) {
  ForStatement statement;
  TROIKA_TRY(statement.target, target());
  if (!skip_name("in")) return unexpected("'in'");
  TROIKA_TRY(statement.iterable, tuple_or_expression(false));
  if (skip_name("if")) {
    TROIKA_TRY(statement.condition, expression());
  }
  if (peek().is_name("recursive"))
    return Error(ErrorCode::unsupported,
                 fmt::format("line {}: a recursive loop, wanted a macro instead", line));
  TROIKA_RETURN_IF_ERROR(expect_block_end());
  loops_++;
  TROIKA_TRY(statement.body, block({"else", "endfor"}, "for"));
  loops_--;
  if (skip_name("else")) {
    TROIKA_TRY(statement.otherwise, body_until("endfor"));
  } else {
    take();
    TROIKA_RETURN_IF_ERROR(expect_block_end());
  }
  return Statement{line, std::move(statement)};
}

Result<Statement> Parser::set_statement(int line) {
  TROIKA_TRY(Target where, target());
  if (skip_sign("=")) {
    TROIKA_TRY(ExpressionPtr value, tuple_or_expression());
    TROIKA_RETURN_IF_ERROR(expect_block_end());
    return Statement{line, SetStatement{std::move(where), std::move(value)}};
  }
  SetBlockStatement statement{.target = std::move(where)};
  TROIKA_TRY(statement.filters, filters());
  TROIKA_TRY(statement.body, body_until("endset"));
  return Statement{line, std::move(statement)};
}

Result<Statement> Parser::macro_statement(int line) {
  MacroStatement statement;
  TROIKA_TRY(statement.name, name());
  TROIKA_TRY(statement.parameters, parameters());
  const int loops = std::exchange(loops_, 0);  // no break leads out of a macro
  TROIKA_TRY(statement.body, body_until("endmacro"));
  loops_ = loops;
  return Statement{line, std::move(statement)};
}

Result<Statement> Parser::call_statement(int line) {
  CallStatement statement;
  statement.caller.name = make_text("caller");
  if (peek().is_sign("(")) {
    TROIKA_TRY(statement.caller.parameters, parameters());
  }
  Suffixed callee;
  TROIKA_TRY(callee.base, primary());
  while (peek().is_sign(".") || peek().is_sign("[") || peek().is_sign("(")) {
    TROIKA_TRY(Suffix suffix, postfix());
    callee.suffixes.push_back(std::move(suffix));
  }
  if (callee.suffixes.empty() || !std::holds_alternative<Call>(callee.suffixes.back().step))
    return fail_at(line, "'call' wants the call of a macro");
  statement.arguments = std::move(std::get<Call>(callee.suffixes.back().step).arguments);
  callee.suffixes.pop_back();
  statement.callee = std::make_unique<const Expression>(Expression{line, std::move(callee)});
  const int loops = std::exchange(loops_, 0);
  TROIKA_TRY(statement.caller.body, body_until("endcall"));
  loops_ = loops;
  return Statement{line, std::move(statement)};
}

Result<Statement> Parser::filter_statement(int line) {
  FilterStatement statement;
  TROIKA_TRY(Suffix first, filter());
  TROIKA_TRY(statement.filters, filters());
  statement.filters.insert(statement.filters.begin(), std::move(first));
  TROIKA_TRY(statement.body, body_until("endfilter"));
  return Statement{line, std::move(statement)};
}

Result<Statement> Parser::with_statement(int line) {
  WithStatement statement;
  while (peek().kind != TokenKind::block_end) {
    if (!statement.variables.empty()) TROIKA_RETURN_IF_ERROR(expect_sign(","));
    TROIKA_TRY(Target where, single_target());
    TROIKA_RETURN_IF_ERROR(expect_sign("="));
    TROIKA_TRY(ExpressionPtr value, expression());
    statement.variables.emplace_back(std::move(where), std::move(value));
  }
  TROIKA_TRY(statement.body, body_until("endwith"));
  return Statement{line, std::move(statement)};
}

Result<std::vector<Parameter>> Parser::parameters() {
  TROIKA_RETURN_IF_ERROR(expect_sign("("));
  std::vector<Parameter> parameters;
  while (!skip_sign(")")) {
    if (!parameters.empty()) TROIKA_RETURN_IF_ERROR(expect_sign(","));
    Parameter parameter;
    TROIKA_TRY(parameter.name, name());
    if (skip_sign("=")) {
      TROIKA_TRY(parameter.fallback, expression());
    } else if (!parameters.empty() && parameters.back().fallback) {
      return fail_at(peek().line,
                     fmt::format("parameter '{}' without a default behind one with a default",
                                 *parameter.name));
    }
    parameters.push_back(std::move(parameter));
  }
  return parameters;
}

Result<Text> Parser::name() {
  if (peek().kind != TokenKind::name) return unexpected("a name");
  return make_text(take().text);
}

Result<Target> Parser::target() {
  TROIKA_TRY(Target first, single_target());
  if (!peek().is_sign(",")) return first;
  Target tuple;
  tuple.parts.push_back(std::move(first));
  while (skip_sign(",")) {
    if (peek().is_name("in") || peek().is_sign("=")) break;
    TROIKA_TRY(Target next, single_target());
    tuple.parts.push_back(std::move(next));
  }
  return tuple;
}

Result<Target> Parser::single_target() {
  TROIKA_TRY(const Nesting nesting, Nesting::enter(*this));
  if (skip_sign("(")) {
    TROIKA_TRY(Target inner, target());
    TROIKA_RETURN_IF_ERROR(expect_sign(")"));
    return inner;
  }
  Target target;
  TROIKA_TRY(target.name, name());
  for (const std::string_view constant : {"true", "false", "none", "True", "False", "None"})
    if (*target.name == constant)
      return fail_at(peek().line, fmt::format("'{}' cannot be assigned to", constant));
  if (skip_sign(".")) {
    TROIKA_TRY(target.attribute, name());
  }
  return target;
}

}  // namespace troika::jinja
