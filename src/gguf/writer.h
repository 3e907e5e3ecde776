// Writes a GGUF file (version 3, little endian): first what it holds, then the tensors' data as a
// stream, so that a model larger than memory can be written. Nothing is written that File would not
// read. Source: the GGUF specification (ggml docs/gguf.md).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "core/dtype.h"
#include "core/result.h"
#include "gguf/pair_list.h"

namespace troika::gguf {

/// Takes the next bytes of a file; whoever opened it decides where they go and when it is complete.
using ByteSink = std::function<Status(std::span<const std::byte> bytes)>;

/// A tensor that is to be written.
struct TensorHeader {
  std::string name;
  DType dtype = DType::f32;
  std::vector<int64_t> shape;  // outermost first; empty for a scalar
};

/// Bytes of the data of `tensor`, whose rows must be whole blocks.
int64_t tensor_bytes(const TensorHeader& tensor);

class Writer {
 public:
  /// Writes everything before the data. The key general.alignment decides the alignment.
  ///
  /// Errors: invalid_argument — a key, a name, a shape or an alignment that no file may have, or
  /// one that occurs twice; the message names it. Those of `sink`.
  static Result<Writer> begin(const PairList& pairs, std::vector<TensorHeader> tensors,
                              ByteSink sink);

  /// Appends to the data of the tensors, in their order. A portion ends with its tensor at the
  /// latest.
  Status write(std::span<const std::byte> bytes);

  /// Ends the file after the last byte of the last tensor.
  Status finish();

  /// Bytes of the whole file, known from the beginning.
  int64_t bytes_total() const { return bytes_total_; }
  int64_t bytes_written() const { return bytes_written_; }

 private:
  Writer(std::vector<TensorHeader> tensors, int64_t alignment, ByteSink sink)
      : tensors_(std::move(tensors)), alignment_(alignment), sink_(std::move(sink)) {}
  Status emit(std::span<const std::byte> bytes);
  Status pad();

  std::vector<TensorHeader> tensors_;
  int64_t alignment_;
  ByteSink sink_;
  size_t tensor_ = 0;       // the one that is being written
  int64_t bytes_left_ = 0;  // of it
  int64_t bytes_written_ = 0;
  int64_t bytes_total_ = 0;
};

}  // namespace troika::gguf
