// A weight matrix in the layout of the matmul kernels: strips of 16 rows, blocks in the order of
// addition (kernels/matmul.h). At most 1.03 times the bytes of the file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/aligned.h"
#include "core/result.h"
#include "device/cpu/kernels/matmul.h"
#include "device/device.h"
#include "graph/weight.h"

namespace troika::cpu {

/// Whether matrices of this type can be packed.
bool can_pack(DType dtype);

/// Bytes that a packed matrix [rows, columns] of such a type takes.
int64_t packed_bytes(DType dtype, int64_t rows, int64_t columns);

/// An imported matrix [rows, columns]. Immutable once its strips are packed; then shared freely
/// between threads.
class PackedMatrix final : public ImportedWeight {
 public:
  Layout layout() const { return layout_; }
  int64_t rows() const { return rows_; }
  int64_t columns() const { return columns_; }
  int64_t leaves() const { return runs_.back().leaf + 1; }
  int64_t strips() const { return (rows_ + kStripRows - 1) / kStripRows; }
  int64_t bytes() const { return storage_.size(); }  // of memory taken

  /// Where strips [begin, end) lie.
  std::span<const std::byte> strip_bytes(int64_t begin, int64_t end) const {
    return {storage_.data() + begin * strip_bytes_,
            static_cast<size_t>((end - begin) * strip_bytes_)};
  }

  /// The part of a kernel's arguments that says what is multiplied; the rest is left as it is.
  void describe(MatmulArgs& args) const;

  /// Some neighbouring leaves as a matrix of their own, with all of the columns.
  struct Part {
    std::vector<BlockRun> runs;  // their leaves count from 0
    int64_t leaves = 0;
    int64_t blocks_before = 0;
  };
  Part part(int64_t first_leaf, int64_t leaves) const;
  /// What is multiplied by it; `part` must live as long as `args`.
  void describe(const Part& part, MatmulArgs& args) const;

  /// The same for leaf `leaf` alone, as a matrix of one leaf with all of the columns. Its strips
  /// and heads need not be aligned.
  void describe_leaf(int64_t leaf, MatmulArgs& args) const;

 private:
  friend Result<std::unique_ptr<PackedMatrix>> allocate_matrix(const WeightInfo& info,
                                                               AlignedArena& memory);
  friend void pack_strips(PackedMatrix& matrix, const WeightInfo& info, int64_t begin, int64_t end);
  PackedMatrix() = default;

  Layout layout_ = Layout::f32;
  int64_t rows_ = 0;
  int64_t columns_ = 0;
  int64_t head_bytes_ = 0;   // of a strip
  int64_t strip_bytes_ = 0;  // of a strip, head included
  std::vector<BlockRun> runs_;
  std::vector<BlockRun> leaf_runs_;  // the same, each counting as of leaf 0
  AlignedBytes storage_;
};

/// Makes room in `memory` for a weight, with all strips still to be packed. A weight without a
/// split (a lookup) gets one leaf. Errors: unsupported — no layout for this type, naming weight and
/// type; invalid_argument — shape, bytes or split do not fit each other; exhausted.
Result<std::unique_ptr<PackedMatrix>> allocate_matrix(const WeightInfo& info, AlignedArena& memory);

/// Packs strips [begin, end) of `matrix`, made from the same `info`. Strips are independent:
/// threads may pack disjoint ranges at once.
void pack_strips(PackedMatrix& matrix, const WeightInfo& info, int64_t begin, int64_t end);

/// Both steps, on the calling thread.
Result<std::unique_ptr<PackedMatrix>> pack_matrix(const WeightInfo& info);

/// Writes row `row` as the file means it, `columns` floats, with the very bits of decode_row
/// (quant/decode.h). For Embed on tied weights and for tests. Cost: O(columns).
void unpack_row(const PackedMatrix& matrix, int64_t row, float* out);

}  // namespace troika::cpu
