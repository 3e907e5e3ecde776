// The gated delta rule for any lanes. A tile is all rows of the state by up to 64 columns; it is
// read twice and written once for each token.
#pragma once

#include "device/cpu/kernels/delta.h"

namespace troika::cpu {

/// A tile of the state: kVectors * 16 columns, of which the last vector may be cut short.
template <class V, int kVectors>
struct DeltaTile {
  float* m;
  int64_t stride;
  int64_t key_dim;
  int last;  // lanes of the last vector

  V load(const float* p, int j) const {
    return j + 1 < kVectors ? V::load(p + j * V::kCount) : V::load_first(p + j * V::kCount, last);
  }
  void store(V x, float* p, int j) const {
    if (j + 1 < kVectors)
      x.store(p + j * V::kCount);
    else
      x.store_first(p + j * V::kCount, last);
  }

  void zero() const {
    for (int64_t i = 0; i < key_dim; i++)
      for (int j = 0; j < kVectors; j++) store(V::all(0.0F), m + i * stride, j);
  }

  DeltaTile copy_to(float* to) const {
    for (int64_t i = 0; i < key_dim; i++)
      for (int j = 0; j < kVectors; j++) store(load(m + i * stride, j), to + i * kDeltaColumns, j);
    return {to, kDeltaColumns, key_dim, last};
  }

  /// A logged token.
  void replay(float decay, const float* k, const float* delta) const {
    const V factor = V::all(decay);
    V d[kVectors];
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; j++) d[j] = load(delta, j);
    for (int64_t i = 0; i < key_dim; i++) {
      float* row = m + i * stride;
#pragma GCC unroll 4
      for (int j = 0; j < kVectors; j++)
        store(V::fma(V::all(k[i]), d[j], factor * load(row, j)), row, j);
    }
  }

  /// A token: writes o, and delta where it is wanted.
  void step(float decay, float beta, const float* q, const float* k, const float* v, float* o,
            float* delta) const {
    const V factor = V::all(decay);
    V d[kVectors];
    V sum[kVectors];
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; j++) d[j] = sum[j] = V::all(0.0F);
    for (int64_t i = 0; i < key_dim; i++) {
      const float* row = m + i * stride;
#pragma GCC unroll 4
      for (int j = 0; j < kVectors; j++) d[j] = V::fma(V::all(k[i]), factor * load(row, j), d[j]);
    }
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; j++) {
      d[j] = V::all(beta) * (load(v, j) - d[j]);
      if (delta != nullptr) store(d[j], delta, j);
    }
    for (int64_t i = 0; i < key_dim; i++) {
      float* row = m + i * stride;
#pragma GCC unroll 4
      for (int j = 0; j < kVectors; j++) {
        const V next = V::fma(V::all(k[i]), d[j], factor * load(row, j));
        store(next, row, j);
        sum[j] = V::fma(V::all(q[i]), next, sum[j]);
      }
    }
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; j++) store(sum[j], o, j);
  }
};

/// Columns from `at` on: all tokens.
template <class V, int kVectors>
inline void delta_columns(const DeltaArgs& args, int64_t at, int last) {
  const int64_t columns = (kVectors - 1) * V::kCount + last;
  DeltaTile<V, kVectors> tile{args.state + at * args.key_dim, columns, args.key_dim, last};
  if (args.fresh) tile.zero();
  for (int64_t t = 0; t < args.replay; t++) {
    const float* entry = args.log + t * args.log_stride;
    tile.replay(entry[0], entry + 1, entry + 1 + args.key_dim + at);
  }
  for (int64_t t = 0; t < args.rows; t++) {
    if (t == args.certain) tile = tile.copy_to(args.scratch);
    float* delta = nullptr;
    if (t >= args.certain)
      delta = args.log + (t - args.certain) * args.log_stride + 1 + args.key_dim + at;
    tile.step(args.decay[t * args.gate_stride], args.beta[t * args.gate_stride],
              args.q + t * args.q_stride, args.k + t * args.k_stride,
              args.v + t * args.v_stride + at, args.o + t * args.o_stride + at, delta);
  }
}

/// Decays and keys of logged rows, once the last tile has replayed the old ones.
template <class V>
inline void log_keys(const DeltaArgs& args) {
  for (int64_t t = args.certain; t < args.rows; t++) {
    float* entry = args.log + (t - args.certain) * args.log_stride;
    entry[0] = args.decay[t * args.gate_stride];
    for (int64_t i = 0; i < args.key_dim; i++) entry[1 + i] = args.k[t * args.k_stride + i];
  }
}

template <class V>
inline void delta_rule_body(const DeltaArgs& args) noexcept {
  static_assert(kDeltaColumns == 4 * V::kCount);
  for (int64_t at = 0; at < args.value_dim; at += kDeltaColumns) {
    const int64_t left = args.value_dim - at;
    const int64_t columns = left < kDeltaColumns ? left : kDeltaColumns;
    const int64_t vectors = (columns + V::kCount - 1) / V::kCount;
    const int last = static_cast<int>(columns - (vectors - 1) * V::kCount);
    if (vectors == 4)
      delta_columns<V, 4>(args, at, last);
    else if (vectors == 3)
      delta_columns<V, 3>(args, at, last);
    else if (vectors == 2)
      delta_columns<V, 2>(args, at, last);
    else
      delta_columns<V, 1>(args, at, last);
  }
  log_keys<V>(args);
}

template <class V>
inline DeltaKernels delta_kernels_of() {
  return {delta_rule_body<V>};
}

}  // namespace troika::cpu
