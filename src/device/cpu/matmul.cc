#include "device/cpu/matmul.h"

#include <algorithm>

#include "device/cpu/layouts.h"

namespace troika::cpu {
namespace {

int64_t blocks_of(Activations kind, int64_t columns) {
  const int64_t block = activation_block_columns(kind);
  return (columns + block - 1) / block;
}

/// Runs strips [begin, end) as if the matrix began there, so that y holds their rows alone.
void run_strips(const MatmulKernels& kernels, Layout layout, MatmulArgs& args, int64_t begin,
                int64_t end) {
  args.strips += begin * args.strip_bytes;
  args.rows -= begin * kStripRows;
  args.strip_begin = 0;
  args.strip_end = end - begin;
  kernels.matmul[static_cast<size_t>(layout)](args);
}

/// Runs the chunks of all tokens.
void run_chunks(const MatmulKernels& kernels, const PackedMatrix& matrix, MatmulArgs& args,
                const std::byte* activations, int64_t tokens, float* y) {
  const int64_t token_bytes = activation_bytes(activations_of(matrix), matrix.columns(), 1);
  for (int64_t token = 0; token < tokens; token += kChunkTokens) {
    args.x = activations + token * token_bytes;
    args.tokens = std::min<int64_t>(kChunkTokens, tokens - token);
    args.y = y + token * args.y_stride;
    kernels.matmul[static_cast<size_t>(matrix.layout())](args);
  }
}

}  // namespace

MatmulKernels matmul_kernels(Isa isa) {
  switch (isa) {
    case Isa::avx2:
      return avx2_matmul_kernels();
    case Isa::avx512:
      return avx512_matmul_kernels();
    case Isa::portable:
      break;
  }
  return portable_matmul_kernels();
}

Activations activations_of(const PackedMatrix& matrix) {
  return layout_info(matrix.layout()).activations;
}

int64_t activation_bytes(Activations kind, int64_t columns, int64_t tokens) {
  return tokens * blocks_of(kind, columns) * activation_block_bytes(kind);
}

void quantize_activations(const MatmulKernels& kernels, Activations kind, const float* x,
                          int64_t x_stride, int64_t columns, int64_t tokens, int64_t token_begin,
                          int64_t token_end, std::byte* out) {
  const QuantizeKernel quantize = kernels.quantize[static_cast<size_t>(kind)];
  const int64_t block = activation_block_bytes(kind);
  const int64_t blocks = blocks_of(kind, columns);
  for (int64_t token = token_begin; token < token_end; token++) {
    const int64_t first = token / kChunkTokens * kChunkTokens;  // of the chunk
    const int64_t in_chunk = std::min<int64_t>(kChunkTokens, tokens - first);
    quantize(x + token * x_stride, columns, out + (first * blocks + (token - first)) * block,
             in_chunk * block);
  }
}

int64_t matmul_scratch_bytes() {
  return kScratchFloats * static_cast<int64_t>(sizeof(float));
}

void matmul(const MatmulKernels& kernels, const PackedMatrix& matrix, const std::byte* activations,
            int64_t tokens, float* y, int64_t y_stride, int64_t strip_begin, int64_t strip_end,
            std::byte* scratch) {
  MatmulArgs args;
  matrix.describe(args);
  args.y_stride = y_stride;
  args.strip_begin = strip_begin;
  args.strip_end = strip_end;
  args.scratch = reinterpret_cast<float*>(scratch);
  run_chunks(kernels, matrix, args, activations, tokens, y);
}

void matmul_part(const MatmulKernels& kernels, const PackedMatrix& matrix,
                 const PackedMatrix::Part& part, const std::byte* activations, int64_t tokens,
                 float* y, int64_t y_stride, int64_t strip_begin, int64_t strip_end,
                 std::byte* scratch) {
  MatmulArgs args;
  matrix.describe(part, args);
  args.y_stride = y_stride;
  args.strip_begin = strip_begin;
  args.strip_end = strip_end;
  args.scratch = reinterpret_cast<float*>(scratch);
  run_chunks(kernels, matrix, args, activations, tokens, y);
}

void matmul_chunk(const MatmulKernels& kernels, const PackedMatrix& matrix,
                  const std::byte* activations, int64_t tokens, float* y, int64_t y_stride,
                  int64_t strip_begin, int64_t strip_end, std::byte* scratch) {
  MatmulArgs args;
  matrix.describe(args);
  args.x = activations;
  args.tokens = tokens;
  args.y = y;
  args.y_stride = y_stride;
  args.scratch = reinterpret_cast<float*>(scratch);
  run_strips(kernels, matrix.layout(), args, strip_begin, strip_end);
}

void matmul_leaf(const MatmulKernels& kernels, const PackedMatrix& matrix, int64_t leaf,
                 const std::byte* activations, int64_t tokens, float* y, int64_t y_stride,
                 int64_t strip_begin, int64_t strip_end, std::byte* scratch) {
  MatmulArgs args;
  matrix.describe_leaf(leaf, args);
  args.x = activations;
  args.tokens = tokens;
  args.y = y;
  args.y_stride = y_stride;
  args.scratch = reinterpret_cast<float*>(scratch);
  run_strips(kernels, matrix.layout(), args, strip_begin, strip_end);
}

}  // namespace troika::cpu
