#include "model/weight_loader.h"

#include <algorithm>

namespace troika {
namespace {

/// Ranges of float formats end on multiples of this, so that a model has one split in f16 and in
/// q8_0.
constexpr int64_t kColumnsMin = 32;

constexpr size_t kErrorsTold = 5;

/// `shape` without the axes of length 1 before the first that counts.
std::span<const int64_t> trimmed(std::span<const int64_t> shape) {
  while (!shape.empty() && shape.front() == 1) shape = shape.subspan(1);
  return shape;
}

std::string shape_text(const std::vector<int64_t>& shape) {
  std::string text;
  for (const int64_t length : shape) text += fmt::format("{}{}", text.empty() ? "" : ", ", length);
  return "[" + text + "]";
}

std::string supported_types() {
  std::string text;
  for (const DTypeInfo& info : dtypes())
    if (info.decodes) text += fmt::format("{}{}", text.empty() ? "" : ", ", info.name);
  return text;
}

}  // namespace

Split InputAxis::split(DType dtype) const {
  const int64_t block = std::max(dtype_info(dtype).block, kColumnsMin);
  switch (kind) {
    case Kind::contiguous:
      return split_contiguous(columns, units, block);
    case Kind::tiled_heads:
      return split_tiled_heads(key_heads, units, columns / units, block);
    case Kind::whole:
      break;
  }
  return split_whole(columns);
}

void WeightLoader::complain(Error error) {
  errors_.push_back(std::move(error));
}

Weight WeightLoader::declare(const Wanted& wanted) {
  const Weight weight{static_cast<int32_t>(weights_.size()),
                      wanted.rows.axis,
                      wanted.rows.units,
                      wanted.rows.width,
                      wanted.columns,
                      wanted.experts};
  WeightInfo info{std::string(wanted.name), DType::f32, wanted.use, weight, {}, draft_head_, {}};
  const gguf::TensorInfo* tensor = file_.find(wanted.name);
  std::vector<int64_t> shape = {wanted.rows_total, wanted.columns};
  if (wanted.use == WeightUse::vector && wanted.columns == 1) shape = {wanted.rows_total};
  if (wanted.experts > 1) shape.insert(shape.begin(), wanted.experts);
  if (tensor == nullptr) {
    complain(fail(ErrorCode::not_found, "tensor {} is missing", wanted.name));
  } else if (!std::ranges::equal(trimmed(tensor->shape), trimmed(shape))) {
    complain(fail(ErrorCode::corrupt, "tensor {} is {}, wanted {}", wanted.name,
                  shape_text(tensor->shape), shape_text(shape)));
  } else if (!dtype_info(tensor->dtype).decodes) {
    complain(fail(ErrorCode::unsupported, "tensor {} is of type {}, supported are {}", wanted.name,
                  dtype_info(tensor->dtype).name, supported_types()));
  } else {
    info.dtype = tensor->dtype;
    const int64_t row_bytes = tensor->bytes / (wanted.experts * wanted.rows_total);
    info.data = tensor->data.subspan(static_cast<size_t>(wanted.begin * row_bytes),
                                     static_cast<size_t>(weight.rows() * row_bytes));
  }
  weights_.push_back(std::move(info));
  return weight;
}

Weight WeightLoader::matrix(std::string_view name, RowAxis rows, const InputAxis& inputs) {
  return matrix_rows(name, rows.rows(), 0, rows, inputs);
}

Weight WeightLoader::matrix_rows(std::string_view name, int64_t rows_total, int64_t begin,
                                 RowAxis rows, const InputAxis& inputs) {
  const Weight weight = declare({name, rows_total, begin, rows, inputs.columns, WeightUse::matmul});
  weights_.back().split = inputs.split(weights_.back().dtype);
  return weight;
}

Weight WeightLoader::experts(std::string_view name, int64_t experts, RowAxis rows,
                             const InputAxis& inputs) {
  const Weight weight =
      declare({name, rows.rows(), 0, rows, inputs.columns, WeightUse::experts, experts});
  weights_.back().split = inputs.split(weights_.back().dtype);
  return weight;
}

Weight WeightLoader::embedding(std::string_view name, int64_t vocab, int64_t hidden) {
  return declare({name, vocab, 0, {Axis::vocab, vocab, 1}, hidden, WeightUse::lookup});
}

Weight WeightLoader::tie(Weight embedding) {
  WeightInfo& info = weights_[static_cast<size_t>(embedding.id)];
  info.use = WeightUse::matmul_lookup;
  info.split = split_whole(embedding.inputs);
  return embedding;
}

Weight WeightLoader::vector(std::string_view name, RowAxis rows) {
  return vector_rows(name, rows.rows(), 0, rows, 1);
}

Weight WeightLoader::optional_vector(std::string_view name, RowAxis rows) {
  return has(name) ? vector(name, rows) : Weight{};
}

Weight WeightLoader::vector_rows(std::string_view name, int64_t rows_total, int64_t begin,
                                 RowAxis rows, int64_t columns) {
  const gguf::TensorInfo* tensor = file_.find(name);
  if (tensor != nullptr && dtype_info(tensor->dtype).block != 1)
    complain(fail(ErrorCode::unsupported, "tensor {} is of type {}, wanted f32, f16 or bf16", name,
                  dtype_info(tensor->dtype).name));
  return declare({name, rows_total, begin, rows, columns, WeightUse::vector});
}

Result<std::vector<WeightInfo>> WeightLoader::finish() {
  if (errors_.empty()) return std::move(weights_);
  std::string text = errors_[0].message();
  for (size_t i = 1; i < std::min(errors_.size(), kErrorsTold); i++)
    text += "; " + errors_[i].message();
  if (errors_.size() > kErrorsTold)
    text += fmt::format("; and {} more", errors_.size() - kErrorsTold);
  return fail(errors_[0].code(), "{}: {}", file_.name(), text);
}

}  // namespace troika
