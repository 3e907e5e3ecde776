// How things fail: by value. Result<T> holds a T or an Error, Status an Error or nothing.
// Input, files, requests, memory and devices return these; our own bugs stop the process
// (core/check.h).
#pragma once

#include <fmt/format.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace troika {

/// What kind of failure; `serve` maps it to an HTTP status and `cli` to an exit code.
enum class ErrorCode {
  invalid_argument,  // the caller asked for something that makes no sense
  not_found,         // a file, a tensor, a key that must be there is not
  corrupt,           // a file says something impossible
  unsupported,       // sound, but not something this build or device can do
  exhausted,         // memory, pages, queue places
  cancelled,         // somebody asked to stop
  device_lost,       // an accelerator went away
  internal           // a bug reached through a border where stopping is worse
};

/// The name of `code` as it is spelt in the enumeration, for messages and logs.
std::string_view error_code_name(ErrorCode code);

/// A failure: its kind, and one line that names the thing, the value got and the value wanted.
class [[nodiscard]] Error {
 public:
  Error(ErrorCode code, std::string message) : code_(code), message_(std::move(message)) {}
  ErrorCode code() const { return code_; }
  const std::string& message() const { return message_; }

 private:
  ErrorCode code_;
  std::string message_;
};

/// Makes an Error from a format string in fmt's syntax.
template <typename... Args>
Error fail(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  return Error(code, fmt::format(format, std::forward<Args>(args)...));
}

/// A T or an Error. Reading the wrong one is a bug of the reader (undefined), so look first.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: by design
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: by design
  template <typename U>
  requires(std::is_convertible_v<U&&, T> && !std::is_same_v<std::remove_cvref_t<U>, T> &&
           !std::is_same_v<std::remove_cvref_t<U>, Error> &&
           !std::is_same_v<std::remove_cvref_t<U>, Result>) Result(U&& value)
      : state_(std::in_place_index<0>, std::forward<U>(value)) {}  // NOLINT

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }
  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  T& operator*() & { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  const Error& error() const& { return std::get<1>(state_); }
  Error&& error() && { return std::get<1>(std::move(state_)); }

 private:
  std::variant<T, Error> state_;
};

/// An Error or nothing.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT: by design
  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  const Error& error() const& { return *error_; }
  Error&& error() && { return *std::move(error_); }

 private:
  std::optional<Error> error_;
};
using Status = Result<void>;

/// Success.
inline Status ok() {
  return {};
}

}  // namespace troika

#define TROIKA_CONCAT_INNER(a, b) a##b
#define TROIKA_CONCAT(a, b) TROIKA_CONCAT_INNER(a, b)

/// TROIKA_TRY(declaration, expression): binds the value of a Result, or returns its error to our
/// caller.
#define TROIKA_TRY(declaration, ...) \
  TROIKA_TRY_INNER(TROIKA_CONCAT(troika_try_, __LINE__), declaration, __VA_ARGS__)
#define TROIKA_TRY_INNER(temporary, declaration, ...)       \
  auto temporary = (__VA_ARGS__);                           \
  if (!temporary.ok()) return std::move(temporary).error(); \
  declaration = std::move(temporary).value()

/// TROIKA_RETURN_IF_ERROR(expression): returns the error of a Status to our caller, or goes on.
#define TROIKA_RETURN_IF_ERROR(...)                              \
  do {                                                           \
    if (auto troika_status = (__VA_ARGS__); !troika_status.ok()) \
      return std::move(troika_status).error();                   \
  } while (false)
