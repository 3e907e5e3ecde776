// Products with packed matrices: quantise the input once, then multiply any strips of any matrices
// that want the same kind of activations.
//
//   Activations kind = activations_of(matrix);
//   quantize_activations(kernels, kind, x, x_stride, columns, tokens, 0, tokens, buffer);  // by
//   token matmul(kernels, matrix, buffer, tokens, y, y_stride, 0, matrix.strips(), scratch);     //
//   by strip
//
// Same bits: y[token, row] depends on that token's input and that row alone, within one
// MatmulKernels. Leaves of the split add as a balanced tree: sum(leaves) of n > 1 leaves = sum(the
// first (n + 1) / 2)
// + sum(the rest). So two leaves are 0 + 1, three (0 + 1) + 2, five ((0 + 1) + 2) + (3 + 4), eight
// ((0 + 1) + (2 + 3)) + ((4 + 5) + (6 + 7)).
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/cpu_features.h"
#include "device/cpu/kernels/matmul.h"
#include "device/cpu/packed_matrix.h"

namespace troika::cpu {

/// The kernels of an instruction set. The machine must have it.
MatmulKernels matmul_kernels(Isa isa);

/// The kind of activations that products with `matrix` take.
Activations activations_of(const PackedMatrix& matrix);

/// Bytes that `tokens` inputs of `columns` values take as `kind`. The buffer must be 64-byte
/// aligned.
int64_t activation_bytes(Activations kind, int64_t columns, int64_t tokens);

/// Quantises tokens [token_begin, token_end) of the `tokens` inputs x, [tokens, columns] f32 with
/// rows x_stride floats apart, into `out`, whose place of a token depends on `tokens`. Threads may
/// take disjoint ranges of tokens. Cost: O(columns) a token, no allocation.
void quantize_activations(const MatmulKernels& kernels, Activations kind, const float* x,
                          int64_t x_stride, int64_t columns, int64_t tokens, int64_t token_begin,
                          int64_t token_end, std::byte* out);

/// Bytes of scratch that each thread brings to matmul, 64-byte aligned.
int64_t matmul_scratch_bytes();

/// y[t * y_stride + r] = row r of `matrix` times input t, for all tokens and the rows of strips
/// [strip_begin, strip_end): rows 16 * strip_begin up to 16 * strip_end or the last. `activations`
/// is what quantize_activations wrote for all `tokens` >= 1 tokens. Threads may take disjoint
/// ranges of strips, each with its own scratch. No allocation.
void matmul(const MatmulKernels& kernels, const PackedMatrix& matrix, const std::byte* activations,
            int64_t tokens, float* y, int64_t y_stride, int64_t strip_begin, int64_t strip_end,
            std::byte* scratch);

/// The same for some of the leaves alone.
void matmul_part(const MatmulKernels& kernels, const PackedMatrix& matrix,
                 const PackedMatrix::Part& part, const std::byte* activations, int64_t tokens,
                 float* y, int64_t y_stride, int64_t strip_begin, int64_t strip_end,
                 std::byte* scratch);

/// The same for 1 to kChunkTokens tokens, with rows counted from strip_begin on: row r of it and
/// token t go to y[t * y_stride + r].
void matmul_chunk(const MatmulKernels& kernels, const PackedMatrix& matrix,
                  const std::byte* activations, int64_t tokens, float* y, int64_t y_stride,
                  int64_t strip_begin, int64_t strip_end, std::byte* scratch);

/// The part of leaf `leaf` alone of the same, before leaves add.
void matmul_leaf(const MatmulKernels& kernels, const PackedMatrix& matrix, int64_t leaf,
                 const std::byte* activations, int64_t tokens, float* y, int64_t y_stride,
                 int64_t strip_begin, int64_t strip_end, std::byte* scratch);

}  // namespace troika::cpu
