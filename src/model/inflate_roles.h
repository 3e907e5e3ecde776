// What each tensor of a family is to widening: along which axes it grows, and how precisely a file
// of a given type stores it. One row a tensor; a family is a list of rows.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/dtype.h"
#include "core/result.h"
#include "model/inflate_axes.h"

namespace troika {

/// How precisely a tensor is stored, from which a FileType makes a DType.
enum class Precision {
  base,    // most matrices
  more,    // values and down: some layers get more bits
  fused,   // q, k and v in one matrix
  output,  // output.weight, and the embedding where it is the output too
  small,   // small matrices on which much depends
  full     // vectors and taps, always f32
};

/// What inflating writes to: the usual mixes of types, by the names that llama.cpp gave them.
struct FileType {
  std::string_view name;  // "q4_k_m"
  uint32_t id;            // general.file_type
  DType base, more, fused, output, small;
};

/// The type named `name`, or nullptr.
const FileType* find_file_type(std::string_view name);

/// All names, "f32, f16 ...".
std::string file_type_names();

/// Place of a tensor among its like, which decides who gets more bits.
struct Place {
  int64_t index = 0, count = 1;
};

/// The type for a tensor with rows of `row` values; plainer where they are not whole blocks.
DType choose_dtype(const FileType& type, Precision precision, Place place, int64_t row);

/// How a tensor is made from that of the source.
struct TensorGrowth {
  IndexMap rows, columns;  // a vector is one row
  double factor = 1;
  Precision precision = Precision::base;
  bool writes_residual = false;  // zero in layers that were added
  bool is_vector = false;
};

/// The rule for the tensor that is called `suffix` within its block ("attn_q.weight"), or outside
/// of blocks. `tied`: the embedding is the output matrix, too.
/// Errors: unsupported — the family has no such tensor.
Result<TensorGrowth> grow_tensor(std::string_view architecture, std::string_view suffix,
                                 const Growth& growth, bool tied);

/// Whether the family can be widened.
bool can_grow(std::string_view architecture);

}  // namespace troika
