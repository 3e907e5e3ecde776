#include "text/jinja/runtime.h"

namespace troika::jinja {

Status Runtime::step(int64_t count) {
  steps_ += count;
  if (steps_ > limits_.steps) return exhausted(fmt::format("more than {} steps", limits_.steps));
  return ok();
}

Status Runtime::step_through(const Value& value) {
  constexpr int64_t kBytes = 64, kItems = 4;  // about as much work as a step is else
  if (value.is(Kind::text)) return step(std::ssize(value.text()) / kBytes);
  if (value.is(Kind::list)) return step(std::ssize(value.list().items) / kItems);
  if (value.is(Kind::dict)) return step(std::ssize(value.dict().entries) / kItems);
  return ok();
}

Status Runtime::reserve(int64_t bytes) {
  TROIKA_RETURN_IF_ERROR(step(bytes / 256));
  if (bytes > memory_left_)
    return exhausted(fmt::format("values of more than {} bytes in all", limits_.memory_bytes));
  memory_left_ -= bytes;
  return ok();
}

Status Runtime::enter() {
  if (depth_ >= limits_.depth)
    return exhausted(fmt::format("nested deeper than {} levels", limits_.depth));
  depth_++;
  return ok();
}

Status Runtime::check_text(int64_t bytes) const {
  if (bytes > limits_.value_bytes)
    return exhausted(fmt::format("a string of {} bytes, at most {}", bytes, limits_.value_bytes));
  return ok();
}

Result<Value> Runtime::text(std::string bytes) {
  const auto size = static_cast<int64_t>(bytes.size());
  TROIKA_RETURN_IF_ERROR(check_text(size));
  TROIKA_RETURN_IF_ERROR(reserve(size + int64_t{sizeof(std::string)}));
  return Value(make_text(std::move(bytes)));
}

Result<Value> Runtime::list(std::vector<Value> items, bool is_tuple) {
  TROIKA_RETURN_IF_ERROR(
      reserve(int64_t{sizeof(List)} + static_cast<int64_t>(items.size() * sizeof(Value))));
  return Value(&lists_.emplace_back(List{std::move(items), is_tuple}));
}

Result<Dict*> Runtime::dict() {
  TROIKA_RETURN_IF_ERROR(reserve(sizeof(Dict)));
  return &dicts_.emplace_back();
}

Result<Value> Runtime::space(Dict variables) {
  TROIKA_RETURN_IF_ERROR(reserve(sizeof(Namespace)));
  return Value(&spaces_.emplace_back(Namespace{std::move(variables)}));
}

Result<Value> Runtime::function(Function function) {
  TROIKA_RETURN_IF_ERROR(reserve(sizeof(Function)));
  return Value(&functions_.emplace_back(std::move(function)));
}

Result<Loop*> Runtime::loop(std::vector<Value> items) {
  TROIKA_RETURN_IF_ERROR(
      reserve(int64_t{sizeof(Loop)} + static_cast<int64_t>(items.size() * sizeof(Value))));
  Loop& loop = loops_.emplace_back();
  loop.length = std::ssize(items);
  loop.items = std::move(items);
  return &loop;
}

Result<Scope*> Runtime::scope(Scope* parent) {
  TROIKA_RETURN_IF_ERROR(reserve(sizeof(Scope)));
  Scope& scope = scopes_.emplace_back();
  scope.parent = parent;
  return &scope;
}

Error Runtime::undefined(const Value& value) const {
  const Undefined& what = value.undefined();
  const std::string name = what.name ? *what.name : "a value";
  if (what.owner == nullptr) return fail("'{}' is undefined", name);
  return fail("'{}' has no attribute '{}'", what.owner, name);
}

std::string Runtime::located(const std::string& what) const {
  return fmt::format("line {}: {}", line_, what);
}

Error Runtime::exhausted(const std::string& what) const {
  return Error(ErrorCode::exhausted, located(what));
}

}  // namespace troika::jinja
