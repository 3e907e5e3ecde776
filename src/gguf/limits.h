// What a file may hold at most. The reader refuses more, the writer never writes it.
#pragma once

#include <cstdint>

namespace troika::gguf {

inline constexpr uint64_t kKeysMax = 1 << 17;
inline constexpr uint64_t kTensorsMax = 1 << 17;
inline constexpr uint64_t kKeyNameBytesMax = 65535;
inline constexpr uint64_t kTensorNameBytesMax = 63;
inline constexpr uint64_t kStringBytesMax = 1 << 30;
inline constexpr uint64_t kArrayElementsMax = 1 << 24;  // vocabularies have 2^18; a copy stays
inline constexpr uint32_t kAxesMax = 4;
inline constexpr int64_t kAlignmentDefault = 32;
inline constexpr int64_t kAlignmentMin = 8;
inline constexpr int64_t kAlignmentMax = 1 << 20;

/// Whether data may be aligned so: a power of two in the range.
constexpr bool is_alignment(int64_t alignment) {
  return alignment >= kAlignmentMin && alignment <= kAlignmentMax &&
         (alignment & (alignment - 1)) == 0;
}

}  // namespace troika::gguf
