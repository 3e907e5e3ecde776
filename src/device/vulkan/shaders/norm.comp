#version 460
#extension GL_GOOGLE_include_directive : require
// rms_norm and l2_norm: a group for each unit. Lane l adds the squares of l, l + 64, ...; the lanes
// add in order.
#include "memory.glsl"

layout(constant_id = 0) const uint kRms = 1;
layout(local_size_x = 64) in;

layout(push_constant) uniform Push {
  Floats x;
  Floats weight;  // of rms_norm
  Floats y;
  uint units;
  uint width;
  float epsilon;
  float scale;  // of l2_norm
};

shared float parts[64];

void main() {
  const uint unit = group_number();
  const uint lane = gl_LocalInvocationID.x;
  if (unit >= units) return;
  precise float part = 0.0;
  for (uint i = lane; i < width; i += 64) {
    const float value = x.at[unit * width + i];
    part = fma(value, value, part);
  }
  parts[lane] = part;
  barrier();
  precise float sum = 0.0;
  for (uint i = 0; i < 64; i++) sum = sum + parts[i];
  precise float size = kRms == 1 ? sqrt(sum / float(width) + epsilon) : max(sqrt(sum), epsilon);
  for (uint i = lane; i < width; i += 64) {
    precise float value = x.at[unit * width + i] / size;
    y.at[unit * width + i] = value * (kRms == 1 ? weight.at[i] : scale);
  }
}
