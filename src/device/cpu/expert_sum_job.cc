// y[t] = sum over leaves, inside over the experts of row t, best first, of weight times product.
// The products of a tile of rows are made expert by expert, so that a matrix is read once for all
// rows that chose it, and kept until the rows add theirs in order.
#include <algorithm>
#include <vector>

#include "device/cpu/expert_product.h"

namespace troika::cpu {
namespace {

constexpr int64_t kStripsMax = 8;  // of an item
constexpr int64_t kStripsMin = 2;
constexpr int64_t kStoreFloats = int64_t{256} << 10;  // of products, unless one row wants more

/// What the rows of a tile are limited by, and how the scratch of a thread is divided, behind that
/// of the kernels.
struct SumLayout {
  SumLayout(const PackedExperts& experts, int64_t chosen)
      : leaves(experts[0].leaves()),
        row_floats(chosen * leaves * kStripRows),
        tile_rows(std::max<int64_t>(1, kStoreFloats / (row_floats * kStripsMin))),
        store_floats(std::max(kStoreFloats, row_floats * kStripsMin)) {}

  /// Strips of an item of `rows` rows.
  int64_t strips(int64_t rows) const {
    return std::clamp(store_floats / (row_floats * rows), kStripsMin, kStripsMax);
  }
  int64_t bytes() const {
    return matmul_scratch_bytes() +
           (store_floats + leaves * kStripsMax * kStripRows) * int64_t{sizeof(float)};
  }

  int64_t leaves;
  int64_t row_floats;    // products of a row with one strip of each expert it chose
  int64_t tile_rows;     // at most
  int64_t store_floats;  // [place in the tile][leaf][row of the matrix], then sums [leaf][row]
};

class ExpertSumJob final : public Job {
 public:
  ExpertSumJob(const ExpertProduct& product, std::vector<int64_t> parts, const Tensor& y)
      : product_(product), y_(y), layout_(product.experts, product.used()), parts_(parts) {
    if (parts_.empty()) parts_ = {layout_.leaves};
  }

  int64_t items(const Step& step) const override {
    const Cut c = cut(step);
    return c.tiles * c.runs;
  }
  int64_t work(const Step& step) const override { return product_.work(step); }
  void run(const Step& step, int64_t begin, int64_t end, int thread) const override {
    const Cut c = cut(step);
    std::byte* const scratch = step.scratch[static_cast<size_t>(thread)];
    auto* const store = reinterpret_cast<float*>(scratch + matmul_scratch_bytes());
    for (int64_t item = begin; item < end; item++) {
      const int64_t strip = item % c.runs * c.strips;
      const Item it{.tile = item / c.runs,
                    .strip = strip,
                    .strip_end = std::min(product_.strips, strip + c.strips),
                    .width = c.strips * kStripRows,
                    .kernel_scratch = scratch,
                    .store = store,
                    .sums = store + layout_.store_floats};
      multiply(step, it);
      const int64_t row = it.tile * layout_.tile_rows;
      const int64_t rows = std::min(layout_.tile_rows, product_.rows(step) - row);
      for (int64_t r = row; r < row + rows; r++) add_up(step, it, r);
    }
  }

 private:
  /// How a step is cut into items.
  struct Cut {
    int64_t strips;  // of an item
    int64_t tiles, runs;
  };

  struct Item {
    int64_t tile;
    int64_t strip, strip_end;
    int64_t width;  // rows of the matrix from leaf to leaf
    std::byte* kernel_scratch;
    float* store;
    float* sums;
  };

  Cut cut(const Step& step) const {
    const int64_t rows = product_.rows(step);
    if (rows == 0) return {1, 0, 0};
    const int64_t strips = layout_.strips(std::min(rows, layout_.tile_rows));
    return {strips, (rows + layout_.tile_rows - 1) / layout_.tile_rows,
            (product_.strips + strips - 1) / strips};
  }

  /// The first place of the tile.
  int64_t first_place(const Item& it) const {
    return it.tile * layout_.tile_rows * product_.used();
  }

  /// Fills the store, a chunk at a time.
  void multiply(const Step& step, const Item& it) const {
    const ExpertOrder order = product_.order(step);
    const int64_t stride = pair_bytes(product_.kind, product_.experts.columns());
    const std::byte* const x = step.bytes(product_.slots.activations);
    const int64_t end = order.tile_begin(it.tile + 1);
    for (int64_t chunk = order.tile_begin(it.tile); chunk < end; chunk++) {
      const int64_t place = order.chunk_begin(chunk);
      float* const products = it.store + (place - first_place(it)) * layout_.leaves * it.width;
      for (int64_t leaf = 0; leaf < layout_.leaves; leaf++)
        matmul_leaf(step.kernels->matmul, product_.matrix(step, order.chunk_pairs(chunk)[0]), leaf,
                    x + place * stride, order.chunk_size(chunk), products + leaf * it.width,
                    layout_.leaves * it.width, it.strip, it.strip_end, it.kernel_scratch);
    }
  }

  /// Row `row` of the step from the store.
  void add_up(const Step& step, const Item& it, int64_t row) const {
    const ExpertOrder order = product_.order(step);
    const int64_t floats = layout_.leaves * it.width;
    const int64_t first = it.strip * kStripRows;
    const int64_t outputs = product_.experts[0].rows();
    const int64_t count = std::min(it.width, outputs - first);
    std::fill_n(it.sums, floats, 0.0F);
    for (int64_t pair = row * product_.used(); pair < (row + 1) * product_.used(); pair++) {
      const float* const products = it.store + (order.place(pair) - first_place(it)) * floats;
      const float weight = product_.weight(step, pair);
      for (int64_t at = 0; at < floats; at += it.width)
        step.kernels->moe.add_scaled(weight, products + at, it.sums + at, count);
    }
    float* y = step.floats(y_.id) + row * y_.spec.elements() + first;
    float* sums = it.sums;
    for (const int64_t leaves : parts_) {
      add_leaves(step.kernels->elementwise.add, sums, leaves, it.width, count);
      std::copy_n(sums, count, y);
      sums += leaves * it.width;
      y += outputs;
    }
  }

  /// Adds leaves as the tree of kernels/matmul.h does, into the first.
  static void add_leaves(AddKernel add, float* sums, int64_t leaves, int64_t width, int64_t count) {
    if (leaves == 1) return;
    const int64_t left = (leaves + 1) / 2;
    float* const rest = sums + left * width;
    add_leaves(add, sums, left, width, count);
    add_leaves(add, rest, leaves - left, width, count);
    add(sums, rest, sums, count);
  }

  ExpertProduct product_;
  Tensor y_;
  SumLayout layout_;
  std::vector<int64_t> parts_;  // leaves of each
};

}  // namespace

std::unique_ptr<Job> expert_sum_job(const ExpertSum& op, const PackedExperts& experts,
                                    const ExpertSlots& slots, const Tensor& y) {
  return std::make_unique<ExpertSumJob>(ExpertProduct(experts, op.routing, slots), op.parts, y);
}

int64_t expert_sum_tile_rows(const ExpertSum& op, const PackedExperts& experts) {
  return SumLayout(experts, op.routing.chosen.spec.units).tile_rows;
}

int64_t expert_sum_scratch_bytes(const ExpertSum& op, const PackedExperts& experts) {
  return SumLayout(experts, op.routing.chosen.spec.units).bytes();
}

}  // namespace troika::cpu
