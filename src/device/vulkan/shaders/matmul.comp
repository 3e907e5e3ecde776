#version 460
#extension GL_GOOGLE_include_directive : require
// y = W x: a group computes 32 output rows of kTile rows of x (product.glsl).
#include "memory.glsl"
#include "numbers.glsl"
#include "weights.glsl"

layout(constant_id = 1) const uint kTile = 1;
layout(local_size_x = 32, local_size_y = 8) in;

layout(push_constant) uniform Push {
  Words w;
  Floats x;
  Floats y;
  Words chunks;
  Ints row_blocks;  // of MatMulBlocks
  Faults faults;
  uint rows;  // of y
  uint w_rows;
  uint inputs;
  uint tokens;
  uint row_words;
  uint leaves;
  uint of_blocks;  // 1: rows are those that row_blocks names
};

#include "product.glsl"

// The row of w that makes row `o` of y.
uint weight_row(uint o) {
  if (of_blocks == 0) return min(o, w_rows - 1);
  if (o >= rows) return 0;
  const int block = row_blocks.at[o / 16];
  if (block >= 0 && block < w_rows / 16) return uint(block) * 16 + o % 16;
  report(faults, kRowBlocks);
  return 0;
}

void main() {
  const uint lane = gl_LocalInvocationID.y;
  const uint o = gl_WorkGroupID.x * 32 + gl_LocalInvocationID.x;
  const uint first = gl_WorkGroupID.y * kTile;
  Row row = row_of(w, row_words, inputs, weight_row(o));
  uint x_rows[kTile];
  for (uint m = 0; m < kTile; m++) x_rows[m] = min(first + m, tokens - 1) * inputs;
  float leaf_sums[kLeavesMax];
  for (uint leaf = 0; leaf < leaves; leaf++) leaf_sums[leaf] = leaf_sum(row, leaf, x_rows);
  if (lane < kTile && o < rows && first + lane < tokens)
    y.at[(first + lane) * rows + o] = tree(leaf_sums, leaves);
}
