// The elementwise kernels for any lanes; the last lanes run the same steps under a mask.
#pragma once

#include "device/cpu/kernels/elementwise.h"
#include "device/cpu/kernels/math_body.h"

namespace troika::cpu {

/// Calls body(i, n) for runs of n <= 16 elements from i on.
template <class V, class Body>
inline void in_lanes(int64_t count, Body body) {
  for (int64_t i = 0; i < count; i += V::kCount)
    body(i, static_cast<int>(count - i < V::kCount ? count - i : V::kCount));
}

template <class V>
inline void add_body(const float* a, const float* b, float* y, int64_t count) noexcept {
  in_lanes<V>(count, [&](int64_t i, int n) {
    (V::load_first(a + i, n) + V::load_first(b + i, n)).store_first(y + i, n);
  });
}

template <class V>
inline void gate_sigmoid_body(const float* x, const float* gate, float* y, int64_t count) noexcept {
  in_lanes<V>(count, [&](int64_t i, int n) {
    (V::load_first(x + i, n) * sigmoid_of<V>(V::load_first(gate + i, n))).store_first(y + i, n);
  });
}

template <class V>
inline void gate_silu_body(const float* x, const float* gate, float* y, int64_t count) noexcept {
  in_lanes<V>(count, [&](int64_t i, int n) {
    (V::load_first(x + i, n) * silu_of<V>(V::load_first(gate + i, n))).store_first(y + i, n);
  });
}

template <class V>
inline void scale_body(const float* x, V factor, float* y, int64_t count) noexcept {
  in_lanes<V>(count,
              [&](int64_t i, int n) { (V::load_first(x + i, n) * factor).store_first(y + i, n); });
}

template <class V>
inline void scale_sigmoid_body(const float* x, float gate, float* y, int64_t count) noexcept {
  scale_body<V>(x, sigmoid_of<V>(V::all(gate)), y, count);
}

template <class V>
inline void scale_silu_body(const float* x, float gate, float* y, int64_t count) noexcept {
  scale_body<V>(x, silu_of<V>(V::all(gate)), y, count);
}

template <class V>
inline void delta_gates_body(const DeltaGatesArgs& args) noexcept {
  in_lanes<V>(args.heads, [&](int64_t i, int n) {
    const V input = V::load_first(args.decay_in + i, n) + V::load_first(args.bias + i, n);
    exp_of<V>(V::load_first(args.a + i, n) * softplus_of<V>(input)).store_first(args.decay + i, n);
    sigmoid_of<V>(V::load_first(args.beta_in + i, n)).store_first(args.beta + i, n);
  });
}

template <class V>
inline ElementwiseKernels elementwise_kernels_of() {
  return {add_body<V>,           gate_sigmoid_body<V>, gate_silu_body<V>,
          scale_sigmoid_body<V>, scale_silu_body<V>,   delta_gates_body<V>};
}

}  // namespace troika::cpu
