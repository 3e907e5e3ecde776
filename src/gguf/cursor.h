// Reads packed little-endian fields from bytes nobody vouches for. Every read is checked against
// what is left; positions never overflow, because a length is compared with the rest and never
// added first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "core/printable.h"
#include "core/result.h"

namespace troika::gguf {

class Cursor {
 public:
  /// `name` (of the file) opens every message; both outlive the cursor.
  Cursor(std::span<const std::byte> bytes, std::string_view name) : bytes_(bytes), name_(name) {}

  /// Says what is being read, for messages: "header", or "key 3" and its own name as soon as that
  /// is known.
  void enter(std::string_view part, int64_t index = -1, std::string_view label = {}) {
    part_ = part;
    index_ = index;
    label_ = label;
  }

  uint64_t position() const { return position_; }
  uint64_t left() const { return bytes_.size() - position_; }

  /// The next `count` bytes.
  Result<std::span<const std::byte>> take(uint64_t count, std::string_view what) {
    if (count > left())
      return error(ErrorCode::corrupt, "{} needs {} bytes at byte {}, the file has {} left", what,
                   count, position_, left());
    const auto taken = bytes_.subspan(position_, count);
    position_ += count;
    return taken;
  }

  /// The next number.
  template <typename T>
  Result<T> number(std::string_view what) {
    TROIKA_TRY(const std::span<const std::byte> raw, take(sizeof(T), what));
    T value;
    std::memcpy(&value, raw.data(), sizeof(T));
    return value;
  }

  /// The next string (u64 length, then bytes) of at most `bytes_max` bytes.
  Result<std::string_view> string(uint64_t bytes_max, std::string_view what) {
    TROIKA_TRY(const uint64_t length, number<uint64_t>(what));
    if (length > bytes_max)
      return error(ErrorCode::corrupt, "{} is {} bytes long, want at most {}", what, length,
                   bytes_max);
    TROIKA_TRY(const std::span<const std::byte> raw, take(length, what));
    return std::string_view(reinterpret_cast<const char*>(raw.data()), raw.size());
  }

  /// An error that opens with the file and the part that is being read.
  template <typename... Args>
  Error error(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) const {
    std::string place(part_);
    if (index_ >= 0) place += fmt::format(" {}", index_);
    if (!label_.empty()) place += fmt::format(" \"{}\"", printable(label_));
    return fail(code, "{}: {}: {}", name_, place, fmt::format(format, std::forward<Args>(args)...));
  }

 private:
  std::span<const std::byte> bytes_;
  std::string_view name_;
  uint64_t position_ = 0;
  std::string_view part_ = "file";
  int64_t index_ = -1;
  std::string_view label_;
};

}  // namespace troika::gguf
