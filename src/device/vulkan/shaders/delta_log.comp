#version 460
#extension GL_GOOGLE_include_directive : require
// Logs what the rows after the certain ones did to the state of a delta rule: a number each.
#include "memory.glsl"
#include "recurrent.glsl"

layout(local_size_x = 64) in;

layout(push_constant) uniform Push {
  Floats k;
  Floats gates;
  Floats deltas;
  Floats state;
  Spans spans;
  uint rows;
  uint key_heads;
  uint heads;
  uint key_dim;
  uint value_dim;
  uint unit_floats;
  uint slots;
  uint log_tokens;
};

void main() {
  const uint entry_floats = 1 + key_dim + value_dim;
  const uint i = gl_GlobalInvocationID.x;
  if (i >= heads * entry_floats) return;
  const Span span = spans.at[gl_WorkGroupID.z];
  if (!sound(span, slots, log_tokens, rows)) return;
  const uint token = gl_WorkGroupID.y;
  if (span.certain + token >= span.rows) return;
  const uint row = uint(span.row_begin + span.certain) + token;
  const uint head = i / entry_floats;
  const uint place = i % entry_floats;
  float value;
  if (place == 0)
    value = gates.at[2 * (row * heads + head)];
  else if (place <= key_dim)
    value = k.at[(row * key_heads + head % key_heads) * key_dim + place - 1];
  else
    value = deltas.at[(row * heads + head) * value_dim + place - 1 - key_dim];
  const uint log_begin = uint(span.state_slot) * unit_floats + heads * key_dim * value_dim;
  state.at[log_begin + token * heads * entry_floats + i] = value;
}
