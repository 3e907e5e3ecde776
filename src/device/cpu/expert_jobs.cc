#include "device/cpu/expert_jobs.h"

#include <algorithm>
#include <cstring>
#include <span>

#include "device/cpu/layouts.h"

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

/// What both products share: which experts, in which runs of strips, over which pieces.
struct ExpertProduct {
  ExpertProduct(const PackedExperts& matrices, const Routing& route, Slot pieces)
      : experts(matrices),
        routing(route),
        activations(pieces),
        strips(matrices[0].strips()),
        runs((strips + kItemStrips - 1) / kItemStrips),
        piece_stride(piece_bytes(activations_of(matrices[0]), matrices[0].columns())) {}

  int64_t used() const { return routing.chosen.spec.units; }
  /// Multiply-adds of one expert of one row.
  int64_t work() const { return experts[0].rows() * experts[0].columns(); }
  /// The id and the weight of chosen expert `pair`, counted over all rows.
  const float* choice(const Step& step, int64_t pair) const {
    return step.floats(routing.chosen.id) + 2 * pair;
  }
  const PackedMatrix& matrix(const Step& step, int64_t pair) const {
    return experts[static_cast<int64_t>(*choice(step, pair))];
  }
  const std::byte* piece(const Step& step, int64_t number) const {
    return step.bytes(activations) + number * piece_stride;
  }

  const PackedExperts& experts;
  Routing routing;
  Slot activations;
  int64_t strips;
  int64_t runs;  // of kItemStrips strips
  int64_t piece_stride;
};

class ExpertMatmulJob final : public Job {
 public:
  ExpertMatmulJob(const ExpertProduct& product, const Tensor& y) : product_(product), y_(y) {}

  int64_t items(const Step& step) const override {
    return std::min(pairs(step), product_.experts.experts()) * product_.runs;
  }
  int64_t run_length(const Step&) const override { return 1; }
  int64_t work(const Step& step) const override { return pairs(step) * product_.work(); }
  void run(const Step& step, int64_t begin, int64_t end, int thread) const override {
    std::byte* const scratch = step.scratch[static_cast<size_t>(thread)];
    const bool few = pairs(step) <= product_.experts.experts();
    for (int64_t item = begin; item < end; item++) {
      const int64_t strip = item % product_.runs * kItemStrips;
      if (few)
        run_pair(step, item / product_.runs, strip, scratch);
      else
        run_expert(step, item / product_.runs, strip, scratch);
    }
  }

 private:
  int64_t pairs(const Step& step) const { return step.rows(y_.spec.rows) * product_.used(); }

  void run_pair(const Step& step, int64_t pair, int64_t strip, std::byte* scratch) const {
    matmul(step.kernels->matmul, product_.matrix(step, pair),
           product_.piece(step, pair / product_.used()), 1,
           step.floats(y_.id) + pair * y_.spec.width, y_.spec.width, strip,
           std::min(product_.strips, strip + kItemStrips), scratch);
  }

  /// The rows that chose the expert, a chunk at a time.
  void run_expert(const Step& step, int64_t expert, int64_t strip, std::byte* scratch) const {
    int64_t chunk[kChunkTokens];
    int64_t count = 0;
    const auto id = static_cast<float>(expert);
    for (int64_t pair = 0; pair < pairs(step); pair++) {
      if (*product_.choice(step, pair) != id) continue;
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
    gather(step, matrix, chunk, x);
    matmul_chunk(step.kernels->matmul, matrix, x, std::ssize(chunk), products, kItemRows, strip,
                 std::min(product_.strips, strip + kItemStrips), scratch);
    for (size_t i = 0; i < chunk.size(); i++)
      std::copy_n(products + static_cast<int64_t>(i) * kItemRows, rows,
                  step.floats(y_.id) + chunk[i] * y_.spec.width + first);
  }

  /// The pieces of the chunk as kernels/matmul.h wants them: [block][token].
  void gather(const Step& step, const PackedMatrix& matrix, std::span<const int64_t> chunk,
              std::byte* x) const {
    const Activations kind = activations_of(matrix);
    const auto bytes = static_cast<size_t>(activation_block_bytes(kind));
    const size_t blocks = static_cast<size_t>(activation_bytes(kind, matrix.columns(), 1)) / bytes;
    for (size_t i = 0; i < chunk.size(); i++) {
      const std::byte* const piece = product_.piece(step, chunk[i] / product_.used());
      for (size_t block = 0; block < blocks; block++)
        std::memcpy(x + (block * chunk.size() + i) * bytes, piece + block * bytes, bytes);
    }
  }

  ExpertProduct product_;
  Tensor y_;
};

class ExpertSumJob final : public Job {
 public:
  ExpertSumJob(const ExpertProduct& product, const Tensor& y) : product_(product), y_(y) {}

