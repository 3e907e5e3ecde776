#include "model/inflate.h"

#include <algorithm>
#include <cmath>

#include "model/inflate_shape.h"
#include "quant/decode.h"
#include "quant/encode.h"

namespace troika {
namespace {

constexpr int64_t kRowsSampled = 64;  // to learn how large the values of a tensor are
constexpr float kRandomShare = 0.5f;  // random values beside real ones, as root mean squares

/// Mixes all bits of `x`. Source: splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom
/// number generators, 2014).
uint64_t mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
  x = (x ^ x >> 27) * 0x94d049bb133111eb;
  return x ^ x >> 31;
}

int64_t row_length(const gguf::TensorInfo& tensor) {
  return tensor.shape.empty() ? 1 : tensor.shape.back();
}

void decode_source_row(const gguf::TensorInfo& tensor, int64_t row, std::span<float> values) {
  const int64_t bytes = dtype_bytes(tensor.dtype, std::ssize(values));
  decode_row(tensor.dtype, tensor.data.data() + row * bytes, values.data(), std::ssize(values));
}

/// Of the first rows.
float root_mean_square(const gguf::TensorInfo& tensor) {
  const int64_t length = row_length(tensor);
  const int64_t rows = std::min(tensor.elements() / length, kRowsSampled);
  std::vector<float> values(static_cast<size_t>(length));
  double sum = 0;
  for (int64_t row = 0; row < rows; row++) {
    decode_source_row(tensor, row, values);
    for (const float x : values) sum += double{x} * x;
  }
  return static_cast<float>(std::sqrt(sum / static_cast<double>(rows * length)));
}

/// Whether every index that `growth` asks for is in `tensor`, which the family need not have looked
/// at: it may belong to a draft head that is not complete.
Status check_source(const gguf::TensorInfo& tensor, const TensorGrowth& growth) {
  if (!dtype_info(tensor.dtype).decodes)
    return fail(ErrorCode::unsupported, "tensor {} is of type {}, which is not decoded",
                tensor.name, dtype_info(tensor.dtype).name);
  if (growth.rows.empty() && growth.columns.empty()) return ok();  // taken as it is
  const int64_t columns = row_length(tensor);
  const int64_t rows = tensor.elements() / columns;
  const auto sources = [](const IndexMap& map, int64_t otherwise) {
    return map.empty() ? otherwise : int64_t{*std::ranges::max_element(map)} + 1;
  };
  const int64_t wanted_rows = sources(growth.rows, 1);
  const int64_t wanted_columns = sources(growth.columns, columns);
  if (tensor.shape.size() <= 2 && rows == wanted_rows && columns == wanted_columns) return ok();
  return fail(ErrorCode::corrupt, "tensor {} of {} axes has {} rows of {}, wanted {} of {}",
              tensor.name, tensor.shape.size(), rows, columns, wanted_rows, wanted_columns);
}

std::string block_prefix(int64_t block) {
  return fmt::format("blk.{}.", block);
}

}  // namespace

Result<Inflation> Inflation::plan(const gguf::File& source, const InflateOptions& options) {
  const FileType* type = find_file_type(options.type);
  if (type == nullptr)
    return fail(ErrorCode::invalid_argument, "type \"{}\", wanted one of {}", options.type,
                file_type_names());
  TROIKA_TRY(const SourceModel model, read_source(source));
  TROIKA_TRY(const ModelShape to, choose_shape(model, options));
  Inflation plan({model.shape, to});
  plan.architecture_ = model.architecture;
  plan.type_ = type;
  plan.seed_ = options.seed;
  plan.tied_ = source.find("output.weight") == nullptr;
  TROIKA_TRY(plan.sources_, choose_layers(model, to.layers));
  for (int64_t i = 0; i < model.draft_blocks; i++) plan.sources_.push_back(model.shape.layers + i);
  TROIKA_TRY(plan.pairs_, grow_pairs(source, model, to, type->id));
  TROIKA_RETURN_IF_ERROR(plan.add_tensors(source));
  return plan;
}

Status Inflation::add_tensors(const gguf::File& source) {
  for (const gguf::TensorInfo& tensor : source.tensors()) {
    if (tensor.name.starts_with("blk.")) continue;
    TROIKA_TRY(TensorGrowth growth, grow_tensor(architecture_, tensor.name, growth_, tied_));
    TROIKA_RETURN_IF_ERROR(check_source(tensor, growth));
    add_tensor(tensor, tensor.name, std::move(growth), {});
  }
  for (int64_t block = 0; block < std::ssize(sources_); block++)
    TROIKA_RETURN_IF_ERROR(add_block(source, block));
  return ok();
}

