#include "device/cpu/weights.h"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "device/cpu/layouts.h"
#include "quant/decode.h"

namespace troika::cpu {
namespace {

constexpr int64_t kImportStrips = 4;  // that a thread packs at a time, at least

// A thread takes so many bytes of the file at a time: enough for the hooks to cost little, too few
// for what lies between them to count. What is much shorter may stay in memory until the end.
constexpr int64_t kWindowBytes = int64_t{2} << 20;
constexpr int64_t kPartMin = kWindowBytes / 8;

Status check_shape(const WeightInfo& info) {
  const DTypeInfo& type = dtype_info(info.dtype);
  const int64_t rows = info.weight.rows();
  const int64_t columns = info.weight.inputs;
  if (rows < 1 || columns < 1 || columns % type.block != 0 ||
      dtype_bytes(info.dtype, columns) != std::ssize(info.data) / rows ||
      std::ssize(info.data) % rows != 0)
    return fail(ErrorCode::invalid_argument, "{}: {} bytes are not [{}, {}] of {}", info.name,
                info.data.size(), rows, columns, type.name);
  return ok();
}

/// The rows of a weight in runs of kStripRows; of a stack, the strips of one matrix after the
/// other.
class Strips {
 public:
  explicit Strips(const WeightInfo& info)
      : info_(info),
        matrix_rows_(info.weight.rows() / info.weight.experts),
        matrix_strips_((matrix_rows_ + kStripRows - 1) / kStripRows),
        row_bytes_(dtype_bytes(info.dtype, info.weight.inputs)) {}

  int64_t count() const { return info_.weight.experts * matrix_strips_; }
  int64_t of_matrix() const { return matrix_strips_; }
  int64_t bytes() const { return kStripRows * row_bytes_; }  // of a full one

  /// What the file has of strips [begin, end), begin < end.
  std::span<const std::byte> data(int64_t begin, int64_t end) const {
    const int64_t first = row(begin);
    const int64_t rows = row(end - 1) + rows_of(end - 1) - first;
    return info_.data.subspan(static_cast<size_t>(first * row_bytes_),
                              static_cast<size_t>(rows * row_bytes_));
  }

  bool surely_finite(int64_t strip) const {
    return troika::surely_finite(info_.dtype, data(strip, strip + 1).data(),
                                 rows_of(strip) * info_.weight.inputs);
  }

 private:
  int64_t row(int64_t strip) const {
    return strip / matrix_strips_ * matrix_rows_ + strip % matrix_strips_ * kStripRows;
  }
  int64_t rows_of(int64_t strip) const {
    return std::min<int64_t>(kStripRows, matrix_rows_ - strip % matrix_strips_ * kStripRows);
  }

