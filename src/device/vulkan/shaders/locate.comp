#version 460
#extension GL_GOOGLE_include_directive : require
// The span of each row, or -1: in no span, or in one that makes no sense.
#include "memory.glsl"

layout(local_size_x = 64) in;

layout(push_constant) uniform Push {
  Spans spans;
  Ints row_spans;
  Faults faults;
  uint rows;
  uint count;
  uint of_outputs;
};

void main() {
  const uint row = group_number() * 64 + gl_LocalInvocationID.x;
  if (row >= rows) return;
  int found = -1;
  for (int i = 0; i < count; i++) {
    const Span span = spans.at[i];
    const bool sound = span.rows >= 0 && span.row_begin >= 0 && span.position >= 0 &&
                       span.page_begin >= 0 && span.rows <= rows &&
                       span.row_begin <= rows - span.rows &&
                       span.position <= 0x7fffffff - span.rows;
    if (!sound)
      report(faults, of_outputs == 1 ? kOutputSpans : kSpans);
    else if (row >= span.row_begin && row < span.row_begin + span.rows)
      found = i;
  }
  row_spans.at[row] = found;
}
