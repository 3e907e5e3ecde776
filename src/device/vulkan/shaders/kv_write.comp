#version 460
#extension GL_GOOGLE_include_directive : require
// Stores the keys and values of the step's rows in their pages, a pair each.
#include "memory.glsl"
#include "numbers.glsl"
#include "kv.glsl"

layout(local_size_x = 64) in;

layout(push_constant) uniform Push {
  Floats k;
  Floats v;
  Words state;
  Ints page_table;
  Spans spans;
  Ints row_spans;
  Faults faults;
  uint rows;
  uint kv_heads;
  uint key_dim;
  uint value_dim;
  uint unit_words;
  uint pages;
  uint table_entries;
};

void main() {
  const uint pairs = (key_dim + value_dim) / 2;
  const uint i = group_number() * 64 + gl_LocalInvocationID.x;
  if (i >= rows * kv_heads * pairs) return;
  const uint row = i / (kv_heads * pairs);
  const uint head = i / pairs % kv_heads;
  const uint pair = i % pairs;
  const int number = row_spans.at[row];
  if (number < 0) return;
  const Span span = spans.at[number];
  const uint position = uint(span.position) + row - uint(span.row_begin);
  const uint entry = uint(span.page_begin) + position / kPageTokens;
  const int page = entry < table_entries ? page_table.at[entry] : -1;
  if (page < 0 || page >= pages) {
    report(faults, kPageTable);
    return;
  }
  const uint unit = uint(page) * unit_words;
  const uint token = position % kPageTokens;
  if (pair < key_dim / 2) {
    const uint from = (row * kv_heads + head) * key_dim + 2 * pair;
    store_pair(state, unit + key_word(head, key_dim, pair, token), kSecondKey,
               vec2(k.at[from], k.at[from + 1]));
  } else {
    const uint value = pair - key_dim / 2;
    const uint from = (row * kv_heads + head) * value_dim + 2 * value;
    store_pair(state, unit + value_word(head, kv_heads, key_dim, value_dim, value, token),
               kSecondValue, vec2(v.at[from], v.at[from + 1]));
  }
}
