// The Interpreter's expressions and calls.
#include "text/jinja/conditions.h"
#include "text/jinja/filters.h"
#include "text/jinja/functions.h"
#include "text/jinja/interpreter.h"
#include "text/jinja/json.h"
#include "text/jinja/methods.h"
#include "text/jinja/operators.h"
#include "text/jinja/print.h"
#include "text/jinja/subscript.h"

namespace troika::jinja {

Result<Value> Interpreter::evaluate(const Expression& expression) {
  runtime_.at_line(expression.line);
  TROIKA_RETURN_IF_ERROR(runtime_.step());
  TROIKA_TRY(const Level level, Level::enter(runtime_));
  return std::visit([this](const auto& node) { return value_of(node); }, expression.node);
}

Result<Value> Interpreter::optional_value(const ExpressionPtr& expression) {
  if (!expression) return Value();
  return evaluate(*expression);
}

Result<Value> Interpreter::value_of(const Literal& literal) {
  return literal.value;
}

Result<Value> Interpreter::value_of(const Variable& variable) {
  return find_variable(variable.name);
}

Result<Value> Interpreter::find_variable(const Text& name) {
  if (const Value* const known = scope_->find(*name)) return *known;
  if (const auto given = variables_.find(*name); given != variables_.end()) {
    runtime_.add_input(json_bytes(*given));
    TROIKA_TRY(Value value, from_json(runtime_, *given));
    global_->set(*name, value);
    return value;
  }
  if (!has_function(*name)) return Value(Undefined{.name = name});
  TROIKA_TRY(Value function, runtime_.function({.name = name}));
  global_->set(*name, function);
  return function;
}

Result<Value> Interpreter::value_of(const ListLiteral& list) {
  std::vector<Value> items;
  items.reserve(list.items.size());
  for (const ExpressionPtr& each : list.items) {
    TROIKA_TRY(Value item, evaluate(*each));
    items.push_back(std::move(item));
  }
  return runtime_.list(std::move(items), list.is_tuple);
}

Result<Value> Interpreter::value_of(const DictLiteral& literal) {
  TROIKA_TRY(Dict* const dict, runtime_.dict());
  TROIKA_RETURN_IF_ERROR(runtime_.reserve_items(2 * std::ssize(literal.entries)));
  for (const auto& [key_expression, value_expression] : literal.entries) {
    TROIKA_TRY(const Value key, evaluate(*key_expression));
    TROIKA_TRY(const Value value, evaluate(*value_expression));
    TROIKA_TRY(Value* const known, find_key(runtime_, *dict, key));
    if (known != nullptr)
      *known = value;
    else
      dict->entries.emplace_back(key, value);
  }
  return Value(dict);
}

Result<Value> Interpreter::value_of(const Negation& negation) {
  TROIKA_TRY(const Value value, evaluate(*negation.operand));
  return Value::boolean(!value.truth());
}

Result<Value> Interpreter::value_of(const Signed& signed_value) {
  TROIKA_TRY(const Value value, evaluate(*signed_value.operand));
  return apply_sign(runtime_, signed_value.sign, value);
}

Result<Value> Interpreter::value_of(const Logic& logic) {
  Value value;
  for (const ExpressionPtr& operand : logic.operands) {
    TROIKA_TRY(value, evaluate(*operand));
    if (value.truth() != logic.is_and) break;
  }
  return value;
}

Result<Value> Interpreter::value_of(const Compare& comparison) {
  TROIKA_TRY(Value left, evaluate(*comparison.first));
  for (const auto& [sign, expression] : comparison.rest) {
    TROIKA_TRY(Value right, evaluate(*expression));
    TROIKA_TRY(const bool holds, compare(runtime_, sign, left, right));
    if (!holds) return Value::boolean(false);
    left = std::move(right);
  }
  return Value::boolean(true);
}

Result<Value> Interpreter::value_of(const Arithmetic& arithmetic) {
  TROIKA_TRY(Value value, evaluate(*arithmetic.first));
  for (const auto& [operation, expression] : arithmetic.rest) {
    TROIKA_TRY(const Value right, evaluate(*expression));
    TROIKA_TRY(value, calculate(runtime_, operation, value, right));
  }
  return value;
}

Result<Value> Interpreter::value_of(const Concatenation& concatenation) {
  std::string text;
  for (const ExpressionPtr& part : concatenation.parts) {
    TROIKA_TRY(const Value value, evaluate(*part));
    TROIKA_RETURN_IF_ERROR(append_text(runtime_, value, text));
  }
  return runtime_.text(std::move(text));
}

Result<Value> Interpreter::value_of(const Conditional& conditional) {
  TROIKA_TRY(const Value condition, evaluate(*conditional.condition));
  return optional_value(condition.truth() ? conditional.then : conditional.otherwise);
}

Result<Value> Interpreter::value_of(const Suffixed& suffixed) {
  TROIKA_TRY(Value base, evaluate(*suffixed.base));
  return with_suffixes(std::move(base), suffixed.suffixes);
}

Result<Value> Interpreter::with_suffixes(Value value, std::span<const Suffix> suffixes) {
  for (const Suffix& suffix : suffixes) {
    runtime_.at_line(suffix.line);
    TROIKA_RETURN_IF_ERROR(runtime_.step());
    TROIKA_TRY(value,
               std::visit([&](const auto& step) { return with_step(value, step); }, suffix.step));
  }
  return value;
}

Result<Value> Interpreter::with_step(const Value& value, const Attribute& step) {
  return attribute_of(runtime_, value, step.name);
}

Result<Value> Interpreter::with_step(const Value& value, const Item& step) {
  TROIKA_TRY(const Value key, evaluate(*step.key));
  return item_of(runtime_, value, key);
}

Result<Value> Interpreter::with_step(const Value& value, const Slice& step) {
  SliceBounds bounds;
  TROIKA_TRY(bounds.start, optional_value(step.start));
  TROIKA_TRY(bounds.stop, optional_value(step.stop));
  TROIKA_TRY(bounds.step, optional_value(step.step));
  return slice_of(runtime_, value, bounds);
}

Result<Value> Interpreter::with_step(const Value& value, const Call& step) {
  TROIKA_TRY(const Arguments arguments, arguments_of(step.arguments));
  return call(value, arguments);
}

Result<Value> Interpreter::with_step(const Value& value, const Filter& step) {
  TROIKA_TRY(const Arguments arguments, arguments_of(step.arguments));
  return apply_filter(runtime_, step.name, value, arguments);
}

Result<Value> Interpreter::with_step(const Value& value, const Test& step) {
  TROIKA_TRY(const Arguments arguments, arguments_of(step.arguments));
  TROIKA_TRY(const bool holds, check_condition(runtime_, step.name, value, arguments));
  return Value::boolean(holds != step.negated);
}

Result<Arguments> Interpreter::arguments_of(std::span<const Argument> expressions) {
  Arguments arguments;
  for (const Argument& argument : expressions) {
    TROIKA_TRY(Value value, evaluate(*argument.value));
    if (argument.name)
      arguments.named.emplace_back(*argument.name, std::move(value));
    else
      arguments.positional.push_back(std::move(value));
  }
  return arguments;
}

Result<Value> Interpreter::call(const Value& callee, const Arguments& arguments) {
  if (callee.is_undefined()) return runtime_.undefined(callee);
  if (!callee.is(Kind::function)) return runtime_.fail("a call of {}", callee.type_name());
  const Function& function = callee.function();
  if (function.macro != nullptr) return call_macro(function, arguments);
  if (!function.self.is_undefined()) return call_method(runtime_, function, arguments);
  return call_function(runtime_, *function.name, arguments);
}

Result<Value> Interpreter::call_macro(const Function& function, const Arguments& arguments) {
  const int line = runtime_.line();
  Scope* const around = scope_;
  TROIKA_TRY(scope_, runtime_.scope(function.scope));
  TROIKA_RETURN_IF_ERROR(bind(*function.macro, arguments));
  TROIKA_TRY(std::string text, capture(function.macro->body));
  scope_ = around;
  runtime_.at_line(line);
  return runtime_.text(std::move(text));
}

Status Interpreter::bind(const MacroStatement& macro, const Arguments& arguments) {
  if (arguments.positional.size() > macro.parameters.size())
    return runtime_.fail("{} arguments of macro '{}', wanted at most {}",
                         arguments.positional.size(), *macro.name, macro.parameters.size());
  for (const auto& [name, value] : arguments.named) {
    bool known = name == "caller";
    for (const Parameter& parameter : macro.parameters) known = known || *parameter.name == name;
    if (!known) return runtime_.fail("macro '{}' takes no argument '{}'", *macro.name, name);
    if (name == "caller") scope_->set(name, value);
  }
  for (size_t i = 0; i < macro.parameters.size(); i++) {
    const Parameter& parameter = macro.parameters[i];
    Value value = Undefined{.name = parameter.name};
    if (const Value* const given = arguments.find(static_cast<int>(i), *parameter.name)) {
      value = *given;
    } else if (parameter.fallback) {
      TROIKA_TRY(value, evaluate(*parameter.fallback));
    }
    scope_->set(*parameter.name, std::move(value));
  }
  return ok();
}

}  // namespace troika::jinja
