// What every shader begins with: memory by address, and the word in which a shader says that a step
// named something that is not there. Addresses come as push constants, so there are no descriptors.
#extension GL_EXT_buffer_reference : require

layout(buffer_reference, std430, buffer_reference_align = 4) buffer Floats {
  float at[];
};
layout(buffer_reference, std430, buffer_reference_align = 16) buffer Vectors {
  vec4 at[];
};
layout(buffer_reference, std430, buffer_reference_align = 4) buffer Words {
  uint at[];
};
layout(buffer_reference, std430, buffer_reference_align = 4) buffer Ints {
  int at[];
};

// graph/batch.h
struct Span {
  int row_begin;
  int rows;
  int position;
  int page_begin;
  int state_slot;
  int replay;
  int certain;
  int fresh;
};
layout(buffer_reference, std430, buffer_reference_align = 4) buffer Spans {
  Span at[];
};

// Bit i of the word: something is wrong with Input i (graph/batch.h).
layout(buffer_reference, std430, buffer_reference_align = 4) buffer Faults {
  uint inputs;
};
const uint kTokenIds = 0;
const uint kPositions = 1;
const uint kSpans = 2;
const uint kOutputSpans = 3;
const uint kPageTable = 4;
const uint kOutputRows = 5;
const uint kHiddenIn = 6;
const uint kHiddenOut = 7;
const uint kRowBlocks = 8;
void report(Faults faults, uint which) {
  atomicOr(faults.inputs, 1u << which);
}

// Groups are dealt out along x and y together: one axis alone has too few for long steps.
uint group_number() {
  return gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
}
