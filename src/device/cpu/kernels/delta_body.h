// The gated delta rule for any lanes. A tile is all rows of the state by up to 64 columns. A token
// takes one pass over it: each vector of the state is decayed, corrected and written, and while it
// is in a register the token's output and what the next token's key finds are summed up.
#pragma once

#include "device/cpu/kernels/delta.h"

namespace troika::cpu {

/// kVectors * 16 columns of an array, of which the last vector may be cut short.
template <class V, int kVectors>
struct DeltaColumns {
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
};

/// All tokens of a call, for one tile of the state.
template <class V, int kVectors>
class DeltaTile {
 public:
  DeltaTile(const DeltaArgs& args, int64_t at, int last)
      : args_(args),
        at_(at),
        columns_{last},
        state_(args.state + at * args.key_dim),
        width_((kVectors - 1) * V::kCount + last) {}

  void run() {
    const float* state = state_;
    int64_t width = width_;
    start();
    for (int64_t t = 0; t < args_.rows; t++) {
      // From `certain` on the state stays as it is, and a copy goes on.
      float* to = t < args_.certain ? state_ : args_.scratch;
      const int64_t to_width = t < args_.certain ? width_ : kDeltaColumns;
      if (t + 1 < args_.rows)
        step<true>(t, state, width, to, to_width);
      else
        step<false>(t, state, width, to, to_width);
      state = to;
      width = to_width;
    }
  }

 private:
  const float* key(int64_t t) const { return args_.k + t * args_.k_stride; }
  const float* log_entry(int64_t t) const { return args_.log + t * args_.log_stride; }

  /// Brings the state to the first row: zeros, or logged tokens; and what the row's key finds.
  void start() {
    const float* k = args_.rows > 0 ? key(0) : nullptr;
    for (V& x : found_) x = V::all(0.0F);
    for (int64_t i = 0; i < args_.key_dim; i++) {
      float* row = state_ + i * width_;
#pragma GCC unroll 4
      for (int j = 0; j < kVectors; j++) {
        V m = args_.fresh ? V::all(0.0F) : columns_.load(row, j);
        for (int64_t t = 0; t < args_.replay; t++) {
          const float* entry = log_entry(t);
          const V delta = columns_.load(entry + 1 + args_.key_dim + at_, j);
          m = V::fma(V::all(entry[1 + i]), delta, V::all(entry[0]) * m);
        }
        if (args_.fresh || args_.replay > 0) columns_.store(m, row, j);
        if (k != nullptr) found_[j] = V::fma(V::all(k[i]), m, found_[j]);
      }
    }
  }

  /// Token t: writes o, and its delta where it is logged.
  template <bool kNext>
  void step(int64_t t, const float* from, int64_t from_width, float* to, int64_t to_width) {
    const float* q = args_.q + t * args_.q_stride;
    const float* k = key(t);
    const float* next = kNext ? key(t + 1) : nullptr;
    const V decay = V::all(args_.decay[t * args_.gate_stride]);
    const V beta = V::all(args_.beta[t * args_.gate_stride]);
    V delta[kVectors];
    V o[kVectors];
    V found[kVectors];
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; j++) {
      const V v = columns_.load(args_.v + t * args_.v_stride + at_, j);
      delta[j] = beta * (v - decay * found_[j]);
      if (t >= args_.certain)
        columns_.store(delta[j],
                       args_.log + (t - args_.certain) * args_.log_stride + 1 + args_.key_dim + at_,
                       j);
      o[j] = found[j] = V::all(0.0F);
    }
    for (int64_t i = 0; i < args_.key_dim; i++) {
#pragma GCC unroll 4
      for (int j = 0; j < kVectors; j++) {
        // The next tile, of this head or of the next one.
        if (!kNext) __builtin_prefetch(state_ + (args_.key_dim + i) * width_ + j * V::kCount, 0, 2);
        const V m = V::fma(V::all(k[i]), delta[j], decay * columns_.load(from + i * from_width, j));
        columns_.store(m, to + i * to_width, j);
        o[j] = V::fma(V::all(q[i]), m, o[j]);
        if (kNext) found[j] = V::fma(V::all(next[i]), m, found[j]);
      }
    }
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; j++) {
      columns_.store(o[j], args_.o + t * args_.o_stride + at_, j);
      found_[j] = found[j];
    }
  }

  const DeltaArgs& args_;
  int64_t at_;
  DeltaColumns<V, kVectors> columns_;
  float* state_;
  int64_t width_;
  V found_[kVectors];  // sum_i k[i] M[i] for the next row's key
};

template <class V>
inline void delta_rule_body(const DeltaArgs& args) noexcept {
  static_assert(kDeltaColumns == 4 * V::kCount);
  for (int64_t at = args.begin; at < args.end; at += kDeltaColumns) {
    const int64_t left = args.end - at;
    const int64_t columns = left < kDeltaColumns ? left : kDeltaColumns;
    const int64_t vectors = (columns + V::kCount - 1) / V::kCount;
    const int last = static_cast<int>(columns - (vectors - 1) * V::kCount);
    if (columns == kDeltaColumns)
      DeltaTile<V, 4>(args, at, V::kCount).run();
    else if (vectors == 4)
      DeltaTile<V, 4>(args, at, last).run();
    else if (vectors == 3)
      DeltaTile<V, 3>(args, at, last).run();
    else if (vectors == 2)
      DeltaTile<V, 2>(args, at, last).run();
    else
      DeltaTile<V, 1>(args, at, last).run();
  }
}

template <class V>
inline void log_rows_body(const DeltaArgs& args) noexcept {
  for (int64_t t = args.certain; t < args.rows; t++) {
    float* entry = args.log + (t - args.certain) * args.log_stride;
    entry[0] = args.decay[t * args.gate_stride];
    for (int64_t i = 0; i < args.key_dim; i++) entry[1 + i] = args.k[t * args.k_stride + i];
  }
}

template <class V>
inline DeltaKernels delta_kernels_of() {
  return {delta_rule_body<V>, log_rows_body<V>};
}

}  // namespace troika::cpu