Status Inflation::add_block(const gguf::File& source, int64_t block) {
  const std::string from = block_prefix(sources_[static_cast<size_t>(block)]);
  const bool added = block >= growth_.from.layers && block < growth_.to.layers;
  for (const gguf::TensorInfo& tensor : source.tensors()) {
    if (!tensor.name.starts_with(from)) continue;
    const std::string suffix = tensor.name.substr(from.size());
    TROIKA_TRY(TensorGrowth growth, grow_tensor(architecture_, suffix, growth_, tied_));
    TROIKA_RETURN_IF_ERROR(check_source(tensor, growth));
    if (added && growth.writes_residual) std::ranges::fill(growth.rows, kZero);
    add_tensor(tensor, block_prefix(block) + suffix, std::move(growth),
               {.index = block, .count = std::ssize(sources_)});
  }
  return ok();
}

void Inflation::add_tensor(const gguf::TensorInfo& source, std::string name, TensorGrowth growth,
                           Place place) {
  std::vector<int64_t> shape = source.shape;
  if (!growth.rows.empty()) shape.front() = std::ssize(growth.rows);
  if (!growth.columns.empty()) shape.back() = std::ssize(growth.columns);
  const int64_t row = shape.empty() ? 1 : shape.back();
  headers_.push_back({std::move(name), choose_dtype(*type_, growth.precision, place, row), shape});
  tensors_.push_back({.source = &source,
                      .rows = std::move(growth.rows),
                      .columns = std::move(growth.columns),
                      .factor = static_cast<float>(growth.factor),
                      .spread = kRandomShare * std::sqrt(3.0f) * root_mean_square(source)});
}

int64_t Inflation::parameters() const {
  int64_t sum = 0;
  for (size_t i = 0; i < headers_.size(); i++) sum += rows(i) * columns(i);
  return sum;
}

int64_t Inflation::columns(size_t index) const {
  const std::vector<int64_t>& shape = headers_[index].shape;
  return shape.empty() ? 1 : shape.back();
}

int64_t Inflation::rows(size_t index) const {
  int64_t rows = 1;
  const std::vector<int64_t>& shape = headers_[index].shape;
  for (size_t i = 0; i + 1 < shape.size(); i++) rows *= shape[i];
  return rows;
}

void Inflation::fill_row(size_t index, int64_t row, std::span<float> decoded,
                         std::span<float> values) const {
  const Tensor& tensor = tensors_[index];
  const int32_t from =
      tensor.rows.empty() ? static_cast<int32_t>(row) : tensor.rows[static_cast<size_t>(row)];
  if (from == kZero) {
    std::ranges::fill(values, 0.0f);
    return;
  }
  if (from >= 0) decode_source_row(*tensor.source, from, decoded);
  const uint64_t key = mix(mix(seed_ + index) + static_cast<uint64_t>(row));
  for (size_t c = 0; c < values.size(); c++) {
    int32_t column = tensor.columns.empty() ? static_cast<int32_t>(c) : tensor.columns[c];
    if (from == kRandom) column = kRandom;
    if (column >= 0) {
      values[c] = decoded[static_cast<size_t>(column)] * tensor.factor;
    } else if (column == kZero) {
      values[c] = 0;
    } else {
      const auto bits = static_cast<float>(mix(key + c) >> 40);  // 24 bits, exact
      values[c] = (bits * 0x1p-23f - 1) * tensor.spread;
    }
  }
}

Status Inflation::encode_rows(size_t index, int64_t begin, int64_t end, std::byte* target) const {
  const DType dtype = headers_[index].dtype;
  std::vector<float> decoded(static_cast<size_t>(row_length(*tensors_[index].source)));
  std::vector<float> values(static_cast<size_t>(columns(index)));
  for (int64_t row = begin; row < end; row++, target += dtype_bytes(dtype, columns(index))) {
    fill_row(index, row, decoded, values);
    if (const Status status = encode_row(dtype, values, target); !status.ok())
      return fail(status.error().code(), "{}, row {}: {}", headers_[index].name, row,
                  status.error().message());
  }
  return ok();
}

}  // namespace troika
