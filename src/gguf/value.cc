#include "gguf/value.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <concepts>
#include <cstring>
#include <type_traits>
#include <utility>

#include "core/printable.h"

namespace troika::gguf {
namespace {

static_assert(std::endian::native == std::endian::little, "GGUF is read where it lies");

struct TypeInfo {
  std::string_view name;
  int64_t bytes;
};
constexpr std::array<TypeInfo, kValueTypes> kTypes = {{{"u8", 1},
                                                       {"i8", 1},
                                                       {"u16", 2},
                                                       {"i16", 2},
                                                       {"u32", 4},
                                                       {"i32", 4},
                                                       {"f32", 4},
                                                       {"boolean", 1},
                                                       {"string", 0},
                                                       {"array", 0},
                                                       {"u64", 8},
                                                       {"i64", 8},
                                                       {"f64", 8}}};

template <typename T>
T load(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof(T));
  return value;
}

struct NotANumber {};

// Calls `f` with the number at `at` in its own C++ type, a bool for booleans, or NotANumber.
template <typename F>
auto visit_number(ValueType type, const std::byte* at, F&& f) {
  switch (type) {
    case ValueType::u8:
      return f(load<uint8_t>(at));
    case ValueType::i8:
      return f(load<int8_t>(at));
    case ValueType::u16:
      return f(load<uint16_t>(at));
    case ValueType::i16:
      return f(load<int16_t>(at));
    case ValueType::u32:
      return f(load<uint32_t>(at));
    case ValueType::i32:
      return f(load<int32_t>(at));
    case ValueType::f32:
      return f(load<float>(at));
    case ValueType::boolean:
      return f(load<uint8_t>(at) != 0);
    case ValueType::u64:
      return f(load<uint64_t>(at));
    case ValueType::i64:
      return f(load<int64_t>(at));
    case ValueType::f64:
      return f(load<double>(at));
    case ValueType::string:
    case ValueType::array:
      break;
  }
  return f(NotANumber{});
}

template <typename T>
concept Integer = std::integral<T> && !std::same_as<T, bool>;

const std::byte* element(const Value& value, int64_t index) {
  return value.bytes.data() + index * value_type_bytes(value.type);
}

std::string element_text(const Value& value, int64_t index) {
  return visit_number(value.type, element(value, index), [](auto x) -> std::string {
    if constexpr (std::same_as<decltype(x), NotANumber>)
      return "";
    else
      return fmt::format("{}", x);
  });
}

}  // namespace

std::string_view value_type_name(ValueType type) {
  return kTypes[static_cast<size_t>(type)].name;
}

int64_t value_type_bytes(ValueType type) {
  return kTypes[static_cast<size_t>(type)].bytes;
}

std::string Value::type_text() const {
  if (!is_array) return std::string(value_type_name(type));
  return fmt::format("array of {} {}", count, value_type_name(type));
}

std::optional<int64_t> Value::integer_at(int64_t index) const {
  return visit_number(type, element(*this, index), [](auto x) -> std::optional<int64_t> {
    if constexpr (Integer<decltype(x)>)
      if (std::in_range<int64_t>(x)) return static_cast<int64_t>(x);
    return std::nullopt;
  });
}

std::optional<double> Value::real_at(int64_t index) const {
  return visit_number(type, element(*this, index), [](auto x) -> std::optional<double> {
    if constexpr (std::floating_point<decltype(x)>) return x;
    if constexpr (Integer<decltype(x)>) {
      constexpr int64_t kExact = int64_t{1} << 53;
      if (std::cmp_less_equal(x, kExact) && std::cmp_greater_equal(x, -kExact))
        return static_cast<double>(x);
    }
    return std::nullopt;
  });
}

std::optional<bool> Value::boolean_at(int64_t index) const {
  return visit_number(type, element(*this, index), [](auto x) -> std::optional<bool> {
    if constexpr (std::same_as<decltype(x), bool>) return x;
    return std::nullopt;
  });
}

std::vector<std::string_view> Value::strings(int64_t count_max) const {
  std::vector<std::string_view> out;
  if (type != ValueType::string) return out;
  const int64_t wanted = std::min(count, count_max);
  out.reserve(static_cast<size_t>(wanted));
  const std::byte* at = bytes.data();
  for (int64_t i = 0; i < wanted; i++) {
    const auto length = load<uint64_t>(at);
    out.emplace_back(reinterpret_cast<const char*>(at + 8), length);
    at += 8 + length;
  }
  return out;
}

std::string value_text(const Value& value, int64_t elements_max) {
  const int64_t shown = std::min(value.count, elements_max);
  const std::vector<std::string_view> strings = value.strings(shown);
  std::string out = value.is_array ? "[" : "";
  for (int64_t i = 0; i < shown; i++) {
    if (i > 0) out += ", ";
    if (value.type == ValueType::string)
      out += '"' + printable(strings[static_cast<size_t>(i)]) + '"';
    else
      out += element_text(value, i);
  }
  if (shown < value.count) out += fmt::format(", ... {} in all", value.count);
  return value.is_array ? out + "]" : out;
}

}  // namespace troika::gguf
