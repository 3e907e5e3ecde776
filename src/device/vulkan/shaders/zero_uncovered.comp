#version 460
#extension GL_GOOGLE_include_directive : require
// Zeros for the rows that are in no span.
#include "memory.glsl"

layout(local_size_x = 64) in;

layout(push_constant) uniform Push {
  Floats y;
  Ints row_spans;
  uint rows;
  uint width;
};

void main() {
  const uint i = group_number() * 64 + gl_LocalInvocationID.x;
  if (i < rows * width && row_spans.at[i / width] < 0) y.at[i] = 0.0;
}
