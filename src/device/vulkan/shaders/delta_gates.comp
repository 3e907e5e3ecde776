#version 460
#extension GL_GOOGLE_include_directive : require
// Decay and beta of the gated delta rule, for each row and head.
#include "memory.glsl"
#include "numbers.glsl"

layout(local_size_x = 64) in;

layout(push_constant) uniform Push {
  Floats decay_in;
  Floats beta_in;
  Floats a;
  Floats decay_bias;
  Floats gates;  // [rows, heads, 2]: decay, beta
  uint count;    // rows * heads
  uint heads;
};

void main() {
  const uint i = group_number() * 64 + gl_LocalInvocationID.x;
  if (i >= count) return;
  const uint head = i % heads;
  precise float input_sum = decay_in.at[i] + decay_bias.at[head];
  precise float exponent = a.at[head] * softplus_of(input_sum);
  gates.at[2 * i] = exp_of(exponent);
  gates.at[2 * i + 1] = sigmoid_of(beta_in.at[i]);
}
