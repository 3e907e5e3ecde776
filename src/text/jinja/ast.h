// A template as a tree: statements and expressions. Chains (a + b + c, a.b[0]|trim, if … elif …)
// are lists, not towers, so that how deep the tree is says how deeply the source nests, which the
// parser bounds.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "text/jinja/value.h"

namespace troika::jinja {

struct Expression;
using ExpressionPtr = std::unique_ptr<const Expression>;  // null: left out

// Expressions.

struct Literal {
  Value value;
};

struct Variable {
  Text name;
};

struct ListLiteral {
  std::vector<ExpressionPtr> items;
  bool is_tuple = false;
};

struct DictLiteral {
  std::vector<std::pair<ExpressionPtr, ExpressionPtr>> entries;
};

struct Negation {  // not x
  ExpressionPtr operand;
};

struct Signed {  // -x, +x
  char sign;
  ExpressionPtr operand;
};

struct Logic {  // a and b and c, or the same with or
  bool is_and;
  std::vector<ExpressionPtr> operands;
};

enum class Comparison { equal, unequal, less, less_equal, greater, greater_equal, in, not_in };

struct Compare {  // a < b <= c
  ExpressionPtr first;
  std::vector<std::pair<Comparison, ExpressionPtr>> rest;
};

enum class Operator { add, subtract, multiply, divide, floor_divide, modulo, power };

struct Arithmetic {  // from left to right
  ExpressionPtr first;
  std::vector<std::pair<Operator, ExpressionPtr>> rest;
};

struct Concatenation {  // a ~ b ~ c
  std::vector<ExpressionPtr> parts;
};

struct Conditional {  // then if condition else otherwise
  ExpressionPtr condition, then, otherwise;
};

struct Argument {
  Text name;  // null: by position
  ExpressionPtr value;
};

struct Attribute {  // .name
  Text name;
};

struct Item {  // [key]
  ExpressionPtr key;
};

struct Slice {  // [start:stop:step]
  ExpressionPtr start, stop, step;
};

struct Call {  // (arguments)
  std::vector<Argument> arguments;
};

struct Filter {  // |name(arguments)
  std::string name;
  std::vector<Argument> arguments;
};

struct Test {  // is [not] name(arguments)
  std::string name;
  bool negated = false;
  std::vector<Argument> arguments;
};

struct Suffix {
  int line;
  std::variant<Attribute, Item, Slice, Call, Filter, Test> step;
};

struct Suffixed {  // base.a[0](x)|f is t
  ExpressionPtr base;
  std::vector<Suffix> suffixes;
};

struct Expression {
  int line;
  std::variant<Literal, Variable, ListLiteral, DictLiteral, Negation, Signed, Logic, Compare,
               Arithmetic, Concatenation, Conditional, Suffixed>
      node;
};

// Statements.

struct Statement;
using Block = std::vector<Statement>;

/// What is assigned to: a variable, an attribute of a namespace, or several of them.
struct Target {
  Text name;
  Text attribute;             // null: the variable itself
  std::vector<Target> parts;  // of a tuple; then there is no name
};

struct DataStatement {
  std::string text;
};

struct PrintStatement {
  ExpressionPtr value;
};

struct IfStatement {
  std::vector<std::pair<ExpressionPtr, Block>> branches;
  Block otherwise;
};

struct ForStatement {
  Target target;
  ExpressionPtr iterable;
  ExpressionPtr condition;  // null: all
  Block body, otherwise;
};

struct SetStatement {
  Target target;
  ExpressionPtr value;
};

struct SetBlockStatement {
  Target target;
  std::vector<Suffix> filters;
  Block body;
};

struct Parameter {
  Text name;
  ExpressionPtr fallback;  // null: undefined
};

struct MacroStatement {
  Text name;
  std::vector<Parameter> parameters;
  Block body;
};

struct CallStatement {  // {% call(parameters) macro() %}…: body is what caller() gives
  ExpressionPtr callee;
  std::vector<Argument> arguments;
  MacroStatement caller;
};

struct FilterStatement {
  std::vector<Suffix> filters;
  Block body;
};

struct WithStatement {
  std::vector<std::pair<Target, ExpressionPtr>> variables;
  Block body;
};

struct DoStatement {
  ExpressionPtr value;
};

struct ScopeStatement {  // a tag that only encloses: generation, autoescape, block
  Block body;
};

struct BreakStatement {};
struct ContinueStatement {};

struct Statement {
  int line;
  std::variant<DataStatement, PrintStatement, IfStatement, ForStatement, SetStatement,
               SetBlockStatement, MacroStatement, CallStatement, FilterStatement, WithStatement,
               DoStatement, ScopeStatement, BreakStatement, ContinueStatement>
      node;
};

}  // namespace troika::jinja
