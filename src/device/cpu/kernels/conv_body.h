// The causal convolution for any lanes: lanes are channels, the history stays in registers.
#pragma once

#include "device/cpu/kernels/conv.h"
#include "device/cpu/kernels/math_body.h"

namespace troika::cpu {

/// The history of sixteen channels. kTaps is the number of taps, or 0 where only `taps` knows it.
template <class V, int kTaps>
struct ConvHistory {
  V input[kTaps > 0 ? kTaps : kConvTapsMax];  // the last place is for the row at hand
  int64_t taps;

  int64_t last() const { return (kTaps > 0 ? kTaps : taps) - 1; }

  void shift() {
    for (int64_t j = 0; j < last(); j++) input[j] = input[j + 1];
  }
  V output(const float* weights, int64_t stride, int n) const {
    V sum = V::all(0.0F);
    for (int64_t j = 0; j <= last(); j++)
      sum = V::fma(V::load_first(weights + j * stride, n), input[j], sum);
    return silu_of<V>(sum);
  }
  void store(float* to, int64_t stride, int n) const {
    for (int64_t j = 0; j < last(); j++) input[j].store_first(to + j * stride, n);
  }
};

/// Channels [at, at + n).
template <class V, int kTaps>
inline void conv_lanes(const ConvArgs& args, int64_t at, int n) {
  const int64_t stride = args.channels;
  ConvHistory<V, kTaps> history;
  history.taps = args.tap_count;
  const int64_t last = history.last();
  for (int64_t j = 0; j < last; j++)
    history.input[j] = args.fresh ? V::all(0.0F) : V::load_first(args.history + j * stride + at, n);
  for (int64_t j = 0; j < args.replay; j++) {
    history.input[last] = V::load_first(args.log + j * stride + at, n);
    history.shift();
  }
  for (int64_t t = 0; t < args.rows; t++) {
    if (t == args.certain) history.store(args.history + at, stride, n);
    const V x = V::load_first(args.x + t * args.x_stride + at, n);
    history.input[last] = x;
    history.output(args.taps + at, stride, n).store_first(args.y + t * args.y_stride + at, n);
    history.shift();
    if (t >= args.certain) x.store_first(args.log + (t - args.certain) * stride + at, n);
  }
  if (args.certain == args.rows) history.store(args.history + at, stride, n);
}

template <class V>
inline void conv_body(const ConvArgs& args) noexcept {
  for (int64_t at = args.begin; at < args.end; at += V::kCount) {
    const int n = static_cast<int>(args.end - at < V::kCount ? args.end - at : V::kCount);
    if (args.tap_count == 4)
      conv_lanes<V, 4>(args, at, n);
    else
      conv_lanes<V, 0>(args, at, n);
  }
}

template <class V>
inline ConvKernels conv_kernels_of() {
  return {conv_body<V>};
}

}  // namespace troika::cpu
