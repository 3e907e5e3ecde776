// The key-value pairs of a GGUF file, asked for by name and type. Every question can fail, none can
// crash.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "gguf/value.h"

namespace troika::gguf {

/// Views into the file: strings and values are valid as long as the File that holds this.
///
/// Every accessor fails with not_found (the key is missing; the message names it) or corrupt
/// (another type or a value that does not fit; the message names the key, what it is and what was
/// wanted). The `_or` forms take `fallback` for a missing key only.
class Metadata {
 public:
  Metadata() = default;

  /// Takes pairs in file order. `name` (of the file) opens every message.
  /// Errors: corrupt — a key occurs twice.
  static Result<Metadata> make(std::vector<Value> values, std::string name);

  /// All pairs in file order.
  std::span<const Value> values() const { return values_; }

  /// The pair named `key`, or nullptr. Cost: O(log keys).
  const Value* find(std::string_view key) const;
  bool has(std::string_view key) const { return find(key) != nullptr; }

  /// A scalar of any integer type whose value int64_t holds.
  Result<int64_t> integer(std::string_view key) const;
  Result<int64_t> integer_or(std::string_view key, int64_t fallback) const;

  /// A finite scalar of any type of number that double holds exactly.
  Result<double> real(std::string_view key) const;
  Result<double> real_or(std::string_view key, double fallback) const;

  Result<bool> boolean(std::string_view key) const;
  Result<bool> boolean_or(std::string_view key, bool fallback) const;

  /// A view into the file; any bytes, not necessarily UTF-8.
  Result<std::string_view> string(std::string_view key) const;
  Result<std::string_view> string_or(std::string_view key, std::string_view fallback) const;

  /// An array of integers of any width.
  Result<std::vector<int64_t>> integers(std::string_view key) const;

  /// An array of numbers; infinities and NaN are passed on.
  Result<std::vector<double>> reals(std::string_view key) const;

  Result<std::vector<bool>> booleans(std::string_view key) const;

  /// An array of strings as views into the file, one allocation in all. Not necessarily UTF-8.
  Result<std::vector<std::string_view>> strings(std::string_view key) const;

  /// One integer for each of `layers` (0 ... 65536) layers: a scalar holds for all, an array has
  /// `layers` elements.
  Result<std::vector<int64_t>> integer_per_layer(std::string_view key, int64_t layers) const;

 private:
  enum class Form { scalar, array };

  Result<const Value*> want(std::string_view key, Form form, std::string_view wanted) const;
  Error mismatch(const Value& value, std::string_view wanted) const;

  std::vector<Value> values_;
  std::vector<uint32_t> by_key_;  // indices into values_, sorted by key
  std::string name_;
};

}  // namespace troika::gguf
