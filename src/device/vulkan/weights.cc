#include "device/vulkan/weights.h"

#include <algorithm>
#include <vector>

#include "device/vulkan/weight_words.h"
#include "quant/decode.h"

namespace troika::vulkan {
namespace {

constexpr int64_t kPieceBytesMax = int64_t{64} << 20;
constexpr int64_t kPartAlignment = 256;
constexpr int64_t kWindowBytes = int64_t{4} << 20;  // of the file that are packed at a time
constexpr int64_t kInputsMax = int64_t{1} << 25;    // that a chunk can name

Status check_shape(const WeightInfo& info) {
  const DTypeInfo& type = dtype_info(info.dtype);
  const int64_t rows = info.weight.rows();
  const int64_t columns = info.weight.inputs;
  if (rows < 1 || info.weight.experts < 1 || columns < 1 || columns > kInputsMax ||
      columns % type.block != 0 ||
      dtype_bytes(info.dtype, columns) != std::ssize(info.data) / rows ||
      std::ssize(info.data) % rows != 0)
    return fail(ErrorCode::invalid_argument, "{}: {} bytes are not [{}, {}] of {}", info.name,
                info.data.size(), rows, columns, type.name);
  return ok();
}

/// The numbers of `values` in a part of their own.
template <typename T>
Result<Part> upload(const std::vector<T>& values, const ImportContext& context) {
  const auto bytes = std::as_bytes(std::span(values));
  TROIKA_TRY(Part part, context.memory.allocate(std::ssize(bytes)));
  TROIKA_TRY([[maybe_unused]] const uint64_t call, context.stream.write(part.place(), bytes));
  return part;
}

Result<std::unique_ptr<ImportedWeight>> import_vector(const WeightInfo& info,
                                                      const ImportContext& context) {
  const int64_t count = info.weight.rows() * info.weight.inputs;
  if (context.options.must_be_finite)
    TROIKA_RETURN_IF_ERROR(check_finite(info.dtype, info.data.data(), count, info.name));
  std::vector<float> values(static_cast<size_t>(count));
  decode_row(info.dtype, info.data.data(), values.data(), count);
  TROIKA_TRY(Part numbers, upload(values, context));
  return std::make_unique<VulkanWeight>(info, std::move(numbers), Part{});
}

/// A matrix, or one of a stack.
struct Rows {
  std::span<const std::byte> data;
  int64_t count = 0;
};

int64_t strips_of(int64_t rows) {
  return (rows + kStripRows - 1) / kStripRows;
}

/// Packs the strips of a matrix and sends them to `to`, a window of the file at a time.
Status import_strips(const WeightInfo& info, const Rows& matrix, const ImportContext& context,
                     Place to) {
  const int64_t inputs = info.weight.inputs;
  const int64_t row_bytes = dtype_bytes(info.dtype, inputs);
  const int64_t strip_words = kStripRows * row_words(info.dtype, inputs);
  const int64_t window =
      kStripRows * std::max<int64_t>(1, kWindowBytes / (kStripRows * row_bytes));  // rows
  std::vector<uint32_t> words;
  for (int64_t first = 0; first < matrix.count; first += window) {
    const int64_t count = std::min(window, matrix.count - first);
    const std::span<const std::byte> part = matrix.data.subspan(
        static_cast<size_t>(first * row_bytes), static_cast<size_t>(count * row_bytes));
    if (context.options.before) context.options.before(part);
    if (context.options.must_be_finite && !surely_finite(info.dtype, part.data(), count * inputs))
      TROIKA_RETURN_IF_ERROR(
          check_finite(info.dtype, info.data.data(), info.weight.rows() * inputs, info.name));
    const int64_t strips = strips_of(count);
    words.resize(static_cast<size_t>(strips * strip_words));
    for (int64_t strip = 0; strip < strips; strip++)
      weave_strip(info.dtype, part.data() + strip * kStripRows * row_bytes,
                  std::min(kStripRows, count - strip * kStripRows), inputs,
                  words.data() + strip * strip_words);
    TROIKA_TRY([[maybe_unused]] const uint64_t call,
               context.stream.write(to, std::as_bytes(std::span(words))));
    to.offset += strips * strip_words * 4;
    if (context.options.after) context.options.after(part);
  }
  return ok();
}

Result<std::unique_ptr<ImportedWeight>> import_matrices(const WeightInfo& info,
                                                        const ImportContext& context) {
  const int64_t experts = info.weight.experts;
  const int64_t rows = info.weight.rows() / experts;
  const int64_t matrix_bytes =
      strips_of(rows) * kStripRows * row_words(info.dtype, info.weight.inputs) * 4;
  TROIKA_TRY(Part numbers, context.memory.allocate(experts * matrix_bytes));
  const size_t file_bytes = info.data.size() / static_cast<size_t>(experts);
  for (int64_t expert = 0; expert < experts; expert++) {
    const Rows matrix{info.data.subspan(static_cast<size_t>(expert) * file_bytes, file_bytes),
                      rows};
    Place to = numbers.place();
    to.offset += expert * matrix_bytes;
    TROIKA_RETURN_IF_ERROR(import_strips(info, matrix, context, to));
  }
  Part chunks;
  if (info.use != WeightUse::lookup) {
    TROIKA_TRY(chunks, upload(chunk_list(info.split), context));
  }
  return std::make_unique<VulkanWeight>(info, std::move(numbers), std::move(chunks));
}

}  // namespace

Result<Part> PartAllocator::allocate(int64_t bytes) {
  const int64_t begin = (used_ + kPartAlignment - 1) / kPartAlignment * kPartAlignment;
  if (piece_ != nullptr && bytes <= piece_->bytes() - begin) {
    used_ = begin + bytes;
    return Part{piece_, begin};
  }
  TROIKA_TRY(Memory memory, gpu_.allocate(std::max(bytes, next_bytes_), MemoryKind::device));
  next_bytes_ = std::min(2 * next_bytes_, kPieceBytesMax);
  const auto give_back = [&stream = stream_](const Memory* piece) {
    static_cast<void>(stream.finish().ok());
    delete piece;
  };
  piece_ = std::shared_ptr<const Memory>(new Memory(std::move(memory)), give_back);
  used_ = bytes;
  return Part{piece_, 0};
}

bool imports(DType dtype, WeightUse use) {
  if (use == WeightUse::vector) return dtype_info(dtype).decodes && dtype_info(dtype).block == 1;
  return matrix_type(dtype).has_value();
}

Result<std::unique_ptr<ImportedWeight>> import_weight(const WeightInfo& info,
                                                      const ImportContext& context) {
  if (!imports(info.dtype, info.use))
    return fail(ErrorCode::unsupported, "{}: type {} is not supported as a {} on {}", info.name,
                dtype_info(info.dtype).name, info.use == WeightUse::vector ? "vector" : "matrix",
                context.device);
  TROIKA_RETURN_IF_ERROR(check_shape(info));
  return info.use == WeightUse::vector ? import_vector(info, context)
                                       : import_matrices(info, context);
}

}  // namespace troika::vulkan
