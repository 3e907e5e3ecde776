// The contract of the gated delta rule of one value head of one sequence, token by token.
// Source: arXiv 2412.06464, eq. 10.
//
// The state M is [key_dim][value_dim], kept as tiles of 64 columns: [value_dim / 64][key_dim][64],
// the last tile narrower; rows as far apart as a tile is wide, because a power of two further apart
// they would share half the sets of the cache. Lanes are value columns, so no sum crosses lanes and
// columns are independent. A step: delta = beta (v - decay sum_i k[i] M[i]), M[i] = k[i] delta +
// decay M[i], o = sum_i q[i] M[i], sums over i in order from zero.
//
// In order: a fresh state is zeroed; the first `replay` log entries are applied; then the rows.
// Those from `certain` on work on a copy and go to log entries 0, 1, ...; M is left as it was after
// `certain` rows. o overlaps nothing.
#pragma once

#include <cstdint>

namespace troika::cpu {

inline constexpr int64_t kDeltaColumns = 64;  // of the tile that stays in the first-level cache

struct DeltaArgs {
  float* state;        // key_dim * value_dim floats, in tiles
  float* log;          // entries of 1 + key_dim + value_dim: decay, k, delta
  int64_t log_stride;  // floats from entry to entry
  const float* q;      // rows q_stride floats apart
  int64_t q_stride;
  const float* k;
  int64_t k_stride;
  const float* v;
  int64_t v_stride;
  const float* decay;  // a number a row, decay_stride floats apart; beta too
  const float* beta;
  int64_t gate_stride;
  float* o;
  int64_t o_stride;
  int64_t key_dim;
  int64_t value_dim;
  int64_t
      begin;    // the columns [begin, end) of this call; begin is a multiple of kDeltaColumns, end
  int64_t end;  // too or value_dim
  int64_t rows;
  int64_t certain;
  int64_t replay;
  bool fresh;
  float* scratch;  // key_dim * kDeltaColumns floats
};

struct DeltaKernels {
  /// All of the above but the decays and keys of the log.
  void (*delta_rule)(const DeltaArgs& args) noexcept;
  /// Writes those, once delta_rule() has replayed the old ones for all columns.
  void (*log_rows)(const DeltaArgs& args) noexcept;
};

DeltaKernels portable_delta_kernels();
DeltaKernels avx2_delta_kernels();
DeltaKernels avx512_delta_kernels();

}  // namespace troika::cpu
