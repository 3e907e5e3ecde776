// The contract of the attention kernels.
//
// A page holds 64 tokens of all KV heads, head by head: keys, then values. Both are panels of 32
// columns side by side, one behind the other, which a register tile of two vectors walks in order:
//
//   page     | head 0: keys, values | head 1: keys, values | ...
//   keys     2 panels [key_dim][32 keys]: lanes are keys
//   values   panels [64 tokens][32 value columns], the last one narrower if need be
//   q8_0     a panel of keys is key_dim / 32 blocks {32 scales f16, one of each key; [32][32]
//   int8},
//            a panel of values is {64 scales f16, one of each token; [64][32] int8}
//
// A tile is some consecutive rows of one sequence by some query heads of one KV head. Each (row,
// head) of it is a query, computed as if it were alone: for each partition of 512 positions, for
// each block of 64 keys in order,
//   s[j] = scale * sum_d q[d] K[d][j]      d in order from zero
//   m' = max(m, s), c = exp(m - m'), p[j] = exp(s[j] - m')
//   l = l c + p    16 lanes: (p[i] + p[i + 16]) + (p[i + 32] + p[i + 48])
//   o = o c + sum_j p[j] V[j]              j in order
// over the keys at and before the row's position; slots behind it never reach a result. K and V are
// the stored numbers as float32, which is exact. Partitions are merged left to right: m' = max(m,
// m2), o = o exp(m - m') + o2 exp(m2 - m').
#pragma once

#include <cstdint>

namespace troika::cpu {

inline constexpr int64_t kAttentionBlock = 64;
inline constexpr int64_t kAttentionPartition = 512;
inline constexpr int64_t kTileQueries = 32;
inline constexpr int64_t kPanelColumns = 32;

/// How keys and values are stored: graph/state.h.
enum class KvType : uint8_t { f32, f16, bf16, q8_0 };

/// Floats of the partial result of one query: o in whole panels, then m and l, then room up to the
/// next cache line. Static: files with other instruction flags must not share its code.
static constexpr int64_t partial_floats(int64_t value_dim) {
  return (value_dim + kPanelColumns - 1) / kPanelColumns * kPanelColumns + 16;
}

struct AttentionTile {
  const float* q;  // row r, head h at q + r * q_stride + h * key_dim
  int64_t q_stride;
  float* o;  // row r, head h at o + r * o_stride + h * value_dim
  int64_t o_stride;
  int64_t rows;
  int64_t heads;     // rows * heads <= kTileQueries
  int64_t position;  // of row 0
  int64_t key_dim;
  int64_t value_dim;
  float scale;
  const int32_t* pages;  // page numbers of the sequence, from position 0
  const uint8_t* store;  // page 0, at the keys of this KV head
  int64_t page_bytes;
  KvType type;
};

struct KvRow {
  const float* k;  // [kv_heads][key_dim]
  const float* v;  // [kv_heads][value_dim]
  uint8_t* page;
  int64_t slot;  // in the page
  int64_t kv_heads;
  int64_t key_dim;
  int64_t value_dim;
  KvType type;  // q8_0: dims are multiples of 32
};

struct AttentionKernels {
  /// Stores a token's keys and values, rounded as graph/state.h says.
  void (*store)(const KvRow& row) noexcept;
  /// The partial results of all queries for one partition; a query without keys there leaves its
  /// own untouched. `partials` is [rows * heads][partial_floats], 64-byte aligned.
  void (*partition)(const AttentionTile& tile, int64_t number, float* partials) noexcept;
  /// Merges partition `number` > 0 into `totals`, for queries that have keys there.
  void (*merge)(const AttentionTile& tile, int64_t number, const float* partials,
                float* totals) noexcept;
  /// o = totals / l.
  void (*finish)(const AttentionTile& tile, const float* totals) noexcept;
};

AttentionKernels portable_attention_kernels();
AttentionKernels avx2_attention_kernels();
AttentionKernels avx512_attention_kernels();

}  // namespace troika::cpu