  int64_t items(const Step& step) const override { return step.rows(y_.spec.rows) * product_.runs; }
  int64_t run_length(const Step&) const override { return 1; }
  int64_t work(const Step& step) const override {
    return step.rows(y_.spec.rows) * product_.used() * product_.work();
  }
  void run(const Step& step, int64_t begin, int64_t end, int thread) const override {
    std::byte* const scratch = step.scratch[static_cast<size_t>(thread)];
    for (int64_t item = begin; item < end; item++)
      run_strips(step, item / product_.runs, item % product_.runs * kItemStrips, scratch);
  }

 private:
  void run_strips(const Step& step, int64_t row, int64_t strip, std::byte* scratch) const {
    const int64_t first = strip * kStripRows;
    const int64_t count = std::min(kItemRows, y_.spec.elements() - first);
    const int64_t leaves = product_.experts[0].leaves();
    auto* const product = reinterpret_cast<float*>(scratch + matmul_scratch_bytes());
    float* const sums = product + kItemRows;  // [leaf][kItemRows]
    std::fill_n(sums, leaves * kItemRows, 0.0F);
    for (int64_t leaf = 0; leaf < leaves; leaf++)
      for (int64_t pair = row * product_.used(); pair < (row + 1) * product_.used(); pair++) {
        matmul_leaf(step.kernels->matmul, product_.matrix(step, pair), leaf,
                    product_.piece(step, pair), product, strip,
                    std::min(product_.strips, strip + kItemStrips), scratch);
        step.kernels->moe.add_scaled(product_.choice(step, pair)[1], product,
                                     sums + leaf * kItemRows, count);
      }
    add_leaves(step.kernels->elementwise.add, sums, leaves, count);
    std::copy_n(sums, count, step.floats(y_.id) + row * y_.spec.elements() + first);
  }

  /// Adds leaves as the tree of kernels/matmul.h does, into the first.
  static void add_leaves(AddKernel add, float* sums, int64_t leaves, int64_t count) {
    if (leaves == 1) return;
    const int64_t left = (leaves + 1) / 2;
    float* const rest = sums + left * kItemRows;
    add_leaves(add, sums, left, count);
    add_leaves(add, rest, leaves - left, count);
    add(sums, rest, sums, count);
  }

  ExpertProduct product_;
  Tensor y_;
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
  return std::make_unique<ExpertMatmulJob>(ExpertProduct(experts, op.routing, activations), y);
}

std::unique_ptr<Job> expert_sum_job(const ExpertSum& op, const PackedExperts& experts,
                                    Slot activations, const Tensor& y) {
  return std::make_unique<ExpertSumJob>(ExpertProduct(experts, op.routing, activations), y);
}

int64_t expert_matmul_scratch_bytes(const PackedExperts& experts) {
  return matmul_scratch_bytes() + kChunkTokens * kItemRows * int64_t{sizeof(float)} +
         activation_bytes(activations_of(experts[0]), experts.columns(), kChunkTokens);
}

int64_t expert_sum_scratch_bytes() {
  return matmul_scratch_bytes() + (1 + kMatmulLeavesMax) * kItemRows * int64_t{sizeof(float)};
}

}  // namespace troika::cpu
