// What one render has: its limits and what is left of them, the values that it owns, the line it is
// at. Everything that makes a value asks here first.
#pragma once

#include <ctime>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "core/result.h"
#include "text/jinja/limits.h"
#include "text/jinja/value.h"

namespace troika::jinja {

class Runtime {
 public:
  Runtime(const Limits& limits, const std::tm& now) : limits_(limits), now_(now) {}
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  const Limits& limits() const { return limits_; }
  const std::tm& now() const { return now_; }  // the local time that the template is told

  /// Counts `count` steps. Errors: exhausted.
  Status step(int64_t count = 1);

  /// Counts steps for work that looks through all of `value`: its bytes or its items.
  Status step_through(const Value& value);

  /// Counts `bytes` that are about to be made, and steps for making them. Errors: exhausted.
  Status reserve(int64_t bytes);

  /// Allows for the variables that a render reads: `bytes` of input.
  void add_input(int64_t bytes) { memory_left_ += bytes * limits_.memory_bytes_per_input; }

  /// Goes one level down; leave() undoes it. Errors: exhausted, and then there is nothing to undo.
  Status enter();
  void leave() { depth_--; }

  /// New values, counted. Errors: exhausted.
  Result<Value> text(std::string bytes);
  Result<Value> list(std::vector<Value> items, bool is_tuple = false);
  Result<Dict*> dict();
  Result<Value> space(Dict variables);
  Result<Value> function(Function function);
  Result<Loop*> loop(std::vector<Value> items);
  Result<Scope*> scope(Scope* parent);

  /// Whether a string of so many bytes may be; to be asked before it is built. Errors: exhausted.
  Status check_text(int64_t bytes) const;

  /// Whether `count` more values may be put into a list. Errors: exhausted.
  Status reserve_items(int64_t count) { return reserve(count * int64_t{sizeof(Value)}); }

  /// The line of the template that is being carried out, from 1.
  void at_line(int line) { line_ = line; }
  int line() const { return line_; }

  /// An error of the template at this line: it did with these variables what cannot be done.
  template <typename... Args>
  Error fail(fmt::format_string<Args...> format, Args&&... args) const {
    return Error(ErrorCode::unsupported, located(fmt::format(format, std::forward<Args>(args)...)));
  }

  /// That `value`, which is undefined, was used.
  Error undefined(const Value& value) const;

 private:
  std::string located(const std::string& what) const;
  Error exhausted(const std::string& what) const;

  Limits limits_;
  std::tm now_;
  int64_t steps_ = 0;
  int64_t memory_left_ = limits_.memory_bytes;
  int32_t depth_ = 0;
  int line_ = 1;
  std::deque<List> lists_;
  std::deque<Dict> dicts_;
  std::deque<Namespace> spaces_;
  std::deque<Loop> loops_;
  std::deque<Function> functions_;
  std::deque<Scope> scopes_;
};

/// One level of nesting, left when it goes.
class Level {
 public:
  static Result<Level> enter(Runtime& runtime) {
    TROIKA_RETURN_IF_ERROR(runtime.enter());
    return Level(runtime);
  }
  Level(Level&& other) noexcept : runtime_(std::exchange(other.runtime_, nullptr)) {}
  Level& operator=(Level&&) = delete;
  ~Level() {
    if (runtime_ != nullptr) runtime_->leave();
  }

 private:
  explicit Level(Runtime& runtime) : runtime_(&runtime) {}
  Runtime* runtime_;
};

}  // namespace troika::jinja
