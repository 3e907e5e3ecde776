// Products with packed matrices on one thread: bytes of weights and 8-bit operations a second, by
// type, instruction set and number of tokens. "stream" reads more weights than caches of a core
// hold, "cached" a few strips over and over: what memory and what the ports allow.
//
// GB/s stands beside the rate at which one thread reads the same memory in the same run (of_read);
// nominal figures are of no use on a shared machine.
#include <benchmark/benchmark.h>

#include <ctime>

#include "support/matmul_case.h"

namespace troika::cpu {
namespace {

struct Case {
  Isa isa;
  DType dtype;
  int64_t rows;
  int64_t columns;
};

/// Bytes a second of a plain read of the matrix.
double read_rate(const PackedMatrix& matrix) {
  MatmulArgs args;
  matrix.describe(args);
  const auto* words = reinterpret_cast<const uint64_t*>(args.strips);
  const std::clock_t start = std::clock();  // processor time, as the rates beside it
  uint64_t sums[8] = {};
  for (int64_t i = 0; i + 8 <= matrix.bytes() / 8; i += 8)
    for (int64_t j = 0; j < 8; j++) sums[j] += words[i + j];
  for (uint64_t sum : sums) benchmark::DoNotOptimize(sum);
  const auto ticks = static_cast<double>(std::clock() - start);
  return static_cast<double>(matrix.bytes()) * CLOCKS_PER_SEC / (ticks > 0 ? ticks : 1);
}

void matmul_case(benchmark::State& state, Case c) {
  const int64_t tokens = state.range(0);
  const MatmulKernels kernels = matmul_kernels(c.isa);
  const RandomWeight weight(c.dtype, c.rows, c.columns, 1);
  auto matrix = pack_matrix(weight.info);
  if (!matrix.ok()) return state.SkipWithError(matrix.error().message().c_str());
  const Activations kind = activations_of(**matrix);
  const std::vector<float> x = testing::random_floats(c.columns * tokens, 2);
  const AlignedBytes inputs = test_memory(activation_bytes(kind, c.columns, tokens));
  const AlignedBytes scratch = test_memory(matmul_scratch_bytes());
  quantize_activations(kernels, kind, x.data(), c.columns, c.columns, tokens, 0, tokens,
                       inputs.data());
  std::vector<float> y(static_cast<size_t>(c.rows * tokens));
  for (auto _ : state) {
    matmul(kernels, **matrix, inputs.data(), tokens, y.data(), c.rows, 0, (*matrix)->strips(),
           scratch.data());
    benchmark::ClobberMemory();
  }
  using benchmark::Counter;
  const auto bytes = static_cast<double>((*matrix)->bytes());
  const double operations = 2.0 * static_cast<double>(c.rows * c.columns * tokens);
  state.counters["weights"] = Counter(bytes, Counter::kIsIterationInvariantRate);
  state.counters["ops"] = Counter(operations, Counter::kIsIterationInvariantRate);
  state.counters["of_read"] =
      Counter(bytes / read_rate(**matrix), Counter::kIsIterationInvariantRate);
}

void pack_case(benchmark::State& state, DType dtype) {
  const RandomWeight weight(dtype, 1024, 4096, 1);
  AlignedArena memory;
  auto matrix = allocate_matrix(weight.info, memory);
  if (!matrix.ok()) return state.SkipWithError(matrix.error().message().c_str());
  for (auto _ : state) pack_strips(**matrix, weight.info, 0, (*matrix)->strips());
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(weight.data.size()));
}

int register_all() {
  for (Isa isa : runnable_isas())
    for (DType dtype : kPackedTypes) {
      const std::string suffix = fmt::format("{}/{}", dtype_info(dtype).name, isa_name(isa));
      // About 36 MB at 4.5 bits, of one shape that models have.
      const Case stream = {isa, dtype, 14336, 4096}, cached = {isa, dtype, 32, 4096};
      for (const auto& [name, c] : {std::pair("stream/", stream), std::pair("cached/", cached)})
        benchmark::RegisterBenchmark((name + suffix).c_str(), matmul_case, c)
            ->ArgName("tokens")
            ->Arg(1)
            ->Arg(2)
            ->Arg(4)
            ->Arg(8)
            ->Arg(32);
    }
  for (DType dtype : kPackedTypes)
    benchmark::RegisterBenchmark(fmt::format("pack/{}", dtype_info(dtype).name).c_str(), pack_case,
                                 dtype);
  return 0;
}

const int kRegistered = register_all();

}  // namespace
}  // namespace troika::cpu
