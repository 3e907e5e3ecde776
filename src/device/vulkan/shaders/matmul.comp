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
  uint first_leaf;
  uint leaves;        // from there on, which add up into y
  uint y_row;         // elements of y from one row of x to the next
  uint of_blocks;     // 1: rows are those that row_blocks names
  uint first_block;   // of w, in the matrix that it is a run of
  uint total_blocks;  // of that matrix
};

#include "product.glsl"

// The row of w that makes row `o` of y; `outside`: another member of the group has it.
uint weight_row(uint o, out bool outside) {
  outside = false;
  if (of_blocks == 0) return min(o, w_rows - 1);
  if (o >= rows) return 0;
  const int block = row_blocks.at[o / 16];
  if (block < 0 || block >= total_blocks) {
    report(faults, kRowBlocks);
    return 0;
  }
  const uint own = uint(block) - first_block;  // wraps around where it is before the first
  outside = own >= w_rows / 16;
  return outside ? 0 : own * 16 + o % 16;
}

void main() {
  const uint lane = gl_LocalInvocationID.y;
  const uint o = gl_WorkGroupID.x * 32 + gl_LocalInvocationID.x;
  const uint first = gl_WorkGroupID.y * kTile;
  bool outside;
  Row row = row_of(w, row_words, inputs, weight_row(o, outside));
  uint x_rows[kTile];
  for (uint m = 0; m < kTile; m++) x_rows[m] = min(first + m, tokens - 1) * inputs;
  float leaf_sums[kLeavesMax];
  for (uint leaf = 0; leaf < leaves; leaf++)
    leaf_sums[leaf] = leaf_sum(row, first_leaf + leaf, x_rows);
  if (lane < kTile && o < rows && first + lane < tokens)
    y.at[(first + lane) * y_row + o] =
        outside ? uintBitsToFloat(0xff800000u) : tree(leaf_sums, leaves);
}
