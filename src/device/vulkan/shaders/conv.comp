#version 460
#extension GL_GOOGLE_include_directive : require
// Causal convolution: an invocation for each channel of a span walks its rows. A unit of the state
// is [taps - 1, channels], then the log [log_tokens, channels].
#include "memory.glsl"
#include "numbers.glsl"
#include "recurrent.glsl"

layout(constant_id = 0) const uint kTaps = 4;
layout(local_size_x = 64) in;

layout(push_constant) uniform Push {
  Floats x;
  Floats taps;  // [channels, kTaps]
  Floats y;
  Floats state;
  Spans spans;
  Faults faults;
  uint rows;
  uint channels;
  uint unit_floats;
  uint slots;
  uint log_tokens;
};

float window[kTaps];  // the newest input last

void push(float value) {
  for (uint j = 0; j + 1 < kTaps; j++) window[j] = window[j + 1];
  window[kTaps - 1] = value;
}

void advance(uint row, uint channel) {
  push(x.at[row * channels + channel]);
  precise float sum = 0.0;
  for (uint j = 0; j < kTaps; j++) sum = fma(taps.at[channel * kTaps + j], window[j], sum);
  y.at[row * channels + channel] = silu_of(sum);
}

void main() {
  const uint channel = gl_GlobalInvocationID.x;
  if (channel >= channels) return;
  const Span span = spans.at[gl_WorkGroupID.y];
  if (!sound(span, slots, log_tokens, rows)) {
    report(faults, kSpans);
    return;
  }
  const uint unit = uint(span.state_slot) * unit_floats + channel;
  const uint log_begin = unit + (kTaps - 1) * channels;
  const uint begin = uint(span.row_begin);
  window[0] = 0.0;
  for (uint j = 1; j < kTaps; j++)
    window[j] = span.fresh != 0 ? 0.0 : state.at[unit + (j - 1) * channels];
  for (uint i = 0; i < span.replay; i++) push(state.at[log_begin + i * channels]);
  for (uint i = 0; i < span.certain; i++) advance(begin + i, channel);
  for (uint j = 1; j < kTaps; j++) state.at[unit + (j - 1) * channels] = window[j];
  for (uint i = span.certain; i < span.rows; i++) {
    state.at[log_begin + (i - span.certain) * channels] = x.at[(begin + i) * channels + channel];
    advance(begin + i, channel);
  }
}
