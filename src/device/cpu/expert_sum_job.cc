// y[t] = sum over leaves, inside over the experts of row t, best first, of weight times product.
// The products of a tile of rows are made expert by expert, so that a matrix is read once for all
// rows that chose it, and kept until the rows add theirs in order.
#include <algorithm>

#include "device/cpu/expert_product.h"

namespace troika::cpu {
namespace {

constexpr int64_t kFewStrips = 8;                     // of an item where rows are few
constexpr int64_t kManyStrips = 2;                    // and where they are many
constexpr int64_t kStoreFloats = int64_t{128} << 10;  // of products, unless one row wants more
constexpr int64_t kTileRowsMax = 128;
constexpr int64_t kFewRows = kFewStrips * kStripRows;
constexpr int64_t kManyRows = kManyStrips * kStripRows;

/// How the scratch of a thread is divided, behind that of the kernels.
struct SumScratch {
  SumScratch(const ExpertProduct& product, int64_t chosen)
      : pair_floats(product.experts[0].leaves() * kManyRows),
        tile_rows(std::clamp<int64_t>(kStoreFloats / (chosen * pair_floats), 1, kTileRowsMax)),
        pairs(tile_rows * chosen),
        store_floats(
            std::max(pairs * pair_floats, chosen * product.experts[0].leaves() * kFewRows)),
        sums_floats(product.experts[0].leaves() * kFewRows),
        chunk_bytes(product.chunk_bytes()) {}

  int64_t bytes() const {
    return matmul_scratch_bytes() + (store_floats + sums_floats) * int64_t{sizeof(float)} +
           2 * pairs * int64_t{sizeof(int64_t)} + chunk_bytes;
  }

  int64_t pair_floats;   // products of a pair, where rows are many
  int64_t tile_rows;     // where rows are many
  int64_t pairs;         // of a tile
  int64_t store_floats;  // [pair in order of experts][leaf][row of the matrix]
  int64_t sums_floats;   // [leaf][row of the matrix]
  int64_t chunk_bytes;
};

class ExpertSumJob final : public Job {
 public:
  ExpertSumJob(const ExpertProduct& product, const Tensor& y)
      : product_(product), y_(y), layout_(product, product.used()) {}

  int64_t items(const Step& step) const override {
    const Cut cut = cut_of(step);
    return cut.tiles * cut.runs;
  }
  int64_t work(const Step& step) const override { return product_.pairs(step) * product_.work(); }
  void run(const Step& step, int64_t begin, int64_t end, int thread) const override {
    const Cut cut = cut_of(step);
    for (int64_t item = begin; item < end; item++) {
      const int64_t row = item / cut.runs * cut.rows;
      const int64_t strip = item % cut.runs * cut.strips;
      Tile tile{.first_row = row,
                .rows = std::min(cut.rows, step.rows(y_.spec.rows) - row),
                .strip = strip,
                .strip_end = std::min(product_.strips, strip + cut.strips),
                .width = cut.strips * kStripRows};
      place(tile, step.scratch[static_cast<size_t>(thread)]);
      sort_pairs(step, tile);
      multiply(step, tile);
      for (int64_t r = 0; r < tile.rows; r++) add_up(step, tile, r);
    }
  }

 private:
  /// How a step is cut into items.
  struct Cut {
    int64_t rows, strips;  // of an item
    int64_t tiles, runs;
  };

  /// An item, and its places in the scratch.
  struct Tile {
    int64_t first_row, rows;
    int64_t strip, strip_end;
    int64_t width;  // rows of the matrix from leaf to leaf
    std::byte* kernel_scratch = nullptr;
    float* store = nullptr;
    float* sums = nullptr;
    int64_t* order = nullptr;   // pairs in order of experts
    int64_t* places = nullptr;  // of each pair of the tile in that order
    std::byte* chunk = nullptr;
  };

