#version 460
#extension GL_GOOGLE_include_directive : require
// Attention of one query head of one row: a group each. Keys are taken in blocks of 64, a page, in
// order; blocks add up inside of a partition of 8 (512 absolute positions), partitions merge left
// to right. Invocation j has key j of a block, then pairs j, j + 64, ... of the values.
#include "memory.glsl"
#include "numbers.glsl"
#include "kv.glsl"

layout(constant_id = 1) const uint kSlices = 1;  // pairs of values of an invocation
const uint kKeyDimMax = 512;
const uint kPartitionPages = 8;
layout(local_size_x = 64) in;

layout(push_constant) uniform Push {
  Floats q;
  Floats o;
  Words state;
  Ints page_table;
  Spans spans;
  Ints row_spans;
  Faults faults;
  uint rows;
  uint heads;
  uint kv_heads;
  uint key_dim;
  uint value_dim;
  uint unit_words;
  uint pages;
  uint table_entries;
  float scale;
};

shared float query[kKeyDimMax];
shared float numbers[64];  // scores of a block, then their weights

// Sums over keys relative to the largest score among them.
float largest;
float weight_sum;
vec2 sums[kSlices];
float all_largest;
float all_weight_sum;
vec2 all_sums[kSlices];

float score_of(uint unit, uint head, uint token) {
  precise float sum = 0.0;
  for (uint pair = 0; pair < key_dim / 2; pair++) {
    const vec2 key = load_pair(state, unit + key_word(head, key_dim, pair, token), kSecondKey);
    sum = fma(query[2 * pair], key.x, sum);
    sum = fma(query[2 * pair + 1], key.y, sum);
  }
  return sum * scale;
}

// The `count` keys of one page.
void add_block(uint unit, uint head, uint count) {
  const uint lane = gl_LocalInvocationID.x;
  float score = 0.0;
  if (lane < count) score = score_of(unit, head, lane);
  numbers[lane] = score;
  barrier();
  float top = largest;
  for (uint j = 0; j < count; j++) top = max(top, numbers[j]);
  barrier();
  numbers[lane] = exp_of(score - top);
  barrier();
  precise float keep = exp_of(largest - top);
  precise float added = 0.0;
  for (uint j = 0; j < count; j++) added = added + numbers[j];
  precise float weights = fma(weight_sum, keep, added);
  weight_sum = weights;
  for (uint slice = 0; slice < kSlices; slice++) {
    const uint pair = lane + 64 * slice;
    if (pair >= value_dim / 2) continue;
    precise vec2 sum = sums[slice] * keep;
    for (uint j = 0; j < count; j++) {
      const uint at = value_word(head, kv_heads, key_dim, value_dim, pair, j);
      sum = fma(vec2(numbers[j]), load_pair(state, unit + at, kSecondValue), sum);
    }
    sums[slice] = sum;
  }
  largest = top;
  barrier();
}

void begin_partition() {
  largest = -3.0e38;
  weight_sum = 0.0;
  for (uint slice = 0; slice < kSlices; slice++) sums[slice] = vec2(0.0);
}

void merge_partition(bool first) {
  const float top = first ? largest : max(all_largest, largest);
  precise float left = first ? 0.0 : exp_of(all_largest - top);
  precise float right = exp_of(largest - top);
  precise float weights = all_weight_sum * left + weight_sum * right;
  all_weight_sum = weights;
  for (uint slice = 0; slice < kSlices; slice++) {
    precise vec2 sum = all_sums[slice] * left + sums[slice] * right;
    all_sums[slice] = sum;
  }
  all_largest = top;
}

// The unit of the page in which block `block` of a span is; pages where there is none.
uint page_of(Span span, uint block) {
  const uint entry = uint(span.page_begin) + block;
  const int page = entry < table_entries ? page_table.at[entry] : -1;
  if (page >= 0 && page < pages) return uint(page);
  report(faults, kPageTable);
  return pages;
}

void main() {
  const uint lane = gl_LocalInvocationID.x;
  const uint row = group_number() / heads;
  const uint head = group_number() % heads;
  if (row >= rows) return;
  const uint to = (row * heads + head) * value_dim;
  const int number = row_spans.at[row];
  if (number < 0) {
    for (uint i = lane; i < value_dim; i += 64) o.at[to + i] = 0.0;
    return;
  }
  for (uint i = lane; i < key_dim; i += 64) query[i] = q.at[(row * heads + head) * key_dim + i];
  barrier();
  const Span span = spans.at[number];
  const uint keys = uint(span.position) + row - uint(span.row_begin) + 1;
  const uint blocks = (keys + kPageTokens - 1) / kPageTokens;
  all_largest = 0.0;
  all_weight_sum = 0.0;
  for (uint slice = 0; slice < kSlices; slice++) all_sums[slice] = vec2(0.0);
  for (uint block = 0; block < blocks; block++) {
    if (block % kPartitionPages == 0) begin_partition();
    const uint page = page_of(span, block);
    if (page == pages) return;
    add_block(page * unit_words, head / (heads / kv_heads),
              min(kPageTokens, keys - block * kPageTokens));
    if (block % kPartitionPages == kPartitionPages - 1 || block + 1 == blocks)
      merge_partition(block < kPartitionPages);
  }
  for (uint slice = 0; slice < kSlices; slice++) {
    const uint pair = lane + 64 * slice;
    if (pair >= value_dim / 2) continue;
    o.at[to + 2 * pair] = all_sums[slice].x / all_weight_sum;
    o.at[to + 2 * pair + 1] = all_sums[slice].y / all_weight_sum;
  }
}
