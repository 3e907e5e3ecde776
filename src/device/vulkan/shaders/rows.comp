#version 460
#extension GL_GOOGLE_include_directive : require
// Rows that go where an input says: gather_rows, store_rows, load_rows.
#include "memory.glsl"

const uint kGather = 0;
const uint kStore = 1;
const uint kLoad = 2;
layout(constant_id = 0) const uint kKind = kGather;
layout(local_size_x = 64) in;

layout(push_constant) uniform Push {
  Words x;
  Words y;
  Ints places;
  Faults faults;
  uint rows;
  uint width;
  uint end;  // places are below it
};

void main() {
  const uint i = group_number() * 64 + gl_LocalInvocationID.x;
  if (i >= rows * width) return;
  const int place = places.at[i / width];
  const uint column = i % width;
  const bool zeros = kKind == kLoad && place == -1;
  const bool inside = place >= 0 && place < end;
  if (!zeros && !inside) report(faults, kKind == kGather  ? kOutputRows
                                        : kKind == kStore ? kHiddenOut
                                                          : kHiddenIn);
  if (kKind == kStore) {
    if (inside) y.at[uint(place) * width + column] = x.at[i];
  } else {
    y.at[i] = inside ? x.at[uint(place) * width + column] : 0u;
  }
}
