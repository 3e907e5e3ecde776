#version 460
#extension GL_GOOGLE_include_directive : require
// The lowest place among the largest elements of a row, alone or as (id, element): a group each.
#include "memory.glsl"

layout(constant_id = 0) const uint kPair = 0;

const uint kLanes = 256;
layout(local_size_x = 256) in;

layout(push_constant) uniform Push {
  Floats x;
  Ints y;
  uint rows;
  uint width;
  uint first;  // the id of a pair's place 0
};

shared float values[kLanes];
shared uint places[kLanes];

void main() {
  const uint row = group_number();
  const uint lane = gl_LocalInvocationID.x;
  if (row >= rows) return;
  uint place = min(lane, width - 1);
  float value = x.at[row * width + place];
  for (uint i = lane + kLanes; i < width; i += kLanes) {
    const float other = x.at[row * width + i];
    if (other > value) {
      value = other;
      place = i;
    }
  }
  values[lane] = value;
  places[lane] = place;
  barrier();
  if (lane != 0) return;
  for (uint i = 1; i < kLanes; i++)
    if (values[i] > value || (values[i] == value && places[i] < place)) {
      value = values[i];
      place = places[i];
    }
  if (kPair == 0) {
    y.at[row] = int(place);
  } else {
    y.at[2 * row] = floatBitsToInt(float(first + place));
    y.at[2 * row + 1] = floatBitsToInt(value);
  }
}
