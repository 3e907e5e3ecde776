// Mixtures of experts: routers, and products with the experts that they chose.
#include <numeric>

#include "device/vulkan/planning.h"
#include "device/vulkan/weight_words.h"

namespace troika::vulkan {
namespace {

constexpr int64_t kGroupRows = 32;    // of y
constexpr int64_t kPairsMax = 32768;  // of rows and experts along one axis

struct RouterPush {
  uint64_t logits, bias, y;
  uint32_t rows, experts, used, groups, groups_used, normalise, biased;
  float scale;
};

struct ExpertPush {
  uint64_t w, x, y, chunks, chosen;
  uint32_t rows, inputs, tokens, row_words, first_leaf, leaves, y_row, used, experts;
};

/// What op reads and makes. `offset`: of the elements that it makes, in a row of y.
struct Product {
  const Weight& weight;
  const Tensor& x;
  const Routing& routing;
  const Tensor& y;
  bool sum = false;
  int64_t first_leaf = 0;
  int64_t leaves = 0;
  int64_t offset = 0;
};

Status plan_product(Planning& planning, const VulkanWeight* w, const Product& product) {
  const auto& [weight, x, routing, y, sum, first_leaf, leaves, offset] = product;
  TROIKA_TRY(const VkPipeline shader,
             planning.pipeline("expert_matmul", {*matrix_type(w->dtype), sum ? 1U : 0U}));
  const int64_t used = routing.chosen.spec.units;
  ExpertPush push{.w = w->address(), .chunks = w->chunks_address()};
  push.rows = count32(weight.units * weight.width);
  push.inputs = count32(weight.inputs);
  push.row_words = count32(row_words(w->dtype, w->inputs));
  push.first_leaf = count32(first_leaf);
  push.leaves = count32(leaves);
  push.y_row = count32(sum ? y.spec.elements() : weight.units * weight.width);
  push.used = count32(used);
  push.experts = count32(routing.experts);
  planning.add(
      [=, chosen = routing.chosen, x = x, y = y, sum = sum, offset = offset](
          const Step& step, const Recorder& recorder) {
        ExpertPush mine = push;
        const int64_t rows = step.rows(y.spec.rows);
        mine.x = step[x];
        mine.y = step[y] + static_cast<uint64_t>(offset) * sizeof(float);
        mine.chosen = step[chosen];
        mine.tokens = count32(rows);
        const int64_t pairs = sum ? rows : rows * used;
        recorder.dispatch(
            shader, mine,
            {count32((int64_t{push.rows} + kGroupRows - 1) / kGroupRows),
             count32(std::min(pairs, kPairsMax)), count32((pairs + kPairsMax - 1) / kPairsMax)});
      },
      {.reads = {x.id, routing.chosen.id}, .writes = {y.id}});
  return ok();
}

}  // namespace

Status plan(Planning& planning, const RouterTopK& op, const Tensor& y) {
  uint64_t bias = 0;
  if (op.selection_bias.present()) {
    TROIKA_TRY(const VulkanWeight* weight, planning.vector(op.selection_bias));
    bias = weight->address();
  }
  const RouterOptions& options = op.options;
  TROIKA_TRY(const VkPipeline shader,
             planning.pipeline("router", {static_cast<uint32_t>(options.gating)}));
  RouterPush push{.bias = bias};
  push.experts = count32(op.logits.spec.elements());
  push.used = count32(options.used);
  push.groups = count32(options.groups);
  push.groups_used = count32(options.groups_used);
  push.normalise = options.normalise ? 1 : 0;
  push.biased = bias != 0 ? 1 : 0;
  push.scale = options.scale;
  planning.add(
      [=, logits = op.logits](const Step& step, const Recorder& recorder) {
        RouterPush mine = push;
        const int64_t rows = step.rows(y.spec.rows);
        mine.logits = step[logits];
        mine.y = step[y];
        mine.rows = count32(rows);
        recorder.dispatch(shader, mine, fold_groups(rows));
      },
      {.reads = {op.logits.id}, .writes = {y.id}});
  return ok();
}

Status plan(Planning& planning, const ExpertMatMul& op, const Tensor& y) {
  TROIKA_TRY(const VulkanWeight* w, planning.stack(op.w));
  return plan_product(planning, w, {op.w, op.x, op.routing, y, false, 0, w->leaves, 0});
}

Status plan(Planning& planning, const ExpertSum& op, const Tensor& y) {
  TROIKA_TRY(const VulkanWeight* w, planning.stack(op.w));
  const std::vector<int64_t> parts = op.parts.empty() ? std::vector{w->leaves} : op.parts;
  if (std::accumulate(parts.begin(), parts.end(), int64_t{0}) != w->leaves)
    return fail(ErrorCode::invalid_argument, "parts of other than the {} leaves of weight {}",
                w->leaves, w->name);
  Product product{op.w, op.x, op.routing, y, true};
  for (const int64_t leaves : parts) {
    product.leaves = leaves;
    TROIKA_RETURN_IF_ERROR(plan_product(planning, w, product));
    product.first_leaf += leaves;
    product.offset += op.w.units * op.w.width;
  }
  return ok();
}

}  // namespace troika::vulkan
