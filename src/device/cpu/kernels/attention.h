// The contract of the attention kernels. A page of a KV head is [key_dim][64] keys, then
// [64][value_dim] values, f16 or f32: lanes are keys in the one, value columns in the other.
//
//   page: | head 0: K | V | head 1: K | V | ...
//
// A tile is some consecutive rows of one sequence by some query heads of one KV head. Each (row,
// head) of it is a query, computed as if it were alone: for each partition of 512 positions, for
// each block of 64 keys in order,
//   s[j] = scale * sum_d q[d] K[d][j]      d in order from zero
//   m' = max(m, s), c = exp(m - m'), p[j] = exp(s[j] - m')
//   l = l c + p    16 lanes: (p[i] + p[i + 16]) + (p[i + 32] + p[i + 48])
//   o = o c + sum_j p[j] V[j]              j in order
// over the keys at and before the row's position; slots behind it never reach a result. Partitions
// are merged left to right: m' = max(m, m2), o = o exp(m - m') + o2 exp(m2 - m').
#pragma once

#include <cstdint>

namespace troika::cpu {

inline constexpr int64_t kAttentionBlock = 64;
inline constexpr int64_t kAttentionPartition = 512;
inline constexpr int64_t kTileQueries = 32;

/// Floats of the partial result of one query: m, l, then o in whole lanes. Static: files with other
/// instruction flags must not share its code.
static constexpr int64_t partial_floats(int64_t value_dim) {
  return 2 + (value_dim + 15) / 16 * 16;
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
  const void* store;     // page 0, at the K of this KV head
  int64_t page_elements;
  bool half;  // f16 or f32
};

struct KvRow {
  const float* k;  // [kv_heads][key_dim]
  const float* v;  // [kv_heads][value_dim]
  void* page;
  int64_t slot;  // in the page
  int64_t kv_heads;
  int64_t key_dim;
  int64_t value_dim;
};

struct AttentionKernels {
  /// Stores a token's keys and values. f16: round to nearest even.
  void (*store_f16)(const KvRow& row) noexcept;
  void (*store_f32)(const KvRow& row) noexcept;
  /// The partial results of all queries for one partition; a query without keys there leaves its
  /// own untouched. `partials` is [rows * heads][partial_floats].
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
