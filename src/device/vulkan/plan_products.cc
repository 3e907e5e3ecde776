// Products with matrices, and the rows of the embedding.
#include <numeric>

#include "device/vulkan/planning.h"
#include "device/vulkan/weight_words.h"

namespace troika::vulkan {
namespace {

constexpr int64_t kTileRows = 4;  // rows of x that a group computes together, where there are more
constexpr int64_t kGroupRows = 32;  // of y

struct EmbedPush {
  uint64_t table, ids, y, faults;
  uint32_t tokens, inputs, rows, row_words;
};

struct MatMulPush {
  uint64_t w, x, y, chunks, row_blocks, faults;
  uint32_t rows, w_rows, inputs, tokens, row_words, first_leaf, leaves, y_row;
  uint32_t of_blocks, first_block, total_blocks;
};

/// Neighbouring leaves that add up into [offset, offset + rows) of each row of y.
struct LeafPart {
  int64_t first_leaf = 0;
  int64_t leaves = 0;
  int64_t offset = 0;
};

uint32_t row_words_of(const VulkanWeight& w) {
  return count32(row_words(w.dtype, w.inputs));
}

MatMulPush push_of(const VulkanWeight& w) {
  MatMulPush push{.w = w.address(), .chunks = w.chunks_address()};
  push.w_rows = count32(w.rows);
  push.inputs = count32(w.inputs);
  push.row_words = row_words_of(w);
  return push;
}

/// Plans the product that `push` describes, of part of the leaves.
Status plan_product(Planning& planning, const VulkanWeight& w, MatMulPush push,
                    const LeafPart& part, const Tensor& x, const Tensor& y) {
  const uint32_t type = *matrix_type(w.dtype);
  TROIKA_TRY(const VkPipeline one, planning.pipeline("matmul", {type, 1}));
  TROIKA_TRY(const VkPipeline several, planning.pipeline("matmul", {type, kTileRows}));
  push.first_leaf = count32(part.first_leaf);
  push.leaves = count32(part.leaves);
  push.y_row = count32(y.spec.elements());
  planning.add(
      [=](const Step& step, const Recorder& recorder) {
        MatMulPush mine = push;
        const int64_t rows = step.rows(x.spec.rows);
        mine.x = step[x];
        mine.y = step[y] + static_cast<uint64_t>(part.offset) * sizeof(float);
        mine.row_blocks = step[Input::row_blocks];
        mine.faults = step.faults;
        mine.tokens = count32(rows);
        const int64_t tile = rows == 1 ? 1 : kTileRows;
        recorder.dispatch(rows == 1 ? one : several, mine,
                          {count32((int64_t{push.rows} + kGroupRows - 1) / kGroupRows),
                           count32((rows + tile - 1) / tile), 1});
      },
      {.reads = {x.id}, .writes = {y.id}});
  return ok();
}

Status check_leaves(const VulkanWeight& w, int64_t leaves) {
  if (leaves == w.leaves && leaves >= 1 && leaves <= kLeavesMax) return ok();
  return fail(ErrorCode::invalid_argument, "{} of the {} leaves of weight {}, wanted 1 to {}",
              leaves, w.leaves, w.name, kLeavesMax);
}

}  // namespace

Status plan(Planning& planning, const Embed& op, const Tensor& y) {
  TROIKA_TRY(const VulkanWeight* table, planning.matrix(op.table));
  TROIKA_TRY(const VkPipeline shader, planning.pipeline("embed", {*matrix_type(table->dtype)}));
  planning.read(Input::token_ids);
  planning.add(
      [=](const Step& step, const Recorder& recorder) {
        const EmbedPush push{.table = table->address(),
                             .ids = step[Input::token_ids],
                             .y = step[y],
                             .faults = step.faults,
                             .tokens = count32(step.tokens),
                             .inputs = count32(table->inputs),
                             .rows = count32(table->rows),
                             .row_words = row_words_of(*table)};
        recorder.dispatch(shader, push, groups_of(step.tokens * table->inputs));
      },
      {.writes = {y.id}});
  return ok();
}

Status plan(Planning& planning, const MatMul& op, const Tensor& y) {
  TROIKA_TRY(const VulkanWeight* w, planning.matrix(op.w));
  const std::vector<int64_t> parts = op.parts.empty() ? std::vector<int64_t>{w->leaves} : op.parts;
  TROIKA_RETURN_IF_ERROR(check_leaves(*w, std::accumulate(parts.begin(), parts.end(), int64_t{0})));
  MatMulPush push = push_of(*w);
  push.rows = push.w_rows;
  LeafPart part;
  for (const int64_t leaves : parts) {
    part.leaves = leaves;
    TROIKA_RETURN_IF_ERROR(plan_product(planning, *w, push, part, op.x, y));
    part.first_leaf += leaves;
    part.offset += w->rows;
  }
  return ok();
}

Status plan(Planning& planning, const MatMulBlocks& op, const Tensor& y) {
  TROIKA_TRY(const VulkanWeight* w, planning.matrix(op.w));
  TROIKA_RETURN_IF_ERROR(check_leaves(*w, w->leaves));
  TROIKA_RETURN_IF_ERROR(planning.read_row_blocks(op.blocks));
  MatMulPush push = push_of(*w);
  push.rows = count32(y.spec.elements());
  push.of_blocks = 1;
  push.first_block = count32(op.first_block);
  push.total_blocks = count32(op.total_blocks != 0 ? op.total_blocks : w->rows / kBlockRows);
  return plan_product(planning, *w, push, {.leaves = w->leaves}, op.x, y);
}

}  // namespace troika::vulkan
