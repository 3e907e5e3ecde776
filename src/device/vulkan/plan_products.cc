// Products with matrices, and the rows of the embedding.
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
  uint32_t rows, w_rows, inputs, tokens, row_words, leaves, of_blocks;
};

uint32_t row_words_of(const VulkanWeight& w) {
  return count32(row_words(w.dtype, w.inputs));
}

/// A product of x with all rows of w, or with those that row_blocks names.
Status plan_product(Planning& planning, const VulkanWeight& w, const Tensor& x, const Tensor& y,
                    bool of_blocks) {
  if (w.leaves < 1 || w.leaves > kLeavesMax)
    return fail(ErrorCode::invalid_argument, "weight {} has {} leaves, wanted 1 to {}", w.name,
                w.leaves, kLeavesMax);
  const uint32_t type = *matrix_type(w.dtype);
  TROIKA_TRY(const VkPipeline one, planning.pipeline("matmul", {type, 1}));
  TROIKA_TRY(const VkPipeline several, planning.pipeline("matmul", {type, kTileRows}));
  MatMulPush push{.w = w.address(), .chunks = w.chunks_address()};
  push.rows = count32(y.spec.elements());
  push.w_rows = count32(w.rows);
  push.inputs = count32(w.inputs);
  push.row_words = row_words_of(w);
  push.leaves = count32(w.leaves);
  push.of_blocks = of_blocks ? 1 : 0;
  planning.add(
      [=](const Step& step, const Recorder& recorder) {
        MatMulPush mine = push;
        const int64_t rows = step.rows(x.spec.rows);
        mine.x = step[x];
        mine.y = step[y];
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
  if (!op.parts.empty()) return no_member();
  TROIKA_TRY(const VulkanWeight* w, planning.matrix(op.w));
  return plan_product(planning, *w, op.x, y, false);
}

Status plan(Planning& planning, const MatMulBlocks& op, const Tensor& y) {
  if (op.total_blocks != 0) return no_member();
  TROIKA_TRY(const VulkanWeight* w, planning.matrix(op.w));
  TROIKA_RETURN_IF_ERROR(planning.read_row_blocks(op.blocks));
  return plan_product(planning, *w, op.x, y, true);
}

}  // namespace troika::vulkan
