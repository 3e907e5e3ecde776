// The gated delta rule of value heads of 128 by 128 on one thread: tokens of a head a second, by
// instruction set and number of rows. "stream" goes over more heads than caches hold, as decoding
// does; "cached" over one.
//
// of_peak: floating-point instructions that the rule needs, four for each vector of the state, by
// those that one thread can do. of_read: the rate at which states are passed over, by the rate of a
// plain read of them; a step reads and writes each.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "device/cpu/kernels/kernels_under_test.h"
#include "machine_limits.h"
#include "support/matmul_case.h"

namespace troika::cpu {
namespace {

constexpr int64_t kDim = 128;
constexpr int64_t kStateFloats = kDim * kDim;
constexpr int64_t kLogFloats = 1 + 2 * kDim;

/// Inputs of `rows` tokens of one head.
struct Rows {
  explicit Rows(int64_t rows)
      : q(normal_floats(rows * kDim, 1)),
        k(normal_floats(rows * kDim, 2)),
        v(normal_floats(rows * kDim, 3)),
        decay(static_cast<size_t>(rows), 0.9F),
        beta(static_cast<size_t>(rows), 0.5F),
        o(static_cast<size_t>(rows * kDim)),
        log(static_cast<size_t>(rows * kLogFloats)) {
    for (float& x : k) x *= 0.08F;  // keys have length 1
  }
  std::vector<float> q, k, v, decay, beta, o, log;
};

DeltaArgs args_of(Rows& r, int64_t rows, int64_t certain, float* state, float* scratch) {
  return {.state = state,
          .log = r.log.data(),
          .log_stride = kLogFloats,
          .q = r.q.data(),
          .q_stride = kDim,
          .k = r.k.data(),
          .k_stride = kDim,
          .v = r.v.data(),
          .v_stride = kDim,
          .decay = r.decay.data(),
          .beta = r.beta.data(),
          .gate_stride = 1,
          .o = r.o.data(),
          .o_stride = kDim,
          .key_dim = kDim,
          .value_dim = kDim,
          .begin = 0,
          .end = kDim,
          .rows = rows,
          .certain = certain,
          .replay = 0,
          .fresh = false,
          .scratch = scratch};
}

/// `rows` tokens of each of `heads` heads; of 2 to 8 rows, only the first is certain.
void delta_case(benchmark::State& state, Isa isa, int64_t heads) {
  const int64_t rows = state.range(0);
  const KernelTable table = kernel_table(isa);
  Rows inputs(rows);
  const AlignedBytes states = test_memory(heads * kStateFloats * 4);
  const AlignedBytes scratch = test_memory(kStateFloats * 4);
  auto* matrices = reinterpret_cast<float*>(states.data());
  for (auto _ : state) {
    for (int64_t head = 0; head < heads; head++) {
      const DeltaArgs args =
          args_of(inputs, rows, rows > 1 && rows <= 8 ? 1 : rows, matrices + head * kStateFloats,
                  reinterpret_cast<float*>(scratch.data()));
      table.delta.delta_rule(args);
      table.delta.log_rows(args);
    }
    benchmark::ClobberMemory();
  }
  using benchmark::Counter;
  const auto rate = Counter::kIsIterationInvariantRate;
  const auto tokens = static_cast<double>(heads * rows);
  state.counters["tokens"] = Counter(tokens, rate);
  const int64_t bytes = heads * kStateFloats * 4;
  state.counters["of_read"] =
      Counter(static_cast<double>(bytes) / read_rate(matrices, bytes), rate);
  if (const double peak = multiply_add_rate(); isa == Isa::avx512 && peak > 0)
    state.counters["of_peak"] = Counter(tokens * 4 * kStateFloats / peak, rate);
}

int register_all() {
  for (const Isa isa : runnable_isas())
    for (const auto& [name, heads] : {std::pair("stream", 1024), std::pair("cached", 1)}) {
      auto* b = benchmark::RegisterBenchmark(
                    fmt::format("delta/{}/{}", name, isa_name(isa)).c_str(), delta_case, isa, heads)
                    ->ArgName("rows");
      for (const int64_t rows : {1, 4, 8, 64, 512}) b->Arg(rows);
    }
  return 0;
}

const int kRegistered = register_all();

}  // namespace
}  // namespace troika::cpu
