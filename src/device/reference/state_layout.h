// How the reference device arranges the inside of a state's unit. Sizes: graph/state.h.
//
//   KvState      keys [kPageTokens, kv_heads, key_dim], then values [kPageTokens, kv_heads,
//                value_dim], rows as device/reference/kv_row.h stores them
//   ConvState    last inputs [taps - 1, channels], oldest first, then the log
//                [log_tokens, channels], f32
//   DeltaState   matrices [heads, value_dim, key_dim], then the log [log_tokens, heads,
//                1 + key_dim + value_dim]: decay, key, value delta; f32
//   HiddenState  [width] f32
#pragma once

#include <cstddef>
#include <cstdint>

namespace troika::reference {

inline float* floats(std::byte* unit) {
  return reinterpret_cast<float*>(unit);
}

/// Rounds `count` values to the float32 in which a state holds them.
inline void round_to(const double* from, float* to, int64_t count) {
  for (int64_t i = 0; i < count; i++) to[i] = static_cast<float>(from[i]);
}

}  // namespace troika::reference
