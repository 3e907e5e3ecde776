// What a model declares about each of its weights, and what a device gets to import it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "core/dtype.h"
#include "graph/split.h"
#include "graph/tensor.h"

namespace troika {

/// How ops read a weight; a device chooses the layout by it.
enum class WeightUse : uint8_t {
  matmul,         // matrix [rows, inputs] of MatMul
  lookup,         // matrix of Embed
  matmul_lookup,  // both: a tied embedding
  experts,        // matrices [experts, rows, inputs] of ExpertMatMul and ExpertSum
  vector  // norms, biases, per-head constants; [rows, inputs] f32 read as it is (convolution taps
          // too)
};

/// How the members of a group share a weight; found by the sharding pass (graph/sharding.h), the
/// same whatever members there are.
struct Sharing {
  UnitLeaves rows = {};  // units of rows that go with each leaf; none: all members have all rows
  bool columns = false;  // members have the columns of their leaves of the split
  bool operator==(const Sharing&) const = default;
};

/// A weight of a model: a view of whole rows of a tensor in the file. The bytes live as long as the
/// file is open.
struct WeightInfo {
  std::string name;  // as in the file, for messages
  DType dtype = DType::f32;
  WeightUse use = WeightUse::matmul;
  Weight weight;                    // id and shape, as ops refer to it
  std::span<const std::byte> data;  // rows() whole rows, dense
  bool draft_head = false;          // used by the draft head alone
  Split split;                      // order of addition along the inputs, of matrices of products
  Sharing sharing = {};             // among members of a group
};

}  // namespace troika
