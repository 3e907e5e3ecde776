#version 460
#extension GL_GOOGLE_include_directive : require
// y[t] = table[token_ids[t]], an element each.
#include "memory.glsl"
#include "numbers.glsl"
#include "weights.glsl"

layout(local_size_x = 64) in;

layout(push_constant) uniform Push {
  Words table;
  Ints ids;
  Floats y;
  Faults faults;
  uint tokens;
  uint inputs;
  uint rows;
  uint row_words;
};

void main() {
  const uint i = group_number() * 64 + gl_LocalInvocationID.x;
  if (i >= tokens * inputs) return;
  const int id = ids.at[i / inputs];
  if (id < 0 || id >= rows) {
    report(faults, kTokenIds);
    y.at[i] = 0.0;
    return;
  }
  y.at[i] = column_of(row_of(table, row_words, inputs, uint(id)), i % inputs);
}
