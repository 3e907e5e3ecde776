#version 460
#extension GL_GOOGLE_include_directive : require
// A run of every unit of x to a run of every unit of y: what concat and slice are made of.
#include "memory.glsl"

layout(local_size_x = 64) in;

layout(push_constant) uniform Push {
  Words x;
  Words y;
  uint units;
  uint width;  // of the run
  uint x_width;
  uint x_begin;
  uint y_width;
  uint y_begin;
};

void main() {
  const uint i = group_number() * 64 + gl_LocalInvocationID.x;
  if (i >= units * width) return;
  const uint unit = i / width;
  const uint place = i % width;
  y.at[unit * y_width + y_begin + place] = x.at[unit * x_width + x_begin + place];
}
