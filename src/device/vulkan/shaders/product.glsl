// The arithmetic of a product with a weight, of kTile rows of x at a time. Invocations are [8
// lanes, 32 rows]: lane l of a row adds the chunks l, l + 8, ... of a leaf (at most 32 columns
// each, in the order of the leaf), column by column; then the eight lanes add as a tree, and the
// leaves as docs/same_bits.md has it. Nothing of that depends on how many rows there are. Whoever
// includes this has `x`, `chunks` (kLeavesMax + 1 places where leaves begin, then begin << 6 |
// columns) and kTile, at most kLanes.
const uint kLanes = 8;
const uint kLeavesMax = 8;

shared float parts[kLanes][kTile][32];

void add_plain(Row row, uint begin, uint columns, uint x_rows[kTile], inout float sums[kTile]) {
  for (uint k = begin; k < begin + columns; k++) {
    const float weight = plain_of(row, k);
    for (uint m = 0; m < kTile; m++) {
      precise float sum = fma(weight, x.at[x_rows[m] + k], sums[m]);
      sums[m] = sum;
    }
  }
}

void add_blocks(Row row, uint begin, uint columns, uint x_rows[kTile], inout float sums[kTile]) {
  Vectors vectors = Vectors(x);
  for (uint first = begin; first < begin + columns; first += kScaleColumns) {
    const Scale scale = scale_of(row, first);
    for (uint k = first; k < first + kScaleColumns; k += 4) {
      precise vec4 weight = scale.scale * four_of(row, k) - scale.least;
      for (uint m = 0; m < kTile; m++) {
        const vec4 four = vectors.at[(x_rows[m] + k) / 4];
        precise float sum = fma(weight.x, four.x, sums[m]);
        sum = fma(weight.y, four.y, sum);
        sum = fma(weight.z, four.z, sum);
        sum = fma(weight.w, four.w, sum);
        sums[m] = sum;
      }
    }
  }
}

float lanes_sum(uint m, uint row) {
  precise float sum =
      ((parts[0][m][row] + parts[1][m][row]) + (parts[2][m][row] + parts[3][m][row])) +
      ((parts[4][m][row] + parts[5][m][row]) + (parts[6][m][row] + parts[7][m][row]));
  return sum;
}

// The balanced tree over count leaves, at most 4, then at most 8, from `begin` on.
float tree_of_two(float leaf[kLeavesMax], uint begin, uint count) {
  precise float sum = leaf[begin];
  if (count == 2) sum = sum + leaf[begin + 1];
  return sum;
}
float tree_of_four(float leaf[kLeavesMax], uint begin, uint count) {
  const uint left = (count + 1) / 2;
  precise float sum = tree_of_two(leaf, begin, left);
  if (count > left) sum = sum + tree_of_two(leaf, begin + left, count - left);
  return sum;
}
float tree(float leaf[kLeavesMax], uint count) {
  const uint left = (count + 1) / 2;
  precise float sum = tree_of_four(leaf, 0, left);
  if (count > left) sum = sum + tree_of_four(leaf, left, count - left);
  return sum;
}

// What this lane adds of a leaf.
void add_leaf(Row row, uint leaf, uint x_rows[kTile], out float sums[kTile]) {
  for (uint m = 0; m < kTile; m++) sums[m] = 0.0;
  const uint end = chunks.at[leaf + 1];
  for (uint i = chunks.at[leaf] + gl_LocalInvocationID.y; i < end; i += kLanes) {
    const uint chunk = chunks.at[i];
    if (kBlocks)
      add_blocks(row, chunk >> 6, chunk & 63u, x_rows, sums);
    else
      add_plain(row, chunk >> 6, chunk & 63u, x_rows, sums);
  }
}

// The sums over all lanes of a leaf: lane m of a row gets that of row m of x. All invocations take
// part.
float leaf_sum(Row row, uint leaf, uint x_rows[kTile]) {
  const uint lane = gl_LocalInvocationID.y;
  float sums[kTile];
  add_leaf(row, leaf, x_rows, sums);
  for (uint m = 0; m < kTile; m++) parts[lane][m][gl_LocalInvocationID.x] = sums[m];
  barrier();
  const float sum = lane < kTile ? lanes_sum(lane, gl_LocalInvocationID.x) : 0.0;
  barrier();
  return sum;
}
