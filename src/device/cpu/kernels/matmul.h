// The contract of the matmul kernels: y[token, row] = sum over k of W[row, k] x[token, k].
//
// A matrix is cut into strips of 16 rows, the lanes of the widest registers. A strip is a head
// (what every block needs of a scale that would spoil the alignment of the blocks), then its
// blocks, in the order in which they are added:
//
//   strip:  | head 0 | head 1 | ... pad to 64 | block 0 | block 1 | ...      16 rows x block
//   columns each
//
// Rows past the last one are zero weights. What a block holds is drawn in kernels/matmul_layouts.h.
//
// Activations are quantised beforehand into one struct a block and token (a float for the float
// layouts), in chunks of at most kChunkTokens tokens: [chunk][block of K][token in the chunk].
//
// Order of addition: a leaf starts from zero and adds its blocks one after the other; the leaves
// add as a balanced binary tree (tree_sum below). The value of (row, token) depends on that row and
// that token alone: tiles, chunks, strips and threads only choose who computes it and when.
#pragma once

#include <cstddef>
#include <cstdint>

namespace troika::cpu {

inline constexpr int kStripRows = 16;
inline constexpr int kChunkTokens = 32;
inline constexpr int kMatmulLeavesMax = 8;

/// How weights lie in a strip. One kernel each.
enum class Layout : uint8_t {
  f32,        // lanes of floats, one column a block
  f16,        // lanes of halves, one column a block
  bf16,       // lanes of bfloat16, one column a block
  u4_32,      // 4 bits - 8, a scale a row and 32 columns (q4_0)
  i8_32,      // 8 bits, a scale a row and 32 columns (q8_0)
  u4_affine,  // 4 bits, 6-bit scales and minima of 32 columns in 256 (q4_k)
  u5_affine,  // 5 bits, the same (q5_k)
  i6_scaled,  // 6 bits - 32, 8-bit scales of 16 columns in 256 (q6_k)
  i3_scaled,  // 3 bits - 4, 6-bit scales of 16 columns in 256 (q3_k)
  i4_table    // 4 bits through a table of 16, 6-bit scales of 32 columns in 256 (iq4_xs)
};
inline constexpr int kLayouts = 10;

/// What a kernel wants x to be.
enum class Activations : uint8_t {
  f32,       // float: as it is, a block is one column
  block_32,  // Block32
  super_32,  // Super32
  super_16   // Super16
};
inline constexpr int kActivations = 4;

/// 32 activations in 8 bits: x = d q. The starts are what a sum of (weight + offset) times q must
/// begin with to come out as the sum of weight times q.
struct Block32 {
  int8_t q[32];
  float d;
  int32_t start_8;    // -8 sum of q
  int32_t start_128;  // -128 sum of q
};

/// 256 activations in 8 bits: x = d q, with the sums of each 32.
/// q is at [k / 64][k % 32 / 4][k / 32 % 2][k % 4]: eight bytes serve two sub-blocks.
struct Super32 {
  int8_t q[256];
  int16_t sum[8];
  float d;
  int32_t wide_4;  // 1: a sum of 32 products with 4-bit weights could leave 16 bits
  int32_t wide_5;  // the same for 5-bit weights
  int32_t reserved;
};

/// 256 activations in 8 bits: x = d q, with the sums of each 16.
/// q is at [k / 32][k % 16 / 4][k / 16 % 2][k % 4].
struct Super16 {
  int8_t q[256];
  int32_t start_32[16];  // -32 sum of q
  float d;
  int32_t wide_6;  // 1: a sum of 16 products with weights -32 .. 31 could leave 16 bits
  int32_t reserved[6];
};

/// A run of blocks that follow each other in the strip and in K.
struct BlockRun {
  int64_t x_block;  // its first block along K
  int64_t blocks;
  int64_t leaf;  // runs come in order of leaves; leaves count from 0
};

/// One call of a kernel: strips [strip_begin, strip_end) for one chunk of activations.
struct MatmulArgs {
  const std::byte* strips;  // strip 0 of the matrix; where its leaves begin need not be aligned
  int64_t strip_bytes;      // from strip to strip, a multiple of 64
  int64_t head_bytes;       // from a strip to its first block
  int64_t rows;             // of the matrix
  const BlockRun* runs;
  int64_t run_count;
  int64_t leaves;      // 1 .. kMatmulLeavesMax
  const std::byte* x;  // [block][token], this chunk
  int64_t tokens;      // 1 .. kChunkTokens
  float* y;            // row `r` of token `t` goes to y[t * y_stride + r]; no overlap with the rest
  int64_t y_stride;
  int64_t strip_begin;
  int64_t strip_end;
  float* scratch;  // kScratchFloats, 64-byte aligned; of this thread
};

/// Leaves of a strip: [leaf][token + 1][16]; the one more keeps leaves off each other's cache sets.
inline constexpr int64_t kLeafFloats = kMatmulLeavesMax * (kChunkTokens + 1) * kStripRows;
/// Behind them, the weights of a block as bytes, where several tiles of tokens share one.
inline constexpr int64_t kUnpackedBytes = 4096 + 512;
inline constexpr int64_t kScratchFloats = kLeafFloats + kUnpackedBytes / int64_t{sizeof(float)};

using MatmulKernel = void (*)(const MatmulArgs& args) noexcept;

/// Quantises `columns` values of one token. Block b goes to out + b * step; columns past the end of
/// the last block count as zero. Scale: d = amax / 127; q = x * (127 / amax) to nearest, ties to
/// even. An amax under 2^-100 counts as zero; if it is not finite, d is NaN and q zero.
using QuantizeKernel = void (*)(const float* x, int64_t columns, std::byte* out,
                                int64_t step) noexcept;

/// The kernels of one instruction set.
struct MatmulKernels {
  MatmulKernel matmul[kLayouts];
  QuantizeKernel quantize[kActivations];
};

/// Plain C++: the specification of the others.
MatmulKernels portable_matmul_kernels();

/// Where CpuFeatures::has(Isa::avx2).
MatmulKernels avx2_matmul_kernels();

/// Where CpuFeatures::has(Isa::avx512).
MatmulKernels avx512_matmul_kernels();

/// AArch64 with the dot products of Armv8.2 (dotprod). Built for AArch64 only.
MatmulKernels dotprod_matmul_kernels();

/// AArch64 with dotprod and the matrix products of 8-bit integers (i8mm). Built for AArch64 only.
MatmulKernels i8mm_matmul_kernels();

}  // namespace troika::cpu
