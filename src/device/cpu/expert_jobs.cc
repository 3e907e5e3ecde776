#include "device/cpu/expert_jobs.h"

#include <algorithm>
#include <cstring>
#include <span>

#include "device/cpu/expert_product.h"

namespace troika::cpu {
namespace {

static_assert(kRouterExpertsMax == kExpertsMax);

constexpr int64_t kItemsPerThread = 16;  // at least, where an expert has enough strips
constexpr int64_t kStepStrips = 8;       // multiplied at a time
constexpr int64_t kStepRows = kStepStrips * kStripRows;

int64_t ceil_divide(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

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

class QuantizePairsStep final : public RowStep {
 public:
  QuantizePairsStep(const Tensor& x, Activations kind, const ExpertSlots& slots)
      : x_(x), kind_(kind), slots_(slots) {}

  void run(const Step& step, int64_t row) const override {
    const int64_t used = x_.spec.units;
    const int64_t columns = x_.spec.width;
    const ExpertOrder order(step.bytes(slots_.order), step.rows(x_.spec.rows) * used);
    const QuantizeKernel quantize = step.kernels->matmul.quantize[static_cast<size_t>(kind_)];
    const int64_t block = activation_block_bytes(kind_);
    for (int64_t pair = row * used; pair < (row + 1) * used; pair++) {
      const int64_t chunk = order.chunk_of(pair);
      const int64_t first = order.chunk_begin(chunk);
      quantize(step.floats(x_.id) + pair * columns, columns,
               step.bytes(slots_.activations) + first * pair_bytes(kind_, columns) +
                   (order.place(pair) - first) * block,
               order.chunk_size(chunk) * block);
    }
  }

 private:
  Tensor x_;
  Activations kind_;
  ExpertSlots slots_;
};

class ExpertMatmulJob final : public Job {
 public:
  ExpertMatmulJob(const ExpertProduct& product, const Tensor& y) : product_(product), y_(y) {}

  int64_t items(const Step& step) const override { return groups_max(step) * cut(step).runs; }
  int64_t work(const Step& step) const override { return product_.work(step); }
  void run(const Step& step, int64_t begin, int64_t end, int thread) const override {
    std::byte* const scratch = step.scratch[static_cast<size_t>(thread)];
    const Cut c = cut(step);
    const ExpertOrder order = product_.order(step);
    for (int64_t item = begin; item < end; item++) {
      const int64_t group = item / c.runs;
      if (group >= order.groups()) return;
      const int64_t strip = item % c.runs * c.strips;
      const Strips strips{strip, std::min(product_.strips, strip + c.strips)};
      for (int64_t i = order.group_begin(group); i < order.group_begin(group + 1); i++)
        run_chunk(step, order.chunk_pairs(i), strips, scratch);
    }
  }

 private:
  /// How the strips of an expert are cut into items.
  struct Cut {
    int64_t strips, runs;
  };
  struct Strips {
    int64_t begin, end;
  };

  /// Known before the order is: who comes late may find its slot in other use.
  int64_t groups_max(const Step& step) const {
    return std::min(product_.pairs(step), product_.experts.experts());
  }

  /// Long runs gather rows seldom; there must be enough of them for all threads.
  Cut cut(const Step& step) const {
    const int64_t shortest = ceil_divide(product_.strips, kStepStrips);
    const int64_t groups = std::max<int64_t>(1, groups_max(step));
    const int64_t wanted = ceil_divide(kItemsPerThread * step.threads, groups);
    const int64_t strips = ceil_divide(shortest, std::min(shortest, wanted)) * kStepStrips;
    return {strips, ceil_divide(product_.strips, strips)};
  }

  /// Rows of one expert.
  void run_chunk(const Step& step, std::span<const int32_t> pairs, Strips strips,
                 std::byte* scratch) const {
    const MatmulKernels& kernels = step.kernels->matmul;
    const PackedMatrix& matrix = product_.matrix(step, pairs[0]);
    auto* const products = reinterpret_cast<float*>(scratch + matmul_scratch_bytes());
    auto* const gathered = reinterpret_cast<std::byte*>(products + kChunkTokens * kStepRows);
    const std::byte* x = step.bytes(product_.slots.activations);
    if (product_.rows(step) > 1) {
      gather(step, pairs, gathered);
      x = gathered;
    }
    if (pairs.size() == 1) {
      matmul_chunk(kernels, matrix, x, 1, y_at(step, pairs[0], strips.begin), y_.spec.width,
                   strips.begin, strips.end, scratch);
      return;
    }
    for (int64_t strip = strips.begin; strip < strips.end; strip += kStepStrips) {
      const int64_t rows = std::min(kStepRows, y_.spec.width - strip * kStripRows);
      matmul_chunk(kernels, matrix, x, std::ssize(pairs), products, kStepRows, strip,
                   std::min(strips.end, strip + kStepStrips), scratch);
      for (size_t i = 0; i < pairs.size(); i++)
        std::copy_n(products + static_cast<int64_t>(i) * kStepRows, rows,
                    y_at(step, pairs[i], strip));
    }
  }

  float* y_at(const Step& step, int64_t pair, int64_t strip) const {
    return step.floats(y_.id) + pair * y_.spec.width + strip * kStripRows;
  }

  /// The rows of the pairs as kernels/matmul.h wants them: [block][pair].
  void gather(const Step& step, std::span<const int32_t> pairs, std::byte* x) const {
    const auto bytes = static_cast<size_t>(activation_block_bytes(product_.kind));
    const auto row_bytes =
        static_cast<size_t>(activation_bytes(product_.kind, product_.experts.columns(), 1));
    for (size_t i = 0; i < pairs.size(); i++) {
      const int64_t row = pairs[i] / product_.used();
      const int64_t first = row / kChunkTokens * kChunkTokens;
      const auto chunk =
          static_cast<size_t>(std::min<int64_t>(kChunkTokens, product_.rows(step) - first));
      const std::byte* from = step.bytes(product_.slots.activations) +
                              static_cast<size_t>(first) * row_bytes +
                              static_cast<size_t>(row - first) * bytes;
      std::byte* to = x + i * bytes;
      for (size_t block = 0; block < row_bytes / bytes; block++) {
        std::memcpy(to, from, bytes);
        to += pairs.size() * bytes;
        from += chunk * bytes;
      }
    }
  }

  ExpertProduct product_;
  Tensor y_;
};

}  // namespace

std::unique_ptr<RowStep> router_step(const RouterTopK& op, const float* bias, Slot y) {
  return std::make_unique<RouterStep>(op, bias, y);
}

int64_t pair_bytes(Activations kind, int64_t columns) {
  constexpr int64_t kLineBytes = 64;
  return ceil_divide(activation_bytes(kind, columns, 1), kLineBytes) * kLineBytes;
}

std::unique_ptr<RowStep> quantize_pairs_step(const Tensor& x, Activations kind,
                                             const ExpertSlots& slots) {
  return std::make_unique<QuantizePairsStep>(x, kind, slots);
}

std::unique_ptr<Job> expert_matmul_job(const ExpertMatMul& op, const PackedExperts& experts,
                                       const ExpertSlots& slots, const Tensor& y) {
  return std::make_unique<ExpertMatmulJob>(ExpertProduct(experts, op.routing, slots), y);
}

int64_t expert_matmul_scratch_bytes(const PackedExperts& experts) {
  return matmul_scratch_bytes() + kChunkTokens * kStepRows * int64_t{sizeof(float)} +
         activation_bytes(activations_of(experts[0]), experts.columns(), kChunkTokens);
}

}  // namespace troika::cpu
