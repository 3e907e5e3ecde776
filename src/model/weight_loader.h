// Turns tensors of a file into the weight table of a model: finds them, checks shapes and types,
// and says in which order a matmul adds along its inputs. Collects everything that is missing or
// misshapen, so that one error names it all.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "gguf/file.h"
#include "graph/weight.h"

namespace troika {

/// What the output rows of a matrix are.
struct RowAxis {
  Axis axis = Axis::hidden;
  int64_t units = 1;
  int64_t width = 0;
  int64_t rows() const { return units * width; }
};

/// What the inputs (columns) of a matrix are, which decides the order of addition (graph/split.h).
struct InputAxis {
  enum class Kind { whole, contiguous, tiled_heads };
  Kind kind = Kind::whole;
  int64_t columns = 0;
  int64_t units = 1;      // contiguous: equal units; tiled_heads: value heads
  int64_t key_heads = 1;  // tiled_heads

  /// Inputs that every member of a group has in full.
  static InputAxis whole(int64_t columns) { return {Kind::whole, columns, 1, 1}; }
  /// Inputs produced in `units` equal units of neighbouring columns.
  static InputAxis contiguous(int64_t columns, int64_t units) {
    return {Kind::contiguous, columns, units, 1};
  }
  /// Value heads of `width` columns, head h belonging to key head h mod key_heads.
  static InputAxis tiled_heads(int64_t key_heads, int64_t value_heads, int64_t width) {
    return {Kind::tiled_heads, value_heads * width, value_heads, key_heads};
  }
  Split split(DType dtype) const;
};

/// Declares weights of one file. Names are those of the file, suffix included
/// ("blk.3.attn_q.weight").
class WeightLoader {
 public:
  explicit WeightLoader(const gguf::File& file) : file_(file) {}

  bool has(std::string_view name) const { return file_.find(name) != nullptr; }

  /// Weights declared from now on belong to the draft head alone (or no longer do).
  void set_draft_head(bool draft_head) { draft_head_ = draft_head; }

  /// A matrix [rows, inputs].
  Weight matrix(std::string_view name, RowAxis rows, const InputAxis& inputs);
  /// Rows [begin, begin + rows) of a matrix that has `rows_total`.
  Weight matrix_rows(std::string_view name, int64_t rows_total, int64_t begin, RowAxis rows,
                     const InputAxis& inputs);
  /// A stack of `experts` matrices [rows, inputs]; each adds along its inputs as a matrix would.
  Weight experts(std::string_view name, int64_t experts, RowAxis rows, const InputAxis& inputs);
  /// The embedding [vocab, hidden], read by row. Call tie() to multiply with it too.
  Weight embedding(std::string_view name, int64_t vocab, int64_t hidden);
  /// Lets `embedding` be read as a matrix as well and returns it as the output matrix [vocab,
  /// hidden].
  Weight tie(Weight embedding);
  /// A vector [rows]; read as f32.
  Weight vector(std::string_view name, RowAxis rows);
  /// The same, or an absent weight where the file has none.
  Weight optional_vector(std::string_view name, RowAxis rows);
  /// Rows [begin, begin + rows) of a small matrix [rows_total, columns] read as f32: convolution
  /// taps.
  Weight vector_rows(std::string_view name, int64_t rows_total, int64_t begin, RowAxis rows,
                     int64_t columns);

  /// The table, or one error naming up to five tensors that are missing, misshapen or of a type
  /// without decoder.
  Result<std::vector<WeightInfo>> finish();

 private:
  struct Wanted {
    std::string_view name;
    int64_t rows_total;  // of an expert
    int64_t begin;
    RowAxis rows;
    int64_t columns;
    WeightUse use;
    int64_t experts = 1;
  };
  Weight declare(const Wanted& wanted);
  void complain(Error error);

  const gguf::File& file_;
  bool draft_head_ = false;
  std::vector<WeightInfo> weights_;
  std::vector<Error> errors_;
};

}  // namespace troika
