// A GGUF file (version 2 or 3, little endian, whole or split into shards), mapped and checked
// before use: after open() every value and every tensor lies inside the file, and no two tensors
// share a byte. Source: the GGUF specification (ggml docs/gguf.md). The order of axes is turned
// round here and nowhere else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/dtype.h"
#include "core/mapped_file.h"
#include "core/result.h"
#include "gguf/metadata.h"

namespace troika::gguf {

/// One tensor. The type may be one that quant/ does not decode: ask dtype_info(dtype).decodes
/// before use.
struct TensorInfo {
  std::string name;
  DType dtype = DType::f32;
  std::vector<int64_t>
      shape;  // outermost first, each >= 1, ones as in the file; empty for a scalar
  std::span<const std::byte> data;  // row after row, each whole blocks of `dtype`; `bytes` long
  int64_t bytes = 0;

  /// Values in all, the product of the shape.
  int64_t elements() const;
};

/// An open model file. Movable; views into it (metadata, names, data) live as long as it does.
class File {
 public:
  /// Maps and checks the file at `path`; of a split file, the first shard and all others beside it.
  ///
  /// Errors: not_found — a file is missing; corrupt — it says something impossible; unsupported —
  /// version 1, big endian, or a tensor type we do not know; invalid_argument — not a regular file,
  /// or not the first shard.
  /// Cost: O(metadata); tensor data is not touched.
  static Result<File> open(const std::filesystem::path& path);

  /// The same for bytes in memory that outlive the File and hold a whole model. `name` opens every
  /// message.
  static Result<File> parse(std::span<const std::byte> bytes, std::string name);

  /// The pairs of the file (of the first shard).
  const Metadata& metadata() const { return metadata_; }

  /// All tensors: shard after shard, in file order.
  std::span<const TensorInfo> tensors() const { return tensors_; }

  /// The tensor named `name`, or nullptr. Cost: O(log tensors).
  const TensorInfo* find(std::string_view name) const;

  /// The path of the (first) file as it was given.
  const std::string& name() const { return name_; }

  /// Bytes of all shards.
  int64_t bytes() const { return bytes_; }

  /// Asks for `range`, part of a tensor's data, to be read into memory ahead of its use. A hint.
  void read_ahead(std::span<const std::byte> range) const;

  /// Brings `range`, part of a tensor's data, into memory at once. A hint.
  void touch(std::span<const std::byte> range) const;

  /// Says that `range`, part of a tensor's data, was read and its pages may leave memory. A hint.
  void drop(std::span<const std::byte> range) const;

 private:
  File() = default;
  Status index_tensors();
  const MappedFile* shard_of(std::span<const std::byte> range) const;

  std::string name_;
  int64_t bytes_ = 0;
  std::vector<MappedFile> shards_;  // empty after parse()
  Metadata metadata_;
  std::vector<TensorInfo> tensors_;
  std::vector<uint32_t> by_name_;  // indices into tensors_, sorted by name
};

}  // namespace troika::gguf