  Cut cut_of(const Step& step) const {
    const bool few = product_.few(step);
    const int64_t rows = few ? 1 : layout_.tile_rows;
    const int64_t strips = few ? kFewStrips : kManyStrips;
    return {rows, strips, (step.rows(y_.spec.rows) + rows - 1) / rows,
            (product_.strips + strips - 1) / strips};
  }

  void place(Tile& tile, std::byte* scratch) const {
    tile.kernel_scratch = scratch;
    tile.store = reinterpret_cast<float*>(scratch + matmul_scratch_bytes());
    tile.sums = tile.store + layout_.store_floats;
    tile.order = reinterpret_cast<int64_t*>(tile.sums + layout_.sums_floats);
    tile.places = tile.order + layout_.pairs;
    tile.chunk = reinterpret_cast<std::byte*>(tile.places + layout_.pairs);
  }

  /// Orders the pairs of the tile by expert, and keeps where each stands.
  void sort_pairs(const Step& step, const Tile& tile) const {
    const int64_t first = tile.first_row * product_.used();
    const int64_t count = tile.rows * product_.used();
    int64_t ends[kExpertsMax + 1] = {};  // where the next pair of expert e goes is ends[e]
    for (int64_t i = 0; i < count; i++) ends[product_.expert(step, first + i) + 1]++;
    for (int64_t e = 0; e < product_.experts.experts(); e++) ends[e + 1] += ends[e];
    for (int64_t i = 0; i < count; i++) {
      tile.places[i] = ends[product_.expert(step, first + i)]++;
      tile.order[tile.places[i]] = first + i;
    }
  }

  /// Fills the store, at most a chunk of pairs of one expert at a time.
  void multiply(const Step& step, const Tile& tile) const {
    const int64_t leaves = product_.experts[0].leaves();
    const int64_t count = tile.rows * product_.used();
    for (int64_t begin = 0, end = 0; begin < count; begin = end) {
      const int64_t expert = product_.expert(step, tile.order[begin]);
      while (end < count && end - begin < kChunkTokens &&
             product_.expert(step, tile.order[end]) == expert)
        end++;
      product_.gather(step, {tile.order + begin, tile.order + end}, tile.chunk);
      for (int64_t leaf = 0; leaf < leaves; leaf++)
        matmul_leaf(step.kernels->matmul, product_.experts[expert], leaf, tile.chunk, end - begin,
                    tile.store + (begin * leaves + leaf) * tile.width, leaves * tile.width,
                    tile.strip, tile.strip_end, tile.kernel_scratch);
    }
  }

  /// Row `row` of the tile from the store.
  void add_up(const Step& step, const Tile& tile, int64_t row) const {
    const int64_t leaves = product_.experts[0].leaves();
    const int64_t first = tile.strip * kStripRows;
    const int64_t count = std::min(tile.width, y_.spec.elements() - first);
    std::fill_n(tile.sums, leaves * tile.width, 0.0F);
    for (int64_t j = 0; j < product_.used(); j++) {
      const int64_t pair = row * product_.used() + j;
      const float* const products = tile.store + tile.places[pair] * leaves * tile.width;
      const float weight = product_.weight(step, tile.first_row * product_.used() + pair);
      for (int64_t at = 0; at < leaves * tile.width; at += tile.width)
        step.kernels->moe.add_scaled(weight, products + at, tile.sums + at, count);
    }
    add_leaves(step.kernels->elementwise.add, tile.sums, leaves, tile.width, count);
    std::copy_n(tile.sums, count,
                step.floats(y_.id) + (tile.first_row + row) * y_.spec.elements() + first);
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
  SumScratch layout_;
};

}  // namespace

std::unique_ptr<Job> expert_sum_job(const ExpertSum& op, const PackedExperts& experts,
                                    Slot activations, const Tensor& y) {
  return std::make_unique<ExpertSumJob>(ExpertProduct(experts, op.routing, activations, 1), y);
}

int64_t expert_sum_scratch_bytes(const ExpertSum& op, const PackedExperts& experts) {
  const ExpertProduct product(experts, op.routing, -1, 1);
  return SumScratch(product, product.used()).bytes();
}

}  // namespace troika::cpu
