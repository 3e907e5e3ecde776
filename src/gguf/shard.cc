// Layout:  magic "GGUF", u32 version, u64 tensors, u64 keys | pairs | tensor table | padding | data
// Counts are believed only as far as the bytes behind them go: nothing is reserved on a file's
// word.
#include "gguf/shard.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <optional>
#include <utility>

#include "gguf/cursor.h"
#include "gguf/limits.h"
#include "gguf/tensor_type.h"
#include "gguf/utf8.h"

namespace troika::gguf {
namespace {

constexpr uint64_t kKeyBytesMin = 8 + 1 + 4 + 1;         // length, a letter, type, a byte
constexpr uint64_t kTensorBytesMin = 8 + 1 + 4 + 4 + 8;  // length, a letter, axes, type, offset
constexpr int64_t kInt64Max = std::numeric_limits<int64_t>::max();

struct Counts {
  uint64_t tensors;
  uint64_t keys;
};

Status check_count(const Cursor& cursor, std::string_view of, uint64_t count, uint64_t count_max,
                   uint64_t bytes_each) {
  if (count > count_max)
    return cursor.error(ErrorCode::corrupt, "{} {} announced, want at most {}", count, of,
                        count_max);
  if (count > cursor.left() / bytes_each)
    return cursor.error(ErrorCode::corrupt, "{} {} announced, but only {} bytes follow", count, of,
                        cursor.left());
  return ok();
}

Status check_version(const Cursor& cursor, uint32_t version) {
  if (version == 2 || version == 3) return ok();
  if (version != 0 && (version & 0xffff) == 0)
    return cursor.error(ErrorCode::unsupported,
                        "version field 0x{:08x}: a big-endian file, want little endian", version);
  if (version == 1)
    return cursor.error(ErrorCode::unsupported,
                        "GGUF version 1 is not read, want version 2 or 3: convert the model again");
  return cursor.error(ErrorCode::unsupported, "GGUF version {}, want 2 or 3", version);
}

Result<Counts> read_header(Cursor& cursor) {
  cursor.enter("header");
  TROIKA_TRY(const std::span<const std::byte> raw, cursor.take(4, "the magic"));
  const std::string_view magic(reinterpret_cast<const char*>(raw.data()), raw.size());
  if (magic != "GGUF")
    return cursor.error(ErrorCode::corrupt, "not a GGUF file: starts with \"{}\", want \"GGUF\"",
                        printable(magic));
  TROIKA_TRY(const uint32_t version, cursor.number<uint32_t>("the version"));
  TROIKA_RETURN_IF_ERROR(check_version(cursor, version));
  TROIKA_TRY(const uint64_t tensors, cursor.number<uint64_t>("the number of tensors"));
  TROIKA_TRY(const uint64_t keys, cursor.number<uint64_t>("the number of keys"));
  TROIKA_RETURN_IF_ERROR(check_count(cursor, "keys", keys, kKeysMax, kKeyBytesMin));
  TROIKA_RETURN_IF_ERROR(check_count(cursor, "tensors", tensors, kTensorsMax, kTensorBytesMin));
  return Counts{.tensors = tensors, .keys = keys};
}

Result<ValueType> read_value_type(Cursor& cursor, std::string_view what) {
  TROIKA_TRY(const uint32_t id, cursor.number<uint32_t>(what));
  if (id >= kValueTypes)
    return cursor.error(ErrorCode::corrupt, "{} is {}, want 0 to {}", what, id, kValueTypes - 1);
  return static_cast<ValueType>(id);
}

// Moves over `count` elements of `type`; strings are walked, so that all their lengths are known to
// be sound.
Status skip_elements(Cursor& cursor, ValueType type, uint64_t count) {
  const bool strings = type == ValueType::string;
  const auto bytes_each = strings ? 8 : static_cast<uint64_t>(value_type_bytes(type));
  const std::string_view of = strings ? "strings" : "elements";
  TROIKA_RETURN_IF_ERROR(check_count(cursor, of, count, kArrayElementsMax, bytes_each));
  if (!strings) {
    TROIKA_RETURN_IF_ERROR(cursor.take(count * bytes_each, "the value"));
    return ok();
  }
  for (uint64_t i = 0; i < count; i++)
    TROIKA_RETURN_IF_ERROR(cursor.string(kStringBytesMax, "a string"));
  return ok();
}

Result<Value> read_value(Cursor& cursor, std::span<const std::byte> file) {
  Value value;
  TROIKA_TRY(value.type, read_value_type(cursor, "the value type"));
  uint64_t count = 1;
  if (value.type == ValueType::array) {
    value.is_array = true;
    TROIKA_TRY(value.type, read_value_type(cursor, "the element type"));
    if (value.type == ValueType::array)
      return cursor.error(ErrorCode::unsupported, "an array of arrays, want an array of scalars");
    TROIKA_TRY(count, cursor.number<uint64_t>("the number of elements"));
  }
  const uint64_t begin = cursor.position();
  TROIKA_RETURN_IF_ERROR(skip_elements(cursor, value.type, count));
  value.count = static_cast<int64_t>(count);
  value.bytes = file.subspan(begin, cursor.position() - begin);
  return value;
}

Status check_key(const Cursor& cursor, std::string_view key) {
  if (key.empty()) return cursor.error(ErrorCode::corrupt, "the key is empty");
  if (key.find('\0') != key.npos)
    return cursor.error(ErrorCode::corrupt, "the key holds a NUL byte");
  if (!is_utf8(key)) return cursor.error(ErrorCode::corrupt, "the key is not UTF-8");
  return ok();
}

Result<std::vector<Value>> read_values(Cursor& cursor, std::span<const std::byte> file,
                                       uint64_t count) {
  std::vector<Value> values;
  values.reserve(count);
  for (uint64_t i = 0; i < count; i++) {
    cursor.enter("key", static_cast<int64_t>(i));
    TROIKA_TRY(const std::string_view key, cursor.string(kKeyNameBytesMax, "the key"));
    cursor.enter("key", static_cast<int64_t>(i), key);
    TROIKA_RETURN_IF_ERROR(check_key(cursor, key));
    TROIKA_TRY(Value value, read_value(cursor, file));
    value.key = key;
    values.push_back(value);
  }
  return values;
}

Result<int64_t> read_alignment(const Metadata& metadata, const std::string& name) {
  TROIKA_TRY(const int64_t alignment, metadata.integer_or("general.alignment", kAlignmentDefault));
  if (!is_alignment(alignment))
    return fail(ErrorCode::corrupt, "{}: general.alignment is {}, want a power of two, {} to {}",
                name, alignment, kAlignmentMin, kAlignmentMax);
  return alignment;
}

// A row of the tensor table before its data is looked for.
struct TableRow {
  TensorInfo tensor;
  uint64_t offset = 0;  // from the start of the data section
};

// The axes as the file has them, innermost first, turned round. Fails where elements or bytes leave
// int64_t.
Result<std::vector<int64_t>> read_shape(Cursor& cursor) {
  TROIKA_TRY(const uint32_t axes, cursor.number<uint32_t>("the number of dimensions"));
  if (axes > kAxesMax)
    return cursor.error(ErrorCode::corrupt, "{} dimensions, want 0 to {}", axes, kAxesMax);
  std::vector<int64_t> shape(axes);
  int64_t elements = 1;
  for (uint32_t i = 0; i < axes; i++) {
    TROIKA_TRY(const int64_t extent, cursor.number<int64_t>("a dimension"));
    if (extent < 1)
      return cursor.error(ErrorCode::corrupt, "dimension {} is {}, want at least 1", i, extent);
    if (extent > kInt64Max / elements)
      return cursor.error(ErrorCode::corrupt, "the dimensions multiply to more than 2^63 elements");
    elements *= extent;
    shape[axes - 1 - i] = extent;
  }
  return shape;
}

Status read_type(Cursor& cursor, TensorInfo& tensor) {
  TROIKA_TRY(const uint32_t id, cursor.number<uint32_t>("the tensor type"));
  const std::optional<DType> dtype = dtype_from_gguf(id);
  if (!dtype)
    return cursor.error(ErrorCode::unsupported, "tensor type {}: {}", id, explain_type(id));
  tensor.dtype = *dtype;
  const DTypeInfo& info = dtype_info(*dtype);
  const int64_t row = tensor.shape.empty() ? 1 : tensor.shape.back();
  if (row % info.block != 0)
    return cursor.error(ErrorCode::corrupt, "rows of {} elements, want a multiple of {} for {}",
                        row, info.block, info.name);
  const int64_t blocks = tensor.elements() / info.block;
  if (blocks > kInt64Max / info.bytes)
    return cursor.error(ErrorCode::corrupt, "{} blocks of {} are more than 2^63 bytes", blocks,
                        info.name);
  tensor.bytes = blocks * info.bytes;
  return ok();
}

Result<TableRow> read_row(Cursor& cursor, int64_t index, uint64_t alignment) {
  cursor.enter("tensor", index);
  TROIKA_TRY(const std::string_view name, cursor.string(kTensorNameBytesMax, "the name"));
  cursor.enter("tensor", index, name);
  if (name.empty()) return cursor.error(ErrorCode::corrupt, "the name is empty");
  if (name.find('\0') != name.npos)
    return cursor.error(ErrorCode::corrupt, "the name holds a NUL byte");
  TableRow row;
  row.tensor.name = name;
  TROIKA_TRY(row.tensor.shape, read_shape(cursor));
  TROIKA_RETURN_IF_ERROR(read_type(cursor, row.tensor));
  TROIKA_TRY(row.offset, cursor.number<uint64_t>("the offset"));
  if (row.offset % alignment != 0)
    return cursor.error(ErrorCode::corrupt, "offset {}, want a multiple of {}", row.offset,
                        alignment);
  return row;
}

// Gives each row its bytes of the data section `data`.
Status place(std::vector<TableRow>& rows, std::span<const std::byte> data, Cursor& cursor) {
  for (size_t i = 0; i < rows.size(); i++) {
    TensorInfo& tensor = rows[i].tensor;
    const auto bytes = static_cast<uint64_t>(tensor.bytes);
    if (rows[i].offset > data.size() || bytes > data.size() - rows[i].offset) {
      cursor.enter("tensor", static_cast<int64_t>(i), tensor.name);
      return cursor.error(ErrorCode::corrupt,
                          "{} bytes at offset {}, but the data section has {}: cut off?", bytes,
                          rows[i].offset, data.size());
    }
    tensor.data = data.subspan(rows[i].offset, bytes);
  }
  return ok();
}

// Gaps and any order are legal; a byte that belongs to two tensors is not.
Status check_overlap(const std::vector<TableRow>& rows, const std::string& name) {
  std::vector<uint32_t> order(rows.size());
  std::iota(order.begin(), order.end(), 0u);
  std::ranges::sort(order, {}, [&rows](uint32_t i) { return rows[i].offset; });
  for (size_t i = 1; i < order.size(); i++) {
    const TableRow& before = rows[order[i - 1]];
    const TableRow& after = rows[order[i]];
    if (after.offset - before.offset < before.tensor.data.size())
      return fail(ErrorCode::corrupt,
                  "{}: tensors \"{}\" (offset {}, {} bytes) and \"{}\" (offset {}) overlap", name,
                  printable(before.tensor.name), before.offset, before.tensor.bytes,
                  printable(after.tensor.name), after.offset);
  }
  return ok();
}

Result<std::vector<TensorInfo>> read_tensors(Cursor& cursor, std::span<const std::byte> file,
                                             uint64_t count, uint64_t alignment,
                                             const std::string& name) {
  std::vector<TableRow> rows;
  rows.reserve(count);
  for (uint64_t i = 0; i < count; i++) {
    TROIKA_TRY(TableRow row, read_row(cursor, static_cast<int64_t>(i), alignment));
    rows.push_back(std::move(row));
  }
  const uint64_t padding = (alignment - cursor.position() % alignment) % alignment;
  if (count > 0) {
    cursor.enter("data section");
    TROIKA_RETURN_IF_ERROR(cursor.take(padding, "the padding"));
  }
  TROIKA_RETURN_IF_ERROR(place(rows, file.subspan(cursor.position()), cursor));
  TROIKA_RETURN_IF_ERROR(check_overlap(rows, name));
  std::vector<TensorInfo> tensors;
  tensors.reserve(rows.size());
  for (TableRow& row : rows) tensors.push_back(std::move(row.tensor));
  return tensors;
}

}  // namespace

Result<Shard> parse_shard(std::span<const std::byte> bytes, const std::string& name) {
  Cursor cursor(bytes, name);
  TROIKA_TRY(const Counts counts, read_header(cursor));
  TROIKA_TRY(std::vector<Value> values, read_values(cursor, bytes, counts.keys));
  Shard shard;
  TROIKA_TRY(shard.metadata, Metadata::make(std::move(values), name));
  TROIKA_TRY(const int64_t alignment, read_alignment(shard.metadata, name));
  TROIKA_TRY(shard.tensors,
             read_tensors(cursor, bytes, counts.tensors, static_cast<uint64_t>(alignment), name));
  return shard;
}

}  // namespace troika::gguf
