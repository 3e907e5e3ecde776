// Weights in device memory, many side by side in a few large pieces of it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "device/device.h"
#include "device/vulkan/stream.h"

namespace troika::vulkan {

/// A part of a piece of memory, which lives as long as one of its parts.
struct Part {
  std::shared_ptr<const Memory> memory;
  int64_t offset = 0;

  Place place() const { return {memory->buffer(), offset}; }
  uint64_t address() const { return memory->address() + static_cast<uint64_t>(offset); }
};

/// Gives out parts. Pieces grow from a megabyte to 64, or to what is wanted at once. `stream` must
/// outlive them: a piece is given back when nothing uses it any more.
class PartAllocator {
 public:
  PartAllocator(const Gpu& gpu, Stream& stream) : gpu_(gpu), stream_(stream) {}
  /// `bytes` from a multiple of 256 on. Errors: exhausted.
  Result<Part> allocate(int64_t bytes);

 private:
  const Gpu& gpu_;
  Stream& stream_;
  std::shared_ptr<const Memory> piece_;
  int64_t used_ = 0;
  int64_t next_bytes_ = int64_t{1} << 20;
};

/// A matrix in strips (weight_words.h) with its order of addition, a stack of such, each in strips
/// of its own, or, of WeightUse::vector, [rows, inputs] float32 one after the other.
class VulkanWeight final : public ImportedWeight {
 public:
  VulkanWeight(const WeightInfo& info, Part numbers, Part chunks)
      : name(info.name),
        dtype(info.dtype),
        is_vector(info.use == WeightUse::vector),
        is_stack(info.use == WeightUse::experts),
        rows(info.weight.rows()),
        inputs(info.weight.inputs),
        leaves(std::ssize(info.split.leaves)),
        numbers_(std::move(numbers)),
        chunks_(std::move(chunks)) {}

  uint64_t address() const { return numbers_.address(); }
  uint64_t chunks_address() const { return chunks_.address(); }

  const std::string name;
  const DType dtype;
  const bool is_vector;
  const bool is_stack;
  const int64_t rows;
  const int64_t inputs;
  const int64_t leaves;

 private:
  Part numbers_;
  Part chunks_;
};

/// Whether weights of this type can be imported for this use.
bool imports(DType dtype, WeightUse use);

/// What an import works with; all borrowed for its time.
struct ImportContext {
  Stream& stream;
  PartAllocator& memory;
  const std::string& device;  // its name, for messages
  const ImportOptions& options;
};

/// Imports a weight, as Device::import_weight. Errors: unsupported — naming weight, type and
/// device; invalid_argument — bytes and shape do not fit; corrupt — a value is not finite;
/// exhausted.
Result<std::unique_ptr<ImportedWeight>> import_weight(const WeightInfo& info,
                                                      const ImportContext& context);

}  // namespace troika::vulkan
