// Widens a model: a larger one that computes the same function, so that speed can be measured with
// the real texts, and the real acceptance of drafts, of a small model that ships. Plans only;
// whoever writes the file asks for its rows. Method and limits: docs/inflate.md.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/result.h"
#include "gguf/file.h"
#include "gguf/writer.h"
#include "model/inflate_roles.h"

namespace troika {

/// What the larger model shall be. Sizes that are not given follow from hidden: the feed-forward
/// is three times as wide, heads grow with it; none is smaller than in the source.
struct InflateOptions {
  std::optional<int64_t> layers;  // of the trunk; 24
  std::optional<int64_t> hidden;  // 2048
  std::optional<int64_t> ffn;
  std::optional<int64_t> heads, kv_heads;         // of attention
  std::optional<int64_t> key_heads, value_heads;  // of delta nets
  std::optional<int64_t> vocab;                   // 65536
  std::string type = "q4_k_m";                    // a FileType's name
  uint64_t seed = 1;                              // of the random weights
};

/// A planned file. Borrows the source, which must stay open.
class Inflation {
 public:
  /// Errors: unsupported — a family or tensor without a rule, experts; invalid_argument — a size
  /// smaller than the source's, or heads that do not fit together; those of make_model().
  static Result<Inflation> plan(const gguf::File& source, const InflateOptions& options);

  const gguf::PairList& pairs() const { return pairs_; }
  /// In the order of the file.
  std::span<const gguf::TensorHeader> tensors() const { return headers_; }
  const ModelShape& shape() const { return growth_.to; }
  int64_t parameters() const;

  /// Rows of tensor `index`: the product of its axes but the last, and their length.
  int64_t rows(size_t index) const;
  int64_t columns(size_t index) const;

  /// Encodes rows [begin, end) of tensor `index` to `target`. The same rows always come out the
  /// same, whoever asks in whatever order; threads may ask together.
  /// Errors: invalid_argument — a value of the source does not fit the type; names the tensor.
  Status encode_rows(size_t index, int64_t begin, int64_t end, std::byte* target) const;

 private:
  struct Tensor {
    const gguf::TensorInfo* source = nullptr;
    IndexMap rows, columns;  // no rows: one row; no columns: as in the source
    float factor = 1;
    float spread = 0;  // random values are of -spread … spread
  };
  explicit Inflation(Growth growth) : growth_(growth) {}
  Status add_tensors(const gguf::File& source);
  Status add_block(const gguf::File& source, int64_t block);
  void add_tensor(const gguf::TensorInfo& source, std::string name, TensorGrowth growth,
                  Place place);
  void fill_row(size_t index, int64_t row, std::span<float> decoded, std::span<float> values) const;

  std::string architecture_;
  const FileType* type_ = nullptr;
  uint64_t seed_ = 0;
  Growth growth_;
  std::vector<int64_t> sources_;  // of each block, its block in the source
  bool tied_ = false;
  gguf::PairList pairs_;
  std::vector<gguf::TensorHeader> headers_;
  std::vector<Tensor> tensors_;
};

}  // namespace troika
