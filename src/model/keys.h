// Hyper-parameters of a file, "<architecture>.<key>", each checked against a range before anything
// is computed with it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "gguf/file.h"

namespace troika {

/// The largest value that any count of a model may have; products of three of them fit 64 bits.
inline constexpr int64_t kCountMax = int64_t{1} << 20;

/// Reads keys under one architecture's prefix. Borrows the file.
class Keys {
 public:
  Keys(const gguf::File& file, std::string_view architecture);

  /// An integer of 1 ... `max`. Errors: not_found; corrupt — outside the range, named with key and
  /// value.
  Result<int64_t> count(std::string_view key, int64_t max = kCountMax) const;
  /// The same, or `fallback` where the key is missing.
  Result<int64_t> count_or(std::string_view key, int64_t fallback, int64_t max = kCountMax) const;
  /// An integer that may be 0, or 0 where the key is missing.
  Result<int64_t> count_or_zero(std::string_view key, int64_t max = kCountMax) const;
  /// A count that is the same for each of `layers` layers, given once or as an array. Errors:
  /// unsupported — they differ.
  Result<int64_t> uniform_count(std::string_view key, int64_t layers) const;
  /// A finite number, or `fallback`.
  Result<double> number_or(std::string_view key, double fallback) const;
  /// A finite number above 0.
  Result<double> positive(std::string_view key) const;
  Result<double> positive_or(std::string_view key, double fallback) const;
  /// A string, or `fallback`.
  Result<std::string> text_or(std::string_view key, std::string_view fallback) const;
  /// An array of `count` integers or booleans; any non-zero value is true.
  Result<std::vector<bool>> flags(std::string_view key, int64_t count) const;

  bool has(std::string_view key) const;
  const gguf::File& file() const { return file_; }
  const std::string& architecture() const { return architecture_; }

 private:
  std::string full(std::string_view key) const;
  Result<int64_t> in_range(std::string_view key, int64_t value, int64_t min, int64_t max) const;

  const gguf::File& file_;
  std::string architecture_;
};

}  // namespace troika
