#include "device/cpu/weights.h"

#include <cstring>

#include "device/cpu/layouts.h"
#include "quant/decode.h"

namespace troika::cpu {
namespace {

constexpr int64_t kImportStrips = 4;  // that a thread packs at a time

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

Result<std::unique_ptr<ImportedWeight>> import_rows(const WeightInfo& info) {
  TROIKA_TRY(AlignedBytes bytes, AlignedBytes::allocate(std::ssize(info.data)));
  std::memcpy(bytes.data(), info.data.data(), info.data.size());
  return std::make_unique<LookupRows>(std::move(bytes), info.dtype, info.weight.rows(),
                                      info.weight.inputs);
}

Result<std::unique_ptr<ImportedWeight>> import_vector(const WeightInfo& info) {
  const int64_t count = info.weight.rows() * info.weight.inputs;
  TROIKA_TRY(AlignedBytes bytes, AlignedBytes::allocate(count * int64_t{sizeof(float)}));
  decode_row(info.dtype, info.data.data(), reinterpret_cast<float*>(bytes.data()), count);
  return std::make_unique<VectorWeight>(std::move(bytes), info.weight.rows(), info.weight.inputs);
}

Result<std::unique_ptr<ImportedWeight>> import_matrix(const WeightInfo& info, ThreadPool& pool) {
  TROIKA_TRY(std::unique_ptr<PackedMatrix> matrix, allocate_matrix(info));
  pool.for_ranges(matrix->strips(), kImportStrips,
                  [&](int64_t begin, int64_t end) { pack_strips(*matrix, info, begin, end); });
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

Result<std::unique_ptr<ImportedWeight>> import_experts(const WeightInfo& info, ThreadPool& pool) {
  const std::vector<WeightInfo> infos = unstack(info);
  std::vector<std::unique_ptr<PackedMatrix>> matrices;
  for (const WeightInfo& matrix : infos) {
    TROIKA_TRY(matrices.emplace_back(), allocate_matrix(matrix));
  }
  const int64_t strips = matrices[0]->strips();
  pool.for_ranges(std::ssize(matrices) * strips, kImportStrips, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      const auto expert = static_cast<size_t>(i / strips);
      pack_strips(*matrices[expert], infos[expert], i % strips, i % strips + 1);
    }
  });
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

Result<std::unique_ptr<ImportedWeight>> import_weight(const WeightInfo& info, ThreadPool& pool,
                                                      const std::string& device) {
  if (!imports(info.dtype, info.use))
    return fail(ErrorCode::unsupported, "{}: type {} is not supported as a {} on {}", info.name,
                dtype_info(info.dtype).name,
                info.use == WeightUse::vector   ? "vector"
                : info.use == WeightUse::lookup ? "table of embeddings"
                                                : "matrix",
                device);
  TROIKA_RETURN_IF_ERROR(check_shape(info));
  if (info.use == WeightUse::lookup) return import_rows(info);
  if (info.use == WeightUse::vector) return import_vector(info);
  if (info.use == WeightUse::experts) return import_experts(info, pool);
  return import_matrix(info, pool);
}

}  // namespace troika::cpu
