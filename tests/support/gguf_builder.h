// Writes GGUF files byte by byte, sound ones and broken ones, for tests. It checks nothing: that is
// the point.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "gguf/value.h"

namespace troika::testing {

/// Appends packed little-endian fields.
class Bytes {
 public:
  template <typename T>
  requires std::is_arithmetic_v<T> Bytes& number(T value) {
    const auto* raw = reinterpret_cast<const std::byte*>(&value);
    data_.insert(data_.end(), raw, raw + sizeof(T));
    return *this;
  }

  /// A u64 length, then the text.
  Bytes& string(std::string_view text) {
    number(static_cast<uint64_t>(text.size()));
    return raw(std::as_bytes(std::span(text)));
  }

  Bytes& raw(std::span<const std::byte> bytes) {
    data_.insert(data_.end(), bytes.begin(), bytes.end());
    return *this;
  }

  Bytes& pad(size_t alignment) {
    while (data_.size() % alignment != 0) data_.push_back(std::byte{0});
    return *this;
  }

  size_t size() const { return data_.size(); }
  std::span<const std::byte> span() const { return data_; }

 private:
  std::vector<std::byte> data_;
};

/// Collects pairs and tensors, and writes them as the specification says. The fields are open, so
/// that a test can make them lie.
class GgufBuilder {
 public:
  uint32_t version = 3;
  size_t alignment = 32;  // of the data; the key general.alignment is the test's business

  template <typename T>
  GgufBuilder& number(std::string_view key, gguf::ValueType type, T value) {
    pair(key, type).number(value);
    return *this;
  }
  GgufBuilder& u32(std::string_view key, uint32_t v) {
    return number(key, gguf::ValueType::u32, v);
  }
  GgufBuilder& f32(std::string_view key, float v) { return number(key, gguf::ValueType::f32, v); }
  GgufBuilder& boolean(std::string_view key, bool v) {
    return number(key, gguf::ValueType::boolean, static_cast<uint8_t>(v ? 1 : 0));
  }
  GgufBuilder& string(std::string_view key, std::string_view value) {
    pair(key, gguf::ValueType::string).string(value);
    return *this;
  }

  template <typename T>
  GgufBuilder& numbers(std::string_view key, gguf::ValueType type, const std::vector<T>& values) {
    array(key, type, values.size());
    for (const T value : values) pairs_.number(value);
    return *this;
  }
  GgufBuilder& strings(std::string_view key, const std::vector<std::string>& values) {
    array(key, gguf::ValueType::string, values.size());
    for (const std::string& value : values) pairs_.string(value);
    return *this;
  }

  /// The header of an array; the caller appends its elements to the Bytes that come back.
  Bytes& array(std::string_view key, gguf::ValueType type, uint64_t count) {
    return pair(key, gguf::ValueType::array).number(static_cast<uint32_t>(type)).number(count);
  }

  /// The key and type of a pair; the caller appends its value to the Bytes that come back.
  Bytes& pair(std::string_view key, gguf::ValueType type) {
    keys_++;
    return pairs_.string(key).number(static_cast<uint32_t>(type));
  }

  /// A tensor with its data behind all others; `dims` innermost first, as the file has them.
  GgufBuilder& tensor(std::string_view name, const std::vector<uint64_t>& dims, uint32_t type,
                      std::span<const std::byte> data) {
    row(name, dims, type, data_.size());
    data_.raw(data).pad(alignment);
    return *this;
  }
  GgufBuilder& tensor(std::string_view name, const std::vector<uint64_t>& dims,
                      const std::vector<float>& values) {
    return tensor(name, dims, 0, std::as_bytes(std::span(values)));
  }

  /// A row of the tensor table alone.
  GgufBuilder& row(std::string_view name, const std::vector<uint64_t>& dims, uint32_t type,
                   uint64_t offset) {
    tensors_++;
    rows_.string(name).number(static_cast<uint32_t>(dims.size()));
    for (const uint64_t dim : dims) rows_.number(dim);
    rows_.number(type).number(offset);
    return *this;
  }

  std::vector<std::byte> bytes() const {
    Bytes out;
    out.raw(std::as_bytes(std::span("GGUF", 4))).number(version).number(tensors_).number(keys_);
    out.raw(pairs_.span()).raw(rows_.span()).pad(alignment).raw(data_.span());
    return {out.span().begin(), out.span().end()};
  }

  void write(const std::filesystem::path& path) const {
    const std::vector<std::byte> all = bytes();
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(all.data()), static_cast<std::streamsize>(all.size()));
  }

 private:
  uint64_t keys_ = 0;
  uint64_t tensors_ = 0;
  Bytes pairs_;
  Bytes rows_;
  Bytes data_;
};

}  // namespace troika::testing
