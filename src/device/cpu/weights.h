// Weights as this device keeps them: matrices for products packed by packed_matrix.h, one by one
// where they are stacked, the rows of lookups as they are in the file, vectors as float32.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/aligned.h"
#include "core/thread_pool.h"
#include "device/cpu/packed_matrix.h"
#include "device/device.h"

namespace troika::cpu {

/// The rows of an embedding that no product reads.
class LookupRows final : public ImportedWeight {
 public:
  LookupRows(AlignedBytes bytes, DType dtype, int64_t rows, int64_t columns)
      : rows_(rows), columns_(columns), dtype_(dtype), bytes_(std::move(bytes)) {}
  int64_t rows() const { return rows_; }
  int64_t columns() const { return columns_; }

  /// Writes row `row`, `columns` floats.
  void decode(int64_t row, float* out) const;

 private:
  int64_t rows_;
  int64_t columns_;
  DType dtype_;
  AlignedBytes bytes_;
};

/// Norms, biases, constants, taps: [rows, columns] float32.
class VectorWeight final : public ImportedWeight {
 public:
  VectorWeight(AlignedBytes bytes, int64_t rows, int64_t columns)
      : rows_(rows), columns_(columns), bytes_(std::move(bytes)) {}
  int64_t rows() const { return rows_; }
  int64_t columns() const { return columns_; }
  const float* data() const { return reinterpret_cast<const float*>(bytes_.data()); }

 private:
  int64_t rows_;
  int64_t columns_;
  AlignedBytes bytes_;
};

/// A stack of matrices of one shape, each packed by itself: strips never hold rows of two experts.
class PackedExperts final : public ImportedWeight {
 public:
  explicit PackedExperts(std::vector<std::unique_ptr<PackedMatrix>> matrices)
      : matrices_(std::move(matrices)) {}
  int64_t experts() const { return std::ssize(matrices_); }
  int64_t rows() const { return experts() * matrices_[0]->rows(); }  // of all
  int64_t columns() const { return matrices_[0]->columns(); }
  const PackedMatrix& operator[](int64_t expert) const {
    return *matrices_[static_cast<size_t>(expert)];
  }

 private:
  std::vector<std::unique_ptr<PackedMatrix>> matrices_;  // at least one
};

/// Whether weights of this type can be imported for this use.
bool imports(DType dtype, WeightUse use);

/// Bytes of memory that a weight takes once imported; those of the file for types that cannot be.
int64_t imported_bytes(const WeightInfo& info);

/// What an import works with; all borrowed for its time.
struct ImportContext {
  ThreadPool& pool;
  AlignedArena& memory;
  const std::string& device;  // its name, for messages
  const ImportOptions& options;
};

/// Imports a weight, its strips in parallel, as Device::import_weight. Errors: unsupported — naming
/// weight, type and device; invalid_argument — bytes and shape do not fit; corrupt — a value is not
/// finite; exhausted.
Result<std::unique_ptr<ImportedWeight>> import_weight(const WeightInfo& info,
                                                      const ImportContext& context);

}  // namespace troika::cpu
