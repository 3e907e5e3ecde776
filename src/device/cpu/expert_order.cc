#include "device/cpu/expert_order.h"

#include <algorithm>

#include "device/cpu/kernels/matmul.h"

namespace troika::cpu {

/// A counting sort of each tile.
class ExpertOrderMaker {
 public:
  ExpertOrderMaker(const Routing& routing, int64_t tile_rows, Slot slot)
      : routing_(routing), tile_rows_(tile_rows), slot_(slot) {}

  int64_t rows(const Step& step) const { return step.rows(routing_.chosen.spec.rows); }

  void make(const Step& step) const {
    const int64_t used = routing_.chosen.spec.units;
    const int64_t pairs = rows(step) * used;
    const ExpertOrder order(step.bytes(slot_), pairs);
    Counts counts;
    for (int64_t first = 0; first < pairs; first += tile_rows_ * used) {
      order.tile_begin(counts.tiles++) = counts.chunks;
      add_tile(step, order, first, std::min(pairs, first + tile_rows_ * used), counts);
    }
    order.tile_begin(counts.tiles) = counts.chunks;
    order.group_begin(counts.groups) = counts.chunks;
    order.chunk_begin(counts.chunks) = static_cast<int32_t>(pairs);
    order.array(ExpertOrder::kCount)[0] = counts.groups;
    for (int32_t chunk = 0; chunk < counts.chunks; chunk++)
      for (const int32_t pair : order.chunk_pairs(chunk)) order.chunk_of(pair) = chunk;
  }

 private:
  struct Counts {
    int32_t tiles = 0;
    int32_t groups = 0;
    int32_t chunks = 0;
  };

  /// The tile of pairs [first, end).
  void add_tile(const Step& step, const ExpertOrder& order, int64_t first, int64_t end,
                Counts& counts) const {
    const float* const choices = step.floats(routing_.chosen.id);
    auto expert_of = [&](int64_t pair) { return static_cast<size_t>(choices[2 * pair]); };
    int32_t places[kExpertsMax + 1] = {};  // the next one of expert e is places[e]
    for (int64_t pair = first; pair < end; pair++) places[expert_of(pair) + 1]++;
    places[0] = static_cast<int32_t>(first);
    for (int64_t e = 0; e < routing_.experts; e++) {
      places[e + 1] += places[e];
      if (places[e] == places[e + 1]) continue;
      order.group_begin(counts.groups++) = counts.chunks;
      for (int32_t at = places[e]; at < places[e + 1]; at += kChunkTokens)
        order.chunk_begin(counts.chunks++) = at;
    }
    int32_t* const pairs = order.array(ExpertOrder::kPairs);
    for (int64_t pair = first; pair < end; pair++) {
      const int32_t place = places[expert_of(pair)]++;
      order.place(pair) = place;
      pairs[place] = static_cast<int32_t>(pair);
    }
  }

  Routing routing_;
  int64_t tile_rows_;
  Slot slot_;
};

namespace {

class OrderRowStep final : public RowStep {
 public:
  explicit OrderRowStep(const ExpertOrderMaker& maker) : maker_(maker) {}
  void run(const Step& step, int64_t) const override {
    if (maker_.rows(step) == 1) maker_.make(step);
  }

 private:
  ExpertOrderMaker maker_;
};

class OrderJob final : public Job {
 public:
  explicit OrderJob(const ExpertOrderMaker& maker) : maker_(maker) {}
  int64_t items(const Step& step) const override { return maker_.rows(step) > 1 ? 1 : 0; }
  void run(const Step& step, int64_t, int64_t, int) const override { maker_.make(step); }

 private:
  ExpertOrderMaker maker_;
};

}  // namespace

std::unique_ptr<RowStep> order_row_step(const Routing& routing, int64_t tile_rows, Slot order) {
  return std::make_unique<OrderRowStep>(ExpertOrderMaker(routing, tile_rows, order));
}

std::unique_ptr<Job> order_job(const Routing& routing, int64_t tile_rows, Slot order) {
  return std::make_unique<OrderJob>(ExpertOrderMaker(routing, tile_rows, order));
}

}  // namespace troika::cpu
