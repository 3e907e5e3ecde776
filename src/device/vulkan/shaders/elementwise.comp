#version 460
#extension GL_GOOGLE_include_directive : require
// Sums and products by element.
#include "memory.glsl"
#include "numbers.glsl"

const uint kAdd = 0;
const uint kAddBias = 1;
const uint kSwiGlu = 2;
const uint kGateSigmoid = 3;
const uint kGateSilu = 4;
layout(constant_id = 0) const uint kKind = kAdd;
layout(local_size_x = 64) in;

layout(push_constant) uniform Push {
  Floats a;
  Floats b;
  Floats y;
  uint count;
  uint sharing;  // add_bias: elements of b; gates: elements of a that share one of b
};

void main() {
  const uint i = group_number() * 64 + gl_LocalInvocationID.x;
  if (i >= count) return;
  precise float value = a.at[i];
  if (kKind == kAdd)
    value = value + b.at[i];
  else if (kKind == kAddBias)
    value = value + b.at[i % sharing];
  else if (kKind == kSwiGlu)
    value = silu_of(value) * b.at[i];
  else if (kKind == kGateSigmoid)
    value = value * sigmoid_of(b.at[i / sharing]);
  else
    value = value * silu_of(b.at[i / sharing]);
  y.at[i] = value;
}
