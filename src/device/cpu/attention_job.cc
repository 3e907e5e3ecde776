#include "device/cpu/attention_job.h"

#include <algorithm>

#include "core/check.h"

namespace troika::cpu {
namespace {

constexpr int64_t kItemsPerThread = 2;       // fewer are split into partitions
constexpr int64_t kPartialsPerThread = 128;  // room for split tiles, at full tiles

int64_t group(const Attention& op) {
  return op.q.spec.units / op.kv_heads;
}

/// A tile of a step: what the kernels want to know.
struct Item {
  AttentionTile tile;
  int64_t partitions;
};

class AttentionBase : public Job {
 public:
  explicit AttentionBase(const AttentionPlan& plan) : plan_(plan) {
    const auto& spec = std::get<KvState>(plan.state->state->spec);
    const StateOptions& options = plan.state->state->options;
    type_ = kv_type(options.kv_dtype);
    head_bytes_ = dtype_bytes(options.kv_dtype, (spec.key_dim + spec.value_dim) * kPageTokens);
    page_bytes_ = spec.kv_heads * head_bytes_;
  }

 protected:
  const TileList& list(const Step& step) const { return step.tile_lists[plan_.tile_list]; }

  int64_t tiles(const Step& step) const {
    return std::ssize(list(step).tiles) * plan_.op.kv_heads * plan_.head_groups;
  }

  /// Floats of the partial results of the largest tile.
  int64_t tile_floats(const Step& step) const {
    return list(step).rows_max * plan_.tile_heads * partial_floats(plan_.op.value_dim);
  }

  bool split(const Step& step) const {
    const int64_t partitions = list(step).partitions_max;
    return partitions > 1 && tiles(step) < kItemsPerThread * step.threads && step.threads > 1 &&
           tiles(step) * partitions * tile_floats(step) <= plan_.partial_room;
  }

  float* partials(const Step& step, int64_t tile, int64_t partition) const {
    const int64_t place = tile * list(step).partitions_max + partition;
    return step.floats(plan_.partials) + place * tile_floats(step);
  }

  Item item(const Step& step, int64_t number) const {
    const Attention& op = plan_.op;
    const int64_t head_group = number % plan_.head_groups;
    const int64_t kv_head = number / plan_.head_groups % op.kv_heads;
    const RowTile& rows =
        list(step).tiles[static_cast<size_t>(number / plan_.head_groups / op.kv_heads)];
    const bool outputs = op.q.spec.rows == Rows::outputs;
    const Span& span = step.spans_of(outputs)[static_cast<size_t>(rows.span)];
    const int64_t head = kv_head * group(op) + head_group * plan_.tile_heads;
    const int64_t row = span.row_begin + rows.first;
    const int64_t key_dim = op.q.spec.width;
    const int64_t position = int64_t{span.position} + rows.first;
    return {{.q = step.floats(op.q.id) + row * op.q.spec.elements() + head * key_dim,
             .q_stride = op.q.spec.elements(),
             .o = step.floats(plan_.y) + (row * op.q.spec.units + head) * op.value_dim,
             .o_stride = op.q.spec.units * op.value_dim,
             .rows = rows.rows,
             .heads = std::min(plan_.tile_heads, group(op) - head_group * plan_.tile_heads),
             .position = position,
             .key_dim = key_dim,
             .value_dim = op.value_dim,
             .scale = op.scale,
             .pages = step[Input::page_table] + span.page_begin,
             .store = reinterpret_cast<const uint8_t*>(plan_.state->data()) + kv_head * head_bytes_,
             .page_bytes = page_bytes_,
             .type = type_},
            (position + rows.rows - 1) / kPartitionTokens + 1};
  }

  AttentionPlan plan_;

 private:
  KvType type_ = KvType::f16;
  int64_t head_bytes_ = 0;
  int64_t page_bytes_ = 0;
};

class AttentionJob final : public AttentionBase {
 public:
  using AttentionBase::AttentionBase;

  int64_t items(const Step& step) const override {
    return split(step) ? tiles(step) * list(step).partitions_max : tiles(step);
  }
  int64_t work(const Step& step) const override {
    const int64_t keys = list(step).partitions_max * kPartitionTokens;
    const Spec& q = plan_.op.q.spec;
    return step.rows(q.rows) * keys * q.units * (q.width + plan_.op.value_dim);
  }
  void run(const Step& step, int64_t begin, int64_t end, int thread) const override {
    const bool splits = split(step);
    for (int64_t number = begin; number < end; number++) {
      if (splits)
        run_partition(step, number);
      else
        run_tile(step, number, thread);
    }
  }

 private:
  void run_partition(const Step& step, int64_t number) const {
    const int64_t partitions = list(step).partitions_max;
    const int64_t partition = number % partitions;
    const Item it = item(step, number / partitions);
    if (partition < it.partitions)
      step.kernels->attention.partition(it.tile, partition,
                                        partials(step, number / partitions, partition));
  }

  void run_tile(const Step& step, int64_t number, int thread) const {
    const Item it = item(step, number);
    const AttentionKernels& kernels = step.kernels->attention;
    auto* totals = reinterpret_cast<float*>(step.scratch[static_cast<size_t>(thread)]);
    float* parts = totals + tile_floats(step);
    kernels.partition(it.tile, 0, totals);
    for (int64_t partition = 1; partition < it.partitions; partition++) {
      kernels.partition(it.tile, partition, parts);
      kernels.merge(it.tile, partition, parts, totals);
    }
    kernels.finish(it.tile, totals);
  }
};

class AttentionMergeJob final : public AttentionBase {
 public:
  using AttentionBase::AttentionBase;

  int64_t items(const Step& step) const override { return split(step) ? tiles(step) : 0; }
  void run(const Step& step, int64_t begin, int64_t end, int) const override {
    const AttentionKernels& kernels = step.kernels->attention;
    for (int64_t number = begin; number < end; number++) {
      const Item it = item(step, number);
      float* totals = partials(step, number, 0);
      for (int64_t partition = 1; partition < it.partitions; partition++)
        kernels.merge(it.tile, partition, partials(step, number, partition), totals);
      kernels.finish(it.tile, totals);
    }
  }
};

}  // namespace

KvType kv_type(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return KvType::f32;
    case DType::bf16:
      return KvType::bf16;
    case DType::q8_0:
      return KvType::q8_0;
    default:
      TROIKA_CHECK(dtype == DType::f16);
      return KvType::f16;
  }
}

int64_t attention_tile_heads(const Attention& op) {
  return std::min(group(op), kTileQueries);
}

int64_t attention_tile_rows(const Attention& op) {
  return kTileQueries / attention_tile_heads(op);
}

int64_t attention_partial_room(const Attention& op, int threads) {
  if (threads == 1) return 0;
  return threads * kPartialsPerThread * kTileQueries * partial_floats(op.value_dim);
}

int64_t attention_scratch_bytes(const Attention& op) {
  return 2 * kTileQueries * partial_floats(op.value_dim) * int64_t{sizeof(float)};
}

std::unique_ptr<Job> attention_job(const AttentionPlan& plan) {
  return std::make_unique<AttentionJob>(plan);
}

std::unique_ptr<Job> attention_merge_job(const AttentionPlan& plan) {
  return std::make_unique<AttentionMergeJob>(plan);
}

}  // namespace troika::cpu
