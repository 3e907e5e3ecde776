// Layout: gguf/shard.cc. Data begins, and each tensor begins, at a multiple of the alignment; so
// does the end of the file.
#include "gguf/writer.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "core/check.h"
#include "core/printable.h"
#include "gguf/limits.h"
#include "gguf/utf8.h"

namespace troika::gguf {
namespace {

constexpr uint32_t kVersion = 3;

int64_t aligned(int64_t bytes, int64_t alignment) {
  return (bytes + alignment - 1) / alignment * alignment;
}

/// The packed fields before the data.
class Fields {
 public:
  template <typename T>
  void number(T value) {
    raw(std::as_bytes(std::span(&value, 1)));
  }
  void string(std::string_view text) {
    number<uint64_t>(text.size());
    raw(std::as_bytes(std::span(text)));
  }
  void raw(std::span<const std::byte> bytes) {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  }
  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

/// What holds for keys and for names of tensors.
Status check_name(std::string_view what, std::string_view name, uint64_t bytes_max,
                  std::set<std::string_view>& seen) {
  if (name.empty() || name.size() > bytes_max || name.find('\0') != name.npos || !is_utf8(name))
    return fail(ErrorCode::invalid_argument, "{} \"{}\": wanted 1 to {} bytes of UTF-8 without NUL",
                what, printable(name), bytes_max);
  if (!seen.insert(name).second)
    return fail(ErrorCode::invalid_argument, "{} \"{}\" occurs twice", what, printable(name));
  return ok();
}

Status check_pairs(std::span<const Value> values) {
  std::set<std::string_view> seen;
  if (values.size() > kKeysMax)
    return fail(ErrorCode::invalid_argument, "{} keys, wanted at most {}", values.size(), kKeysMax);
  for (const Value& value : values) {
    TROIKA_RETURN_IF_ERROR(check_name("key", value.key, kKeyNameBytesMax, seen));
    if (std::cmp_greater(value.count, kArrayElementsMax))
      return fail(ErrorCode::invalid_argument, "key \"{}\": {} elements, wanted at most {}",
                  printable(value.key), value.count, kArrayElementsMax);
    for (const std::string_view text : value.strings())
      if (text.size() > kStringBytesMax)
        return fail(ErrorCode::invalid_argument, "key \"{}\": a string of {} bytes, wanted {}",
                    printable(value.key), text.size(), kStringBytesMax);
  }
  return ok();
}

Status check_shape(const TensorHeader& tensor) {
  const DTypeInfo& info = dtype_info(tensor.dtype);
  if (tensor.shape.size() > kAxesMax)
    return fail(ErrorCode::invalid_argument, "tensor \"{}\": {} axes, wanted at most {}",
                tensor.name, tensor.shape.size(), kAxesMax);
  const int64_t row = tensor.shape.empty() ? 1 : tensor.shape.back();
  if (row % info.block != 0)
    return fail(ErrorCode::invalid_argument,
                "tensor \"{}\": rows of {} elements, wanted a multiple of {} for {}", tensor.name,
                row, info.block, info.name);
  int64_t elements_max = std::numeric_limits<int64_t>::max() / info.bytes;
  for (const int64_t extent : tensor.shape) {
    if (extent < 1 || extent > elements_max)
      return fail(ErrorCode::invalid_argument,
                  "tensor \"{}\": an axis of {}, wanted 1 or more, and less than 2^63 bytes in all",
                  tensor.name, extent);
    elements_max /= extent;
  }
  return ok();
}

Status check_tensors(std::span<const TensorHeader> tensors) {
  std::set<std::string_view> seen;
  if (tensors.size() > kTensorsMax)
    return fail(ErrorCode::invalid_argument, "{} tensors, wanted at most {}", tensors.size(),
                kTensorsMax);
  for (const TensorHeader& tensor : tensors) {
    TROIKA_RETURN_IF_ERROR(check_name("tensor", tensor.name, kTensorNameBytesMax, seen));
    TROIKA_RETURN_IF_ERROR(check_shape(tensor));
  }
  return ok();
}

Result<int64_t> alignment_of(std::span<const Value> values) {
  const auto at = std::ranges::find(values, "general.alignment", &Value::key);
  if (at == values.end()) return kAlignmentDefault;
  const std::optional<int64_t> alignment = at->is_array ? std::nullopt : at->integer_at(0);
  if (!alignment || !is_alignment(*alignment))
    return fail(ErrorCode::invalid_argument,
                "general.alignment is {}, wanted a power of two, {} to {}", value_text(*at),
                kAlignmentMin, kAlignmentMax);
  return *alignment;
}

void append_pair(Fields& fields, const Value& value) {
  fields.string(value.key);
  if (value.is_array) fields.number(static_cast<uint32_t>(ValueType::array));
  fields.number(static_cast<uint32_t>(value.type));
  if (value.is_array) fields.number(static_cast<uint64_t>(value.count));
  fields.raw(value.bytes);
}

void append_tensor(Fields& fields, const TensorHeader& tensor, int64_t offset) {
  fields.string(tensor.name);
  fields.number(static_cast<uint32_t>(tensor.shape.size()));
  for (size_t i = tensor.shape.size(); i-- > 0;)  // the file has the innermost axis first
    fields.number(static_cast<uint64_t>(tensor.shape[i]));
  fields.number(dtype_info(tensor.dtype).gguf_id);
  fields.number(static_cast<uint64_t>(offset));
}

}  // namespace

int64_t tensor_bytes(const TensorHeader& tensor) {
  int64_t elements = 1;
  for (const int64_t extent : tensor.shape) elements *= extent;
  return dtype_bytes(tensor.dtype, elements);
}

Result<Writer> Writer::begin(const PairList& pairs, std::vector<TensorHeader> tensors,
                             ByteSink sink) {
  const std::vector<Value> values = pairs.values();
  TROIKA_RETURN_IF_ERROR(check_pairs(values));
  TROIKA_RETURN_IF_ERROR(check_tensors(tensors));
  TROIKA_TRY(const int64_t alignment, alignment_of(values));
  Fields fields;
  fields.raw(std::as_bytes(std::span("GGUF", 4)));
  fields.number(kVersion);
  fields.number(static_cast<uint64_t>(tensors.size()));
  fields.number(static_cast<uint64_t>(values.size()));
  for (const Value& value : values) append_pair(fields, value);
  int64_t data_bytes = 0;
  for (const TensorHeader& tensor : tensors) {
    append_tensor(fields, tensor, data_bytes);
    const int64_t bytes = tensor_bytes(tensor);
    if (bytes > std::numeric_limits<int64_t>::max() / 2 - data_bytes)
      return fail(ErrorCode::invalid_argument, "tensors of more than 2^62 bytes in all");
    data_bytes += aligned(bytes, alignment);
  }
  Writer writer(std::move(tensors), alignment, std::move(sink));
  writer.bytes_total_ = aligned(std::ssize(fields.bytes()), alignment) + data_bytes;
  if (!writer.tensors_.empty()) writer.bytes_left_ = tensor_bytes(writer.tensors_[0]);
  TROIKA_RETURN_IF_ERROR(writer.emit(fields.bytes()));
  TROIKA_RETURN_IF_ERROR(writer.pad());
  return writer;
}

Status Writer::write(std::span<const std::byte> bytes) {
  TROIKA_CHECK(std::ssize(bytes) <= bytes_left_);
  TROIKA_RETURN_IF_ERROR(emit(bytes));
  bytes_left_ -= std::ssize(bytes);
  if (bytes_left_ > 0 || bytes.empty()) return ok();
  if (++tensor_ < tensors_.size()) bytes_left_ = tensor_bytes(tensors_[tensor_]);
  return pad();
}

Status Writer::finish() {
  TROIKA_CHECK(tensor_ == tensors_.size());
  TROIKA_CHECK(bytes_written_ == bytes_total_);
  return ok();
}

Status Writer::emit(std::span<const std::byte> bytes) {
  bytes_written_ += std::ssize(bytes);
  return sink_(bytes);
}

Status Writer::pad() {
  static constexpr std::array<std::byte, 4096> kZeros = {};
  int64_t left = aligned(bytes_written_, alignment_) - bytes_written_;
  while (left > 0) {
    const int64_t count = std::min(left, std::ssize(kZeros));
    TROIKA_RETURN_IF_ERROR(emit(std::span(kZeros).first(static_cast<size_t>(count))));
    left -= count;
  }
  return ok();
}

}  // namespace troika::gguf
