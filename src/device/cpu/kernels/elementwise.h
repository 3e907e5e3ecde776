// The contract of the elementwise kernels. Pointers need no alignment; y may be one of the inputs,
// otherwise nothing overlaps. Every element is computed by the same steps, wherever it lies.
#pragma once

#include <cstdint>

namespace troika::cpu {

/// y[i] = a[i] + b[i]
using AddKernel = void (*)(const float* a, const float* b, float* y, int64_t count) noexcept;

/// y[i] = x[i] * function(gate[i])
using GateKernel = void (*)(const float* x, const float* gate, float* y, int64_t count) noexcept;

/// y[i] = x[i] * function(gate), rounded as a GateKernel rounds where all gates are equal
using ScaleKernel = void (*)(const float* x, float gate, float* y, int64_t count) noexcept;

/// decay[h] = exp(a[h] * softplus(decay_in[h] + bias[h])), beta[h] = sigmoid(beta_in[h])
struct DeltaGatesArgs {
  const float* decay_in;
  const float* beta_in;
  const float* a;
  const float* bias;
  float* decay;
  float* beta;
  int64_t heads;
};
using DeltaGatesKernel = void (*)(const DeltaGatesArgs& args) noexcept;

struct ElementwiseKernels {
  AddKernel add;
  GateKernel gate_sigmoid;
  GateKernel gate_silu;
  ScaleKernel scale_sigmoid;
  ScaleKernel scale_silu;
  DeltaGatesKernel delta_gates;
};

ElementwiseKernels portable_elementwise_kernels();
ElementwiseKernels avx2_elementwise_kernels();
ElementwiseKernels avx512_elementwise_kernels();
ElementwiseKernels neon_elementwise_kernels();

}  // namespace troika::cpu
