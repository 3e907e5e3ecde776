#version 460
#extension GL_GOOGLE_include_directive : require
// Rotation of pairs, a pair each. A position times a frequency is kept as a fraction of a turn in
// 32 bits: whole turns fall away by themselves, so no position is too far.
#include "memory.glsl"

layout(constant_id = 0) const uint kAdjacent = 0;
layout(local_size_x = 64) in;

layout(push_constant) uniform Push {
  Floats x;
  Floats y;
  Ints positions;
  Ints output_rows;
  Words frequencies;  // [pairs] turns per position in units of 2^-64: low word, high word
  Faults faults;
  uint rows;
  uint units;
  uint width;
  uint pairs;
  uint tokens;
  uint of_outputs;  // 1: rows are output rows
  float magnitude;
};

// Cosine and sine of `turn` / 2^32 turns: the nearest quarter turn, and what is left, at most an
// eighth, by Taylor series.
vec2 cosine_sine(uint turn) {
  const uint quarter = (turn + 0x20000000u) >> 30;
  const int left = int(turn - (quarter << 30));
  precise float a = float(left) * 1.46291807926716e-9;  // 2 pi / 2^32
  precise float a2 = a * a;
  precise float s = 2.75573192e-6;
  s = fma(s, a2, -1.98412698e-4);
  s = fma(s, a2, 8.33333333e-3);
  s = fma(s, a2, -1.66666667e-1);
  s = fma(s * a2, a, a);
  precise float c = -2.75573192e-7;
  c = fma(c, a2, 2.48015873e-5);
  c = fma(c, a2, -1.38888889e-3);
  c = fma(c, a2, 4.16666667e-2);
  c = fma(c, a2, -0.5);
  c = fma(c, a2, 1.0);
  if (quarter == 0u) return vec2(c, s);
  if (quarter == 1u) return vec2(-s, c);
  if (quarter == 2u) return vec2(-c, -s);
  return vec2(s, -c);
}

// The row of the step whose position counts for row `row` of x.
uint token_of(uint row) {
  if (of_outputs == 0) return row;
  const int token = output_rows.at[row];
  if (token >= 0 && token < tokens) return uint(token);
  report(faults, kOutputRows);
  return 0;
}

void main() {
  const uint places = pairs + (width - 2 * pairs);  // turning pairs, then elements that stay
  const uint i = group_number() * 64 + gl_LocalInvocationID.x;
  if (i >= rows * units * places) return;
  const uint place = i % places;
  const uint unit = i / places;
  const uint begin = unit * width;
  if (place >= pairs) {
    const uint element = begin + place + pairs;
    y.at[element] = x.at[element];
    return;
  }
  const uint position = uint(positions.at[token_of(unit / units)]);
  const uint low = frequencies.at[2 * place];
  const uint high = frequencies.at[2 * place + 1];
  uint carried, rest;
  umulExtended(position, low, carried, rest);
  const vec2 turned = cosine_sine(position * high + carried) * magnitude;
  const uint first = begin + (kAdjacent == 1 ? 2 * place : place);
  const uint second = begin + (kAdjacent == 1 ? 2 * place + 1 : place + pairs);
  const float a = x.at[first];
  const float b = x.at[second];
  precise float left = a * turned.x - b * turned.y;
  precise float right = a * turned.y + b * turned.x;
  y.at[first] = left;
  y.at[second] = right;
}
