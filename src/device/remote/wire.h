// Values as bytes, for peers that run the same program (runtime/ranks/rank_hello.h sees to it):
// numbers as they lie in memory, lists and texts behind their length, structs field by field, in
// the order of fields.h. Writer and Reader are called alike, so that what is written is what is
// read.
//
// A Reader trusts nothing: after any bytes at all it has values in their ranges, or it has failed.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "core/result.h"

namespace troika::remote {

/// The number of enumerators of E, which count from 0 (fields.h).
template <typename E>
int64_t enumerators();

/// Appends values to bytes.
class Writer {
 public:
  static constexpr bool kReads = false;

  template <typename... Values>
  void operator()(const Values&... values) {
    (item(values), ...);
  }
  const std::vector<std::byte>& bytes() const { return bytes_; }

  template <typename T>
  void raw(const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    const auto* const at = reinterpret_cast<const std::byte*>(&value);
    bytes_.insert(bytes_.end(), at, at + sizeof(T));
  }

 private:
  template <typename T>
  void item(const T& value) {
    if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T>) {
      raw(value);
    } else {
      // The lists of fields are one for both directions; nothing is changed in this one.
      encode(*this, const_cast<T&>(value));
    }
  }

  std::vector<std::byte> bytes_;
};

/// Takes values from bytes, which must outlive it.
class Reader {
 public:
  static constexpr bool kReads = true;

  explicit Reader(std::span<const std::byte> bytes) : rest_(bytes) {}

  template <typename... Values>
  void operator()(Values&... values) {
    (item(values), ...);
  }

  /// What has not been read.
  std::span<const std::byte> rest() const { return rest_; }
  /// Remembers the first thing that is wrong. Everything read from now on is 0 or empty.
  void fail(std::string what) {
    if (!error_) error_.emplace(ErrorCode::corrupt, std::move(what));
    rest_ = {};
  }
  Status status() const { return error_ ? Status(*error_) : ok(); }

 private:
  template <typename T>
  void item(T& value) {
    if constexpr (std::is_same_v<T, bool>) {
      uint8_t byte = 0;
      raw(byte);
      if (byte > 1) fail("a truth of neither 0 nor 1");
      value = byte == 1;
    } else if constexpr (std::is_enum_v<T>) {
      std::underlying_type_t<T> number = 0;
      raw(number);
      if (std::cmp_less(number, 0) || std::cmp_greater_equal(number, enumerators<T>())) {
        fail("a name that there is not");
        number = 0;
      }
      value = static_cast<T>(number);
    } else if constexpr (std::is_arithmetic_v<T>) {
      raw(value);
    } else {
      encode(*this, value);
    }
  }

  template <typename T>
  void raw(T& value) {
    if (rest_.size() < sizeof(T)) {
      fail("it ends too early");
      value = T{};
      return;
    }
    std::memcpy(&value, rest_.data(), sizeof(T));
    rest_ = rest_.subspan(sizeof(T));
  }

  std::span<const std::byte> rest_;
  std::optional<Error> error_;
};

template <typename Archive, typename T>
void encode(Archive& archive, std::vector<T>& list) {
  auto count = static_cast<int64_t>(list.size());
  archive(count);
  if constexpr (Archive::kReads) {
    // An element takes a byte at least: no count makes us reserve what the message cannot hold.
    if (count < 0 || count > std::ssize(archive.rest())) {
      archive.fail("a list longer than the message");
      count = 0;
    }
    list.assign(static_cast<size_t>(count), T{});
  }
  for (T& element : list) archive(element);
}

template <typename Archive>
void encode(Archive& archive, std::string& text) {
  std::vector<char> letters(text.begin(), text.end());
  encode(archive, letters);
  if constexpr (Archive::kReads) text.assign(letters.begin(), letters.end());
}

template <typename Variant, typename Kind>
Variant make_kind() {
  return Variant(std::in_place_type<Kind>);
}

template <typename Archive, typename... Kinds>
void encode(Archive& archive, std::variant<Kinds...>& one) {
  auto index = static_cast<uint8_t>(one.index());
  archive(index);
  if constexpr (Archive::kReads) {
    using Variant = std::variant<Kinds...>;
    static constexpr Variant (*kMake[])() = {&make_kind<Variant, Kinds>...};
    if (index >= sizeof...(Kinds)) {
      archive.fail("a kind that there is not");
      index = 0;
    }
    one = kMake[index]();
  }
  std::visit([&archive](auto& kind) { encode(archive, kind); }, one);
}

}  // namespace troika::remote
