// Walks the tree of ast.h and writes what the template prints.
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>

#include "core/result.h"
#include "text/jinja/arguments.h"
#include "text/jinja/ast.h"
#include "text/jinja/runtime.h"

namespace troika::jinja {

class Interpreter {
 public:
  /// Borrows both. `variables` is an object; a variable is read when the template first names it.
  Interpreter(Runtime& runtime, const nlohmann::ordered_json& variables)
      : runtime_(runtime), variables_(variables) {}

  /// What `block` prints. Errors: as Template::render().
  Result<std::string> render(const Block& block);

 private:
  enum class Flow { on, broken, continued };  // how a block ended

  // Statements (interpreter.cc).
  Result<Flow> run(const Block& block);
  Result<Flow> run_one(const Statement& statement);
  Result<Flow> run(const DataStatement& statement);
  Result<Flow> run(const PrintStatement& statement);
  Result<Flow> run(const IfStatement& statement);
  Result<Flow> run(const ForStatement& statement);
  Result<Flow> run(const SetStatement& statement);
  Result<Flow> run(const SetBlockStatement& statement);
  Result<Flow> run(const MacroStatement& statement);
  Result<Flow> run(const CallStatement& statement);
  Result<Flow> run(const FilterStatement& statement);
  Result<Flow> run(const WithStatement& statement);
  Result<Flow> run(const DoStatement& statement);
  Result<Flow> run(const ScopeStatement& statement);
  Result<Flow> run(const BreakStatement&) { return Flow::broken; }
  Result<Flow> run(const ContinueStatement&) { return Flow::continued; }
  Result<std::vector<Value>> loop_items(const ForStatement& statement);
  Result<bool> run_rounds(const ForStatement& statement, Loop& loop);
  Result<std::string> capture(const Block& block);
  Status assign(const Target& target, const Value& value);
  Status emit(std::string_view text);

  // Expressions (evaluate.cc).
  Result<Value> evaluate(const Expression& expression);
  Result<Value> value_of(const Literal& literal);
  Result<Value> value_of(const Variable& variable);
  Result<Value> value_of(const ListLiteral& list);
  Result<Value> value_of(const DictLiteral& dict);
  Result<Value> value_of(const Negation& negation);
  Result<Value> value_of(const Signed& signed_value);
  Result<Value> value_of(const Logic& logic);
  Result<Value> value_of(const Compare& compare);
  Result<Value> value_of(const Arithmetic& arithmetic);
  Result<Value> value_of(const Concatenation& concatenation);
  Result<Value> value_of(const Conditional& conditional);
  Result<Value> value_of(const Suffixed& suffixed);
  Result<Value> with_suffixes(Value value, std::span<const Suffix> suffixes);
  Result<Value> with_step(const Value& value, const Attribute& step);
  Result<Value> with_step(const Value& value, const Item& step);
  Result<Value> with_step(const Value& value, const Slice& step);
  Result<Value> with_step(const Value& value, const Call& step);
  Result<Value> with_step(const Value& value, const Filter& step);
  Result<Value> with_step(const Value& value, const Test& step);
  Result<Value> optional_value(const ExpressionPtr& expression);
  Result<Arguments> arguments_of(std::span<const Argument> arguments);
  Result<Value> call(const Value& callee, const Arguments& arguments);
  Result<Value> call_macro(const Function& function, const Arguments& arguments);
  Status bind(const MacroStatement& macro, const Arguments& arguments);
  Result<Value> find_variable(const Text& name);

  Runtime& runtime_;
  const nlohmann::ordered_json& variables_;
  Scope* global_ = nullptr;  // of variables that were read
  Scope* scope_ = nullptr;
  std::string* out_ = nullptr;
};

}  // namespace troika::jinja
