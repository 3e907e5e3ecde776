// Pairs of a step, each a row and an expert that it chose, in order of experts, so that a matrix
// is read once for all rows that chose it. Made once for a routing, read by all its products.
//
// Rows are cut into tiles. A place is where a pair stands: tile by tile, in a tile by expert, for
// an expert by row. A chunk is at most kChunkTokens neighbouring places of one expert, a group all
// chunks of one expert in a tile.
#pragma once

#include <cstdint>
#include <span>

#include "device/cpu/job.h"
#include "graph/ops/moe.h"

namespace troika::cpu {

/// The order of one step, in a slot. `pairs` are those of the step.
class ExpertOrder {
 public:
  /// Bytes of the slot for at most `pairs` pairs.
  static int64_t bytes(int64_t pairs) { return kArrays * (pairs + 1) * int64_t{sizeof(int32_t)}; }
  ExpertOrder(std::byte* slot, int64_t pairs)
      : numbers_(reinterpret_cast<int32_t*>(slot)), stride_(pairs + 1) {}

  /// Groups of all tiles: at most as many as pairs.
  int64_t groups() const { return array(kCount)[0]; }
  /// The first chunk of a group; that of groups() is the number of chunks.
  int32_t& group_begin(int64_t group) const { return array(kGroups)[group]; }
  /// The first chunk of a tile; that of the number of tiles is the number of chunks.
  int32_t& tile_begin(int64_t tile) const { return array(kTiles)[tile]; }
  /// The first place of a chunk; that of the number of chunks is the number of pairs.
  int32_t& chunk_begin(int64_t chunk) const { return array(kChunks)[chunk]; }
  int64_t chunk_size(int64_t chunk) const { return chunk_begin(chunk + 1) - chunk_begin(chunk); }
  /// The pairs of a chunk, by place.
  std::span<const int32_t> chunk_pairs(int64_t chunk) const {
    return {array(kPairs) + chunk_begin(chunk), static_cast<size_t>(chunk_size(chunk))};
  }
  int32_t& place(int64_t pair) const { return array(kPlaces)[pair]; }
  /// The chunk in which a pair stands.
  int32_t& chunk_of(int64_t pair) const { return array(kChunkOf)[pair]; }

 private:
  friend class ExpertOrderMaker;
  enum Array { kCount, kGroups, kTiles, kChunks, kPairs, kPlaces, kChunkOf, kArrays };
  int32_t* array(Array which) const { return numbers_ + which * stride_; }

  int32_t* numbers_;
  int64_t stride_;
};

/// Makes the order where a step has one row: it follows the router in the row's chain.
std::unique_ptr<RowStep> order_row_step(const Routing& routing, int64_t tile_rows, Slot order);
/// Makes it where there are several, in one item.
std::unique_ptr<Job> order_job(const Routing& routing, int64_t tile_rows, Slot order);

}  // namespace troika::cpu
