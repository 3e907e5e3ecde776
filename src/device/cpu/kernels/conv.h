// The contract of the causal convolution of one sequence: channels [begin, end), token by token.
//
// History holds the last taps - 1 raw inputs, oldest first. In order: a fresh history is zeroed;
// the first `replay` log entries are appended to it; rows are computed and appended; after
// `certain` of them the history is written back, the rows after it go to log entries 0, 1, ...
// Channels are independent: threads may take disjoint ranges. y overlaps nothing.
//
// Order of addition: from tap 0, the oldest, on.
#pragma once

#include <cstdint>

namespace troika::cpu {

inline constexpr int64_t kConvTapsMax = 16;

struct ConvArgs {
  const float* x;  // [rows] of the sequence, x_stride floats apart
  int64_t x_stride;
  float* y;
  int64_t y_stride;
  const float* taps;  // [taps][channels]
  float* history;     // [taps - 1][channels]
  float* log;         // [*][channels]
  int64_t channels;   // of history, log and taps
  int64_t tap_count;  // 2 .. kConvTapsMax
  int64_t begin;
  int64_t end;
  int64_t rows;
  int64_t certain;  // 0 .. rows
  int64_t replay;
  bool fresh;
};

struct ConvKernels {
  void (*conv)(const ConvArgs& args) noexcept;
};

ConvKernels portable_conv_kernels();
ConvKernels avx2_conv_kernels();
ConvKernels avx512_conv_kernels();

}  // namespace troika::cpu
