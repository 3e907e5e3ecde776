#version 460
#extension GL_GOOGLE_include_directive : require
// Products with the experts that a row chose: a group computes 32 output rows of one row of x and
// one expert, or of the weighted sum over all that the row chose. In a sum, leaves are outermost: a
// leaf adds weight times its part of the product expert by expert, best first.
#include "memory.glsl"
#include "numbers.glsl"
#include "weights.glsl"

layout(constant_id = 1) const uint kSum = 0;
const uint kTile = 1;
layout(local_size_x = 32, local_size_y = 8) in;

layout(push_constant) uniform Push {
  Words w;  // [experts], each in strips of its own
  Floats x;
  Floats y;
  Words chunks;
  Floats chosen;  // [tokens, used, 2]: expert, weight
  uint rows;      // of an expert
  uint inputs;
  uint tokens;
  uint row_words;
  uint first_leaf;
  uint leaves;  // from there on, which add up into y
  uint y_row;   // elements of y from one row to the next
  uint used;
  uint experts;
};

#include "product.glsl"

// Row `o` of the expert that row `token` chose as its number `rank`. What is no expert counts as
// the first: routers name none such.
Row expert_row(uint token, uint rank, uint o) {
  const float named = chosen.at[2 * (token * used + rank)];
  const uint expert = named >= 0.0 && named < float(experts) ? uint(named) : 0;
  const uint strips = (rows + 31) / 32;
  return row_of(w, row_words, inputs, expert * strips * 32 + min(o, rows - 1));
}

void main() {
  const uint o = gl_WorkGroupID.x * 32 + gl_LocalInvocationID.x;
  const uint number = gl_WorkGroupID.z * gl_NumWorkGroups.y + gl_WorkGroupID.y;
  if (number >= (kSum == 1 ? tokens : tokens * used)) return;
  const uint token = kSum == 1 ? number : number / used;
  float leaf_sums[kLeavesMax];
  for (uint leaf = 0; leaf < leaves; leaf++) {
    if (kSum == 0) {
      Row row = expert_row(token, number % used, o);
      leaf_sums[leaf] = leaf_sum(row, first_leaf + leaf, uint[1](token * inputs));
      continue;
    }
    precise float sum = 0.0;
    for (uint rank = 0; rank < used; rank++) {
      Row row = expert_row(token, rank, o);
      const float part =
          leaf_sum(row, first_leaf + leaf, uint[1]((token * used + rank) * inputs));
      sum = fma(chosen.at[2 * (token * used + rank) + 1], part, sum);
    }
    leaf_sums[leaf] = sum;
  }
  if (gl_LocalInvocationID.y == 0 && o < rows) y.at[number * y_row + o] = tree(leaf_sums, leaves);
}
