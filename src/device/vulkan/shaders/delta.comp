#version 460
#extension GL_GOOGLE_include_directive : require
// Gated delta rule: an invocation for each value column of a head of a span walks the rows; columns
// never mix. A unit of the state is [heads, key_dim, value_dim], then the log [log_tokens, heads, 1
// + key_dim + value_dim]: decay, key, value delta. The log is read here and written by delta_log,
// as other invocations may still read what it replaces.
#include "memory.glsl"
#include "recurrent.glsl"

layout(constant_id = 0) const uint kKeyDim = 128;
layout(local_size_x = 32) in;

layout(push_constant) uniform Push {
  Floats q;
  Floats k;
  Floats v;
  Floats gates;   // [rows, heads, 2]: decay, beta
  Floats deltas;  // [rows, heads, value_dim]
  Floats o;
  Floats state;
  Spans spans;
  Faults faults;
  uint rows;
  uint key_heads;
  uint heads;
  uint value_dim;
  uint unit_floats;
  uint slots;
  uint log_tokens;
};

float column[kKeyDim];  // of the state's matrix

void update(float decay, float delta, Floats keys, uint key) {
  for (uint i = 0; i < kKeyDim; i++) {
    precise float kept = decay * column[i];
    precise float value = fma(delta, keys.at[key + i], kept);
    column[i] = value;
  }
}

float product(Floats vectors, uint at) {
  precise float sum = 0.0;
  for (uint i = 0; i < kKeyDim; i++) sum = fma(column[i], vectors.at[at + i], sum);
  return sum;
}

void advance(uint row, uint head, uint j) {
  const uint key = (row * key_heads + head % key_heads) * kKeyDim;
  const uint gate = 2 * (row * heads + head);
  const uint value = (row * heads + head) * value_dim + j;
  const float decay = gates.at[gate];
  precise float known = decay * product(k, key);
  precise float delta = gates.at[gate + 1] * (v.at[value] - known);
  deltas.at[value] = delta;
  update(decay, delta, k, key);
  o.at[value] = product(q, key);
}

void main() {
  const uint j = gl_GlobalInvocationID.x;
  const uint head = gl_WorkGroupID.y;
  if (j >= value_dim) return;
  const Span span = spans.at[gl_WorkGroupID.z];
  if (!sound(span, slots, log_tokens, rows)) {
    report(faults, kSpans);
    return;
  }
  const uint unit = uint(span.state_slot) * unit_floats;
  const uint matrix = unit + head * kKeyDim * value_dim + j;
  for (uint i = 0; i < kKeyDim; i++)
    column[i] = span.fresh != 0 ? 0.0 : state.at[matrix + i * value_dim];
  const uint entry_floats = 1 + kKeyDim + value_dim;
  const uint log_begin = unit + heads * kKeyDim * value_dim + head * entry_floats;
  for (uint i = 0; i < span.replay; i++) {
    const uint entry = log_begin + i * heads * entry_floats;
    update(state.at[entry], state.at[entry + 1 + kKeyDim + j], state, entry + 1);
  }
  const uint begin = uint(span.row_begin);
  for (uint i = 0; i < span.certain; i++) advance(begin + i, head, j);
  for (uint i = 0; i < kKeyDim; i++) state.at[matrix + i * value_dim] = column[i];
  for (uint i = span.certain; i < span.rows; i++) advance(begin + i, head, j);
}