  const WeightInfo& info_;
  int64_t matrix_rows_;
  int64_t matrix_strips_;
  int64_t row_bytes_;
};

/// Calls import_strip(i) for every strip, on all threads; each has been looked through before, so
/// that the file's bytes come from memory once.
template <typename ImportStrip>
Status import_strips(const WeightInfo& info, const ImportContext& context,
                     const ImportStrip& import_strip) {
  const Strips strips(info);
  const int64_t window = std::max<int64_t>(1, kWindowBytes / strips.bytes());
  std::atomic<bool> finite{true};
  const bool looks = context.options.must_be_finite;
  context.pool.for_ranges(strips.count(), kImportStrips, [&](int64_t begin, int64_t end) {
    for (int64_t first = begin; first < end; first += window) {
      const int64_t last = std::min(end, first + window);
      const std::span<const std::byte> part = strips.data(first, last);
      if (context.options.before) context.options.before(part);
      for (int64_t i = first; i < last; i++) {
        if (looks && !strips.surely_finite(i)) finite.store(false, std::memory_order_relaxed);
        import_strip(i);
      }
      if (context.options.after && std::ssize(part) >= kPartMin) context.options.after(part);
    }
  });
  if (finite) return ok();
  return check_finite(info.dtype, info.data.data(), info.weight.rows() * info.weight.inputs,
                      info.name);
}

Result<std::unique_ptr<ImportedWeight>> import_rows(const WeightInfo& info,
                                                    const ImportContext& context) {
  TROIKA_TRY(AlignedBytes bytes, context.memory.allocate(std::ssize(info.data)));
  const Strips strips(info);
  TROIKA_RETURN_IF_ERROR(import_strips(info, context, [&](int64_t strip) {
    const std::span<const std::byte> rows = strips.data(strip, strip + 1);
    std::memcpy(bytes.data() + (rows.data() - info.data.data()), rows.data(), rows.size());
  }));
  return std::make_unique<LookupRows>(std::move(bytes), info.dtype, info.weight.rows(),
                                      info.weight.inputs);
}

Result<std::unique_ptr<ImportedWeight>> import_vector(const WeightInfo& info,
                                                      const ImportContext& context) {
  const int64_t count = info.weight.rows() * info.weight.inputs;
  if (context.options.must_be_finite)
    TROIKA_RETURN_IF_ERROR(check_finite(info.dtype, info.data.data(), count, info.name));
  TROIKA_TRY(AlignedBytes bytes, context.memory.allocate(count * int64_t{sizeof(float)}));
  decode_row(info.dtype, info.data.data(), reinterpret_cast<float*>(bytes.data()), count);
  return std::make_unique<VectorWeight>(std::move(bytes), info.weight.rows(), info.weight.inputs);
}

Result<std::unique_ptr<ImportedWeight>> import_matrix(const WeightInfo& info,
                                                      const ImportContext& context) {
  TROIKA_TRY(std::unique_ptr<PackedMatrix> matrix, allocate_matrix(info, context.memory));
  TROIKA_RETURN_IF_ERROR(import_strips(
      info, context, [&](int64_t strip) { pack_strips(*matrix, info, strip, strip + 1); }));
  return std::unique_ptr<ImportedWeight>(std::move(matrix));
}

/// Each matrix of a stack as a weight of its own.
std::vector<WeightInfo> unstack(const WeightInfo& info) {
  const int64_t experts = info.weight.experts;
  const auto bytes = info.data.size() / static_cast<size_t>(experts);
  std::vector<WeightInfo> matrices(static_cast<size_t>(experts), info);
  for (size_t e = 0; e < matrices.size(); e++) {
    matrices[e].weight.experts = 1;
    matrices[e].data = info.data.subspan(e * bytes, bytes);
  }
  return matrices;
}

Result<std::unique_ptr<ImportedWeight>> import_experts(const WeightInfo& info,
                                                       const ImportContext& context) {
  const std::vector<WeightInfo> infos = unstack(info);
  std::vector<std::unique_ptr<PackedMatrix>> matrices;
  for (const WeightInfo& matrix : infos) {
    TROIKA_TRY(matrices.emplace_back(), allocate_matrix(matrix, context.memory));
  }
  const int64_t strips = Strips(info).of_matrix();
  TROIKA_RETURN_IF_ERROR(import_strips(info, context, [&](int64_t i) {
    const auto expert = static_cast<size_t>(i / strips);
    pack_strips(*matrices[expert], infos[expert], i % strips, i % strips + 1);
  }));
  return std::make_unique<PackedExperts>(std::move(matrices));
}

}  // namespace

void LookupRows::decode(int64_t row, float* out) const {
  decode_row(dtype_, bytes_.data() + row * dtype_bytes(dtype_, columns_), out, columns_);
}

bool imports(DType dtype, WeightUse use) {
  const DTypeInfo& type = dtype_info(dtype);
  if (use == WeightUse::vector) return type.decodes && type.block == 1;
  return import_of(dtype).has_value();  // lookups too: one list of types for all matrices
}

int64_t imported_bytes(const WeightInfo& info) {
  const int64_t rows = info.weight.rows();
  if (info.use == WeightUse::vector)
    return rows * info.weight.inputs * static_cast<int64_t>(sizeof(float));
  if (info.use == WeightUse::lookup || !imports(info.dtype, info.use))
    return dtype_bytes(info.dtype, rows * info.weight.inputs);
  return info.weight.experts *
         packed_bytes(info.dtype, rows / info.weight.experts, info.weight.inputs);
}

Result<std::unique_ptr<ImportedWeight>> import_weight(const WeightInfo& info,
                                                      const ImportContext& context) {
  if (!imports(info.dtype, info.use))
    return fail(ErrorCode::unsupported, "{}: type {} is not supported as a {} on {}", info.name,
                dtype_info(info.dtype).name,
                info.use == WeightUse::vector   ? "vector"
                : info.use == WeightUse::lookup ? "table of embeddings"
                                                : "matrix",
                context.device);
  TROIKA_RETURN_IF_ERROR(check_shape(info));
  if (info.use == WeightUse::lookup) return import_rows(info, context);
  if (info.use == WeightUse::vector) return import_vector(info, context);
  if (info.use == WeightUse::experts) return import_experts(info, context);
  return import_matrix(info, context);
}

}  // namespace troika::cpu
