// Key-value pairs to be written: what Metadata is to a file that is read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "gguf/value.h"

namespace troika::gguf {

/// The value type whose elements are `T`s.
template <typename T>
constexpr ValueType value_type_of() {
  if constexpr (std::is_same_v<T, bool>) return ValueType::boolean;
  if constexpr (std::is_same_v<T, uint8_t>) return ValueType::u8;
  if constexpr (std::is_same_v<T, int8_t>) return ValueType::i8;
  if constexpr (std::is_same_v<T, uint16_t>) return ValueType::u16;
  if constexpr (std::is_same_v<T, int16_t>) return ValueType::i16;
  if constexpr (std::is_same_v<T, uint32_t>) return ValueType::u32;
  if constexpr (std::is_same_v<T, int32_t>) return ValueType::i32;
  if constexpr (std::is_same_v<T, uint64_t>) return ValueType::u64;
  if constexpr (std::is_same_v<T, int64_t>) return ValueType::i64;
  if constexpr (std::is_same_v<T, float>) return ValueType::f32;
  if constexpr (std::is_same_v<T, double>) return ValueType::f64;
}

/// Pairs in the order in which their keys came first; setting a key again replaces its value. Owns
/// what it holds. Which keys and sizes a file may have is checked by Writer.
class PairList {
 public:
  /// A number or a bool, of exactly the type `T`.
  template <typename T>
  void set(std::string_view key, T value) {
    put(key, value_type_of<T>(), false, 1, std::as_bytes(std::span(&value, 1)));
  }
  /// A string of any bytes.
  void set_string(std::string_view key, std::string_view text);

  /// An array of numbers, maybe empty.
  template <typename T>
  void set_array(std::string_view key, std::span<const T> values) {
    static_assert(sizeof(bool) == 1);
    put(key, value_type_of<T>(), true, std::ssize(values), std::as_bytes(values));
  }
  void set_flags(std::string_view key, const std::vector<bool>& flags);
  void set_strings(std::string_view key, std::span<const std::string_view> texts);

  /// A pair as another file has it.
  void set_value(const Value& value);

  /// Removes the pair if it is there.
  void erase(std::string_view key);

  /// Views into this list, valid until it changes.
  std::vector<Value> values() const;

 private:
  struct Pair {
    std::string key;
    ValueType type;
    bool is_array;
    int64_t count;
    std::vector<std::byte> bytes;  // as in a file
  };
  void put(std::string_view key, ValueType type, bool is_array, int64_t count,
           std::span<const std::byte> bytes);

  std::vector<Pair> pairs_;
};

}  // namespace troika::gguf
