// Tokens into the tree of ast.h, by recursive descent. Source of the grammar: Jinja's
// documentation, "List of Control Structures" and "Expressions".
#pragma once

#include <initializer_list>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.h"
#include "text/jinja/ast.h"
#include "text/jinja/token.h"

namespace troika::jinja {

class Parser {
 public:
  explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  /// The whole template. Errors: corrupt — it is no template, or nests deeper than
  /// kSourceDepthMax; unsupported — a tag that works on other files (include, extends, import).
  Result<Block> parse();

 private:
  class Nesting;

  // Statements (parser.cc). A block ends before the name of a tag in `ends`, which is consumed.
  Result<Block> block(std::initializer_list<std::string_view> ends, std::string_view opened);
  Result<Block> body_until(std::string_view end);
  Result<Statement> statement(const Token& tag);
  Result<Statement> enclosing_statement(const Token& tag);
  Result<Statement> if_statement(int line);
  Result<Statement> for_statement(int line);
  Result<Statement> set_statement(int line);
  Result<Statement> macro_statement(int line);
  Result<Statement> call_statement(int line);
  Result<Statement> filter_statement(int line);
  Result<Statement> with_statement(int line);
  Result<std::vector<Parameter>> parameters();
  Result<Target> target();
  Result<Target> single_target();
  Result<Text> name();

  // Expressions (parser_expressions.cc), from the loosest binding to the tightest.
  Result<ExpressionPtr> tuple_or_expression(bool conditional = true);
  Result<ExpressionPtr> expression();
  Result<ExpressionPtr> disjunction();
  Result<ExpressionPtr> conjunction();
  Result<ExpressionPtr> negation();
  Result<ExpressionPtr> comparison();
  Result<ExpressionPtr> sum();
  Result<ExpressionPtr> concatenation();
  Result<ExpressionPtr> product();
  Result<ExpressionPtr> power();
  Result<ExpressionPtr> unary(bool with_filters);
  Result<ExpressionPtr> primary();
  Result<ExpressionPtr> parenthesized();
  Result<ExpressionPtr> list_literal();
  Result<ExpressionPtr> dict_literal();
  Result<ExpressionPtr> logic(bool is_and);
  Result<ExpressionPtr> suffixed(ExpressionPtr base, bool with_filters);
  Result<Suffix> postfix();
  Result<Suffix> subscript();
  Result<Suffix> filter();
  Result<Suffix> test();
  Result<std::vector<Suffix>> filters();
  Result<std::vector<Argument>> arguments();
  bool takes_bare_argument() const;

  // Tokens.
  const Token& peek(size_t ahead = 0) const;
  Token take();
  bool skip_sign(std::string_view sign);
  bool skip_name(std::string_view name);
  Status expect_sign(std::string_view sign);
  Status expect_block_end();
  Error unexpected(std::string_view wanted) const;
  Error fail_at(int line, const std::string& what) const;

  std::vector<Token> tokens_;  // the last is of kind end
  size_t at_ = 0;
  int depth_ = 0;
  int loops_ = 0;  // loops around, for break and continue
};

/// One level of nesting of the source, left when it goes.
class Parser::Nesting {
 public:
  static Result<Nesting> enter(Parser& parser);
  Nesting(Nesting&& other) noexcept : parser_(std::exchange(other.parser_, nullptr)) {}
  Nesting& operator=(Nesting&&) = delete;
  ~Nesting() {
    if (parser_ != nullptr) parser_->depth_--;
  }

 private:
  explicit Nesting(Parser& parser) : parser_(&parser) {}
  Parser* parser_;
};

}  // namespace troika::jinja
