// Attention as jobs. Items are tiles of rows by query heads of one KV head; where there are too few
// of them for the threads, items are single partitions of tiles, and a second job merges. Both ways
// add the same numbers in the same order.
#pragma once

#include <memory>

#include "device/cpu/buffers.h"
#include "device/cpu/job.h"
#include "device/cpu/kernels/attention.h"
#include "graph/op.h"

namespace troika::cpu {

/// How one attention op is cut; shared by its two jobs.
struct AttentionPlan {
  Attention op;
  const CpuBuffer* state = nullptr;
  size_t tile_list = 0;      // in Step::tile_lists
  int64_t tile_heads = 0;    // query heads of a tile
  int64_t head_groups = 0;   // tiles side by side that share a KV head
  Slot partials = -1;        // partial results of split tiles
  int64_t partial_room = 0;  // floats of it
  Slot y = -1;
};

/// The kernels' name of a KV type.
KvType kv_type(DType dtype);
/// Rows and query heads of a tile of `op`.
int64_t attention_tile_rows(const Attention& op);
int64_t attention_tile_heads(const Attention& op);
/// Floats of the slot for partial results.
int64_t attention_partial_room(const Attention& op, int threads);
/// Bytes of scratch that a thread needs.
int64_t attention_scratch_bytes(const Attention& op);

std::unique_ptr<Job> attention_job(const AttentionPlan& plan);
std::unique_ptr<Job> attention_merge_job(const AttentionPlan& plan);

}  // namespace troika::cpu
