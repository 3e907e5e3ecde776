#include "text/jinja/interpreter.h"

#include "text/jinja/operators.h"
#include "text/jinja/print.h"

namespace troika::jinja {

Result<std::string> Interpreter::render(const Block& block) {
  TROIKA_TRY(global_, runtime_.scope(nullptr));
  TROIKA_TRY(scope_, runtime_.scope(global_));
  return capture(block);
}

Result<std::string> Interpreter::capture(const Block& block) {
  std::string text;
  std::string* const around = std::exchange(out_, &text);
  TROIKA_RETURN_IF_ERROR(run(block));
  out_ = around;
  return text;
}

Status Interpreter::emit(std::string_view text) {
  const auto bytes = static_cast<int64_t>(text.size());
  if (std::ssize(*out_) + bytes > runtime_.limits().output_bytes)
    return Error(ErrorCode::exhausted,
                 fmt::format("line {}: more than {} bytes of output", runtime_.line(),
                             runtime_.limits().output_bytes));
  TROIKA_RETURN_IF_ERROR(runtime_.reserve(bytes));
  *out_ += text;
  return ok();
}

Result<Interpreter::Flow> Interpreter::run(const Block& block) {
  TROIKA_TRY(const Level level, Level::enter(runtime_));
  for (const Statement& statement : block) {
    TROIKA_TRY(const Flow flow, run_one(statement));
    if (flow != Flow::on) return flow;
  }
  return Flow::on;
}

Result<Interpreter::Flow> Interpreter::run_one(const Statement& statement) {
  runtime_.at_line(statement.line);
  TROIKA_RETURN_IF_ERROR(runtime_.step());
  return std::visit([this](const auto& node) { return run(node); }, statement.node);
}

Result<Interpreter::Flow> Interpreter::run(const DataStatement& statement) {
  TROIKA_RETURN_IF_ERROR(emit(statement.text));
  return Flow::on;
}

Result<Interpreter::Flow> Interpreter::run(const PrintStatement& statement) {
  TROIKA_TRY(const Value value, evaluate(*statement.value));
  TROIKA_TRY(const Value text, to_text(runtime_, value));
  TROIKA_RETURN_IF_ERROR(emit(text.text()));
  return Flow::on;
}

Result<Interpreter::Flow> Interpreter::run(const IfStatement& statement) {
  for (const auto& [condition, body] : statement.branches) {
    TROIKA_TRY(const Value holds, evaluate(*condition));
    if (holds.truth()) return run(body);
  }
  return run(statement.otherwise);
}

Result<Interpreter::Flow> Interpreter::run(const ForStatement& statement) {
  TROIKA_TRY(std::vector<Value> items, loop_items(statement));
  if (items.empty()) return run(statement.otherwise);
  TROIKA_TRY(Loop* const loop, runtime_.loop(std::move(items)));
  Scope* const around = scope_;
  TROIKA_TRY(const bool completed, run_rounds(statement, *loop));
  scope_ = around;
  loop->items = {};
  // As Jinja2 has it: `else` is for loops of which no round came to its end.
  return completed ? Result<Flow>(Flow::on) : run(statement.otherwise);
}

Result<std::vector<Value>> Interpreter::loop_items(const ForStatement& statement) {
  TROIKA_TRY(const Value iterable, evaluate(*statement.iterable));
  TROIKA_TRY(std::vector<Value> items, iterate(runtime_, iterable));
  if (!statement.condition) return items;
  Scope* const around = scope_;
  TROIKA_TRY(scope_, runtime_.scope(around));
  std::vector<Value> chosen;
  for (const Value& item : items) {
    TROIKA_RETURN_IF_ERROR(assign(statement.target, item));
    TROIKA_TRY(const Value holds, evaluate(*statement.condition));
    if (holds.truth()) chosen.push_back(item);
  }
  scope_ = around;
  return chosen;
}

Result<bool> Interpreter::run_rounds(const ForStatement& statement, Loop& loop) {
  Scope* const around = scope_;
  TROIKA_TRY(scope_, runtime_.scope(around));
  bool completed = false;
  for (; loop.index < loop.length; loop.index++) {
    TROIKA_RETURN_IF_ERROR(runtime_.step());
    // A macro that was written in the round before still needs its variables.
    if (scope_->captured) {
      TROIKA_TRY(scope_, runtime_.scope(around));
    }
    scope_->variables.clear();
    scope_->set("loop", &loop);
    TROIKA_RETURN_IF_ERROR(assign(statement.target, loop.items[static_cast<size_t>(loop.index)]));
    TROIKA_TRY(const Flow flow, run(statement.body));
    completed = completed || flow == Flow::on;
    if (flow == Flow::broken) break;
  }
  return completed;
}

Result<Interpreter::Flow> Interpreter::run(const SetStatement& statement) {
  TROIKA_TRY(const Value value, evaluate(*statement.value));
  TROIKA_RETURN_IF_ERROR(assign(statement.target, value));
  return Flow::on;
}

Result<Interpreter::Flow> Interpreter::run(const SetBlockStatement& statement) {
  Scope* const around = scope_;
  TROIKA_TRY(scope_, runtime_.scope(around));
  TROIKA_TRY(std::string body, capture(statement.body));
  scope_ = around;
  TROIKA_TRY(Value text, runtime_.text(std::move(body)));
  TROIKA_TRY(const Value value, with_suffixes(std::move(text), statement.filters));
  TROIKA_RETURN_IF_ERROR(assign(statement.target, value));
  return Flow::on;
}

Result<Interpreter::Flow> Interpreter::run(const MacroStatement& statement) {
  for (Scope* scope = scope_; scope != nullptr && !scope->captured; scope = scope->parent)
    scope->captured = true;
  TROIKA_TRY(const Value macro,
             runtime_.function({.name = statement.name, .macro = &statement, .scope = scope_}));
  scope_->set(*statement.name, macro);
  return Flow::on;
}

Result<Interpreter::Flow> Interpreter::run(const CallStatement& statement) {
  TROIKA_TRY(const Value callee, evaluate(*statement.callee));
  TROIKA_TRY(Arguments arguments, arguments_of(statement.arguments));
  TROIKA_TRY(const Value caller,
             runtime_.function(
                 {.name = statement.caller.name, .macro = &statement.caller, .scope = scope_}));
  arguments.named.emplace_back(*statement.caller.name, caller);
  TROIKA_TRY(const Value value, call(callee, arguments));
  TROIKA_TRY(const Value text, to_text(runtime_, value));
  TROIKA_RETURN_IF_ERROR(emit(text.text()));
  return Flow::on;
}

Result<Interpreter::Flow> Interpreter::run(const FilterStatement& statement) {
  Scope* const around = scope_;
  TROIKA_TRY(scope_, runtime_.scope(around));
  TROIKA_TRY(std::string body, capture(statement.body));
  scope_ = around;
  TROIKA_TRY(Value text, runtime_.text(std::move(body)));
  TROIKA_TRY(const Value value, with_suffixes(std::move(text), statement.filters));
  TROIKA_TRY(const Value printed, to_text(runtime_, value));
  TROIKA_RETURN_IF_ERROR(emit(printed.text()));
  return Flow::on;
}

Result<Interpreter::Flow> Interpreter::run(const WithStatement& statement) {
  // Values see what is around, not each other.
  std::vector<Value> values;
  for (const auto& [target, expression] : statement.variables) {
    TROIKA_TRY(Value value, evaluate(*expression));
    values.push_back(std::move(value));
  }
  Scope* const around = scope_;
  TROIKA_TRY(scope_, runtime_.scope(around));
  for (size_t i = 0; i < values.size(); i++)
    TROIKA_RETURN_IF_ERROR(assign(statement.variables[i].first, values[i]));
  TROIKA_TRY(const Flow flow, run(statement.body));
  scope_ = around;
  return flow;
}

Result<Interpreter::Flow> Interpreter::run(const DoStatement& statement) {
  TROIKA_RETURN_IF_ERROR(evaluate(*statement.value));
  return Flow::on;
}

Result<Interpreter::Flow> Interpreter::run(const ScopeStatement& statement) {
  Scope* const around = scope_;
  TROIKA_TRY(scope_, runtime_.scope(around));
  TROIKA_TRY(const Flow flow, run(statement.body));
  scope_ = around;
  return flow;
}

Status Interpreter::assign(const Target& target, const Value& value) {
  if (!target.parts.empty()) {
    TROIKA_TRY(const std::vector<Value> parts, iterate(runtime_, value));
    if (parts.size() != target.parts.size())
      return runtime_.fail("{} values for {} variables", parts.size(), target.parts.size());
    for (size_t i = 0; i < parts.size(); i++)
      TROIKA_RETURN_IF_ERROR(assign(target.parts[i], parts[i]));
    return ok();
  }
  TROIKA_RETURN_IF_ERROR(runtime_.reserve_items(1));
  if (!target.attribute) {
    scope_->set(*target.name, value);
    return ok();
  }
  TROIKA_TRY(const Value owner, find_variable(target.name));
  if (!owner.is(Kind::space))
    return runtime_.fail("'{}.{}' set on {}, wanted a namespace", *target.name, *target.attribute,
                         owner.object_name());
  Dict& variables = owner.space().variables;
  if (Value* const known = variables.find(*target.attribute))
    *known = value;
  else
    variables.entries.emplace_back(target.attribute, value);
  return ok();
}

}  // namespace troika::jinja
