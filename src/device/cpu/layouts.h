// The table of layouts: which file type goes where, how, and how it is read back.
#pragma once

#include <cstdint>
#include <optional>

#include "core/dtype.h"
#include "device/cpu/kernels/matmul.h"
#include "device/cpu/kernels/matmul_unpack.h"
#include "device/cpu/pack.h"

namespace troika::cpu {

struct LayoutInfo {
  int64_t columns;      // of a block
  int64_t head_bytes;   // of a block in the head of a strip
  int64_t block_bytes;  // 16 rows
  int64_t sub_block;    // columns that share a scale; 0 for floats
  bool has_mins;
  Activations activations;
  UnpackBlock unpack;  // null for floats
};

/// The row of `layout`.
const LayoutInfo& layout_info(Layout layout);

struct Import {
  Layout layout;
  PackBlocks pack;
};

/// How weights of `dtype` are imported, or nothing if they cannot be.
std::optional<Import> import_of(DType dtype);

/// Bytes of a block of `kind` for one token, and the columns it covers.
int64_t activation_block_bytes(Activations kind);
int64_t activation_block_columns(Activations kind);

}  // namespace troika::cpu
