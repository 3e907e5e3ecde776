// Attention of one KV head on one thread: keys a second, by KV type, instruction set, head size,
// query heads of the KV head, rows and keys. One row is decoding, 4 and 8 are verifications, 512 a
// chunk of a prompt whose last row sees all the keys.
//
// of_read: the rate at which keys and values are passed over, by the rate at which one thread reads
// the same memory in the same run (decoding cannot beat 1). of_peak: multiply-adds of scores and
// weighted values by those that one thread can do (prompts cannot beat 1).
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "device/cpu/kernels/kernels_under_test.h"
#include "machine_limits.h"
#include "support/matmul_case.h"

namespace troika::cpu {
namespace {

struct Case {
  Isa isa;
  KvType type;
  int64_t head_dim;
  int64_t heads;  // of the KV head
};

constexpr int64_t kTypeBits[] = {32 * 32, 16 * 32, 16 * 32, 34 * 8};  // of 32 numbers, by KvType
constexpr int64_t kStreamBytes = int64_t{64} << 20;                   // more than caches hold

/// Heads enough for the caches not to hold them while decoding, one for a prompt.
class Store {
 public:
  Store(const KernelTable& table, const Case& c, int64_t keys, int64_t rows)
      : c_(c),
        page_bytes_(kAttentionBlock * 2 * c.head_dim / 32 * kTypeBits[static_cast<int>(c.type)] /
                    8),
        pages_((keys + kAttentionBlock - 1) / kAttentionBlock),
        copies_(rows > 8 ? 1 : std::max<int64_t>(1, kStreamBytes / (page_bytes_ * pages_))),
        memory_(static_cast<size_t>(page_bytes_ * pages_ * copies_)) {
    const auto row = normal_floats(c.head_dim * 64, 1);
    for (int64_t slot = 0; slot < pages_ * copies_ * kAttentionBlock; slot++)
      table.attention.store({.k = row.data() + slot % 63 * c.head_dim,
                             .v = row.data() + slot % 61 * c.head_dim,
                             .page = memory_.data() + slot / kAttentionBlock * page_bytes_,
                             .slot = slot % kAttentionBlock,
                             .kv_heads = 1,
                             .key_dim = c.head_dim,
                             .value_dim = c.head_dim,
                             .type = c.type});
    for (int64_t i = 0; i < pages_; i++) numbers_.push_back(static_cast<int32_t>(i));
  }

  int64_t bytes() const { return static_cast<int64_t>(memory_.size()); }
  int64_t copies() const { return copies_; }
  const uint8_t* data() const { return memory_.data(); }

  AttentionTile tile(int64_t copy, const float* q, float* o, int64_t position, int64_t rows) const {
    return {.q = q,
            .q_stride = c_.heads * c_.head_dim,
            .o = o,
            .o_stride = c_.heads * c_.head_dim,
            .rows = rows,
            .heads = c_.heads,
            .position = position,
            .key_dim = c_.head_dim,
            .value_dim = c_.head_dim,
            .scale = 0.1F,
            .pages = numbers_.data(),
            .store = memory_.data() + copy * pages_ * page_bytes_,
            .page_bytes = page_bytes_,
            .type = c_.type};
  }

 private:
  Case c_;
  int64_t page_bytes_;
  int64_t pages_;
  int64_t copies_;
  std::vector<uint8_t> memory_;
  std::vector<int32_t> numbers_;
};

void attend(const AttentionKernels& kernels, const AttentionTile& tile, float* totals,
            float* parts) {
  kernels.partition(tile, 0, totals);
  const int64_t partitions = (tile.position + tile.rows - 1) / kAttentionPartition + 1;
  for (int64_t i = 1; i < partitions; i++) {
    kernels.partition(tile, i, parts);
    kernels.merge(tile, i, parts, totals);
  }
  kernels.finish(tile, totals);
}

/// Keys that all rows see together, when the last one sees `keys`.
int64_t keys_seen(int64_t rows, int64_t keys) {
  return rows * keys - rows * (rows - 1) / 2;
}

void attention_case(benchmark::State& state, Case c) {
  const int64_t rows = state.range(0);
  const int64_t keys = state.range(1);
  const KernelTable table = kernel_table(c.isa);
  const Store store(table, c, keys, rows);
  const auto q = normal_floats(rows * c.heads * c.head_dim, 3);
  std::vector<float> o(q.size());
  const int64_t floats = kTileQueries * partial_floats(c.head_dim);
  const AlignedBytes scratch = test_memory(2 * floats * 4);
  auto* totals = reinterpret_cast<float*>(scratch.data());
  const int64_t tile_rows = kTileQueries / c.heads;
  for (auto _ : state) {
    for (int64_t copy = 0; copy < store.copies(); copy++)
      for (int64_t row = 0; row < rows; row += tile_rows) {
        const int64_t at = row * c.heads * c.head_dim;
        attend(table.attention,
               store.tile(copy, q.data() + at, o.data() + at, keys - rows + row,
                          std::min(tile_rows, rows - row)),
               totals, totals + floats);
      }
    benchmark::ClobberMemory();
  }
  using benchmark::Counter;
  const auto rate = Counter::kIsIterationInvariantRate;
  const auto passes = static_cast<double>(store.copies());
  const double products =
      passes * static_cast<double>(keys_seen(rows, keys) * c.heads * 2 * c.head_dim);
  state.counters["keys"] = Counter(passes * static_cast<double>(keys), rate);
  state.counters["of_read"] =
      Counter(static_cast<double>(store.bytes()) / read_rate(store.data(), store.bytes()), rate);
  if (const double peak = multiply_add_rate(); c.isa == Isa::avx512 && peak > 0)
    state.counters["of_peak"] = Counter(products / peak, rate);
}

void shapes(benchmark::internal::Benchmark* b, int64_t head_dim) {
  b->ArgNames({"rows", "keys"});
  for (const int64_t keys : {512, 4096, 32768}) b->Args({1, keys});
  if (head_dim != 128) return;
  for (const int64_t rows : {4, 8}) b->Args({rows, 4096});
  for (const int64_t keys : {512, 4096}) b->Args({512, keys});
}

int register_all() {
  for (const Isa isa : runnable_isas())
    for (const auto& [type, name] :
         {std::pair(KvType::f16, "f16"), std::pair(KvType::bf16, "bf16"),
          std::pair(KvType::q8_0, "q8_0"), std::pair(KvType::f32, "f32")})
      for (const int64_t head_dim : {64, 128, 256})
        for (const int64_t heads : {4, 8})
          shapes(benchmark::RegisterBenchmark(
                     fmt::format("{}/{}/dim:{}/heads:{}", name, isa_name(isa), head_dim, heads)
                         .c_str(),
                     attention_case, Case{isa, type, head_dim, heads}),
                 head_dim);
  return 0;
}

const int kRegistered = register_all();

}  // namespace
}  // namespace troika::cpu
