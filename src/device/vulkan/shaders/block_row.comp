#version 460
#extension GL_GOOGLE_include_directive : require
// The row of the weight that an element of a MatMulBlocks value stands for.
#include "memory.glsl"

layout(local_size_x = 64) in;

layout(push_constant) uniform Push {
  Ints x;
  Ints row_blocks;
  Ints y;
  uint rows;
};

void main() {
  const uint row = group_number() * 64 + gl_LocalInvocationID.x;
  if (row >= rows) return;
  const int element = x.at[row];
  y.at[row] = row_blocks.at[element / 16] * 16 + element % 16;
}
