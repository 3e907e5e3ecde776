#include "device/cpu/expert_jobs.h"

#include <algorithm>
#include <span>

#include "device/cpu/expert_product.h"

namespace troika::cpu {
namespace {

static_assert(kRouterExpertsMax == kExpertsMax);

constexpr int64_t kItemStrips = 8;
constexpr int64_t kItemRows = kItemStrips * kStripRows;

RouterScores scores_of(Gating gating) {
  switch (gating) {
    case Gating::softmax:
      return RouterScores::softmax;
    case Gating::sigmoid:
      return RouterScores::sigmoid;
    case Gating::softmax_chosen:
      break;
  }
  return RouterScores::logits;
}

class RouterStep final : public RowStep {
 public:
  RouterStep(const RouterTopK& op, const float* bias, Slot y) : op_(op), bias_(bias), y_(y) {}

  void run(const Step& step, int64_t row) const override {
    const RouterOptions& o = op_.options;
    const int64_t experts = op_.logits.spec.elements();
    step.kernels->moe.route({.logits = step.floats(op_.logits.id) + row * experts,
                             .bias = bias_,
                             .pairs = step.floats(y_) + row * 2 * o.used,
                             .experts = experts,
                             .used = o.used,
                             .groups = o.groups,
                             .groups_used = o.groups_used,
                             .scores = scores_of(o.gating),
                             .softmax_chosen = o.gating == Gating::softmax_chosen,
                             .normalise = o.normalise,
                             .sum_min = kChosenSumMin,
                             .scale = o.scale});
  }

 private:
  RouterTopK op_;
  const float* bias_;
  Slot y_;
};

class QuantizePiecesStep final : public RowStep {
 public:
  QuantizePiecesStep(const Tensor& x, int64_t columns, Activations kind, Slot activations)
      : x_(x), columns_(columns), kind_(kind), activations_(activations) {}

  void run(const Step& step, int64_t row) const override {
    const int64_t pieces = x_.spec.elements() / columns_;
    const int64_t bytes = piece_bytes(kind_, columns_);
    for (int64_t piece = row * pieces; piece < (row + 1) * pieces; piece++)
      quantize_activations(step.kernels->matmul, kind_, step.floats(x_.id) + piece * columns_,
                           columns_, columns_, 1, 0, 1, step.bytes(activations_) + piece * bytes);
  }

 private:
  Tensor x_;
  int64_t columns_;
  Activations kind_;
  Slot activations_;
};

class ExpertMatmulJob final : public Job {
 public:
  ExpertMatmulJob(const ExpertProduct& product, const Tensor& y)
      : product_(product), y_(y), runs_((product.strips + kItemStrips - 1) / kItemStrips) {}

  int64_t items(const Step& step) const override {
    return std::min(product_.pairs(step), product_.experts.experts()) * runs_;
  }
  int64_t work(const Step& step) const override { return product_.pairs(step) * product_.work(); }
  void run(const Step& step, int64_t begin, int64_t end, int thread) const override {
    std::byte* const scratch = step.scratch[static_cast<size_t>(thread)];
    const bool few = product_.few(step);
    for (int64_t item = begin; item < end; item++) {
      const int64_t strip = item % runs_ * kItemStrips;
      if (few)
        run_pair(step, item / runs_, strip, scratch);
      else
        run_expert(step, item / runs_, strip, scratch);
    }
  }

 private:
  void run_pair(const Step& step, int64_t pair, int64_t strip, std::byte* scratch) const {
    matmul(step.kernels->matmul, product_.experts[product_.expert(step, pair)],
           product_.piece(step, pair), 1, step.floats(y_.id) + pair * y_.spec.width, y_.spec.width,
           strip, std::min(product_.strips, strip + kItemStrips), scratch);
  }

  /// The rows that chose the expert, a chunk at a time.
  void run_expert(const Step& step, int64_t expert, int64_t strip, std::byte* scratch) const {
    int64_t chunk[kChunkTokens];
    int64_t count = 0;
    for (int64_t pair = 0; pair < product_.pairs(step); pair++) {
      if (product_.expert(step, pair) != expert) continue;
      chunk[count++] = pair;
      if (count < kChunkTokens) continue;
      run_chunk(step, product_.experts[expert], {chunk, kChunkTokens}, strip, scratch);
      count = 0;
    }
    if (count > 0)
      run_chunk(step, product_.experts[expert], {chunk, static_cast<size_t>(count)}, strip,
                scratch);
  }

  void run_chunk(const Step& step, const PackedMatrix& matrix, std::span<const int64_t> chunk,
                 int64_t strip, std::byte* scratch) const {
    const int64_t first = strip * kStripRows;
    const int64_t rows = std::min(kItemRows, y_.spec.width - first);
    auto* const products = reinterpret_cast<float*>(scratch + matmul_scratch_bytes());
    auto* const x = reinterpret_cast<std::byte*>(products + kChunkTokens * kItemRows);
    product_.gather(step, chunk, x);
    matmul_chunk(step.kernels->matmul, matrix, x, std::ssize(chunk), products, kItemRows, strip,
                 std::min(product_.strips, strip + kItemStrips), scratch);
    for (size_t i = 0; i < chunk.size(); i++)
      std::copy_n(products + static_cast<int64_t>(i) * kItemRows, rows,
                  step.floats(y_.id) + chunk[i] * y_.spec.width + first);
  }

  ExpertProduct product_;
  Tensor y_;
  int64_t runs_;  // of kItemStrips strips
};

}  // namespace

std::unique_ptr<RowStep> router_step(const RouterTopK& op, const float* bias, Slot y) {
  return std::make_unique<RouterStep>(op, bias, y);
}

int64_t piece_bytes(Activations kind, int64_t columns) {
  constexpr int64_t kLineBytes = 64;
  return (activation_bytes(kind, columns, 1) + kLineBytes - 1) / kLineBytes * kLineBytes;
}

std::unique_ptr<RowStep> quantize_pieces_step(const Tensor& x, int64_t columns, Activations kind,
                                              Slot activations) {
  return std::make_unique<QuantizePiecesStep>(x, columns, kind, activations);
}

std::unique_ptr<Job> expert_matmul_job(const ExpertMatMul& op, const PackedExperts& experts,
                                       Slot activations, const Tensor& y) {
  return std::make_unique<ExpertMatmulJob>(
      ExpertProduct(experts, op.routing, activations, op.routing.chosen.spec.units), y);
}

int64_t expert_matmul_scratch_bytes(const PackedExperts& experts) {
  return matmul_scratch_bytes() + kChunkTokens * kItemRows * int64_t{sizeof(float)} +
         activation_bytes(activations_of(experts[0]), experts.columns(), kChunkTokens);
}

}  // namespace troika::cpu
