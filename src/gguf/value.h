// One key-value pair of a GGUF file, seen where it lies in the file: nothing is copied until
// somebody asks. Source: the GGUF specification (ggml docs/gguf.md), "metadata value types".
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troika::gguf {

/// The value types with their ids in the file.
enum class ValueType : uint8_t {
  u8 = 0,
  i8 = 1,
  u16 = 2,
  i16 = 3,
  u32 = 4,
  i32 = 5,
  f32 = 6,
  boolean = 7,
  string = 8,
  array = 9,
  u64 = 10,
  i64 = 11,
  f64 = 12
};
inline constexpr uint32_t kValueTypes = 13;

/// The name of `type`: "u32", "string" ...
std::string_view value_type_name(ValueType type);

/// Bytes of one value of `type`; 0 for strings and arrays, whose size is in the file.
int64_t value_type_bytes(ValueType type);

/// A scalar or an array. Views into the file's bytes: valid as long as the File it came from.
///
/// `bytes` were checked by the reader: `count` packed elements, strings each behind their u64
/// length.
struct Value {
  std::string_view key;
  ValueType type = ValueType::u8;  // of the value, or of the elements of an array; never `array`
  bool is_array = false;
  int64_t count = 1;  // elements; 1 for a scalar
  std::span<const std::byte> bytes;

  /// "u32", or "array of 3 u32".
  std::string type_text() const;

  /// Element `index` (0 for a scalar) if its type is an integer and int64_t holds it.
  std::optional<int64_t> integer_at(int64_t index) const;

  /// Element `index` if it is a number that double holds exactly; may be infinite or NaN.
  std::optional<double> real_at(int64_t index) const;

  /// Element `index` if it is a boolean; every byte but 0 is true.
  std::optional<bool> boolean_at(int64_t index) const;

  /// All strings in order, views into the file; nothing if the elements are not strings. Cost:
  /// O(bytes).
  std::vector<std::string_view> strings(int64_t count_max = INT64_MAX) const;
};

/// The value for people: strings printable and cut, arrays cut after `elements_max` elements.
std::string value_text(const Value& value, int64_t elements_max = 6);

}  // namespace troika::gguf
