// Data types of tensors: name, block length, block bytes. The table is core/dtype_list.h.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "core/dtype_list.h"

namespace troika {

enum class DType : uint8_t {
#define TROIKA_ROW(name, id, block, bytes, decodes, encodes) name,
  TROIKA_DTYPES(TROIKA_ROW)
#undef TROIKA_ROW
};

struct DTypeInfo {
  std::string_view name;  // "q4_k"
  uint32_t gguf_id;       // the type id in a GGUF tensor table
  int64_t block;          // elements of a block; rows are whole blocks
  int64_t bytes;          // bytes of a block
  bool decodes;           // quant/ can decode it
  bool encodes;           // quant/ can encode it
};

/// All types, indexed by DType.
std::span<const DTypeInfo> dtypes();

/// The row of `dtype`.
const DTypeInfo& dtype_info(DType dtype);

/// The type with GGUF id `id`, or nothing for an unknown or removed id.
std::optional<DType> dtype_from_gguf(uint32_t id);

/// Bytes of `elements` values; `elements` must be a multiple of the block length.
int64_t dtype_bytes(DType dtype, int64_t elements);

}  // namespace troika
