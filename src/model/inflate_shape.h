// Sizes of a model before and after it is widened.
#pragma once

#include <vector>

#include "core/result.h"
#include "gguf/file.h"
#include "gguf/pair_list.h"
#include "model/inflate.h"

namespace troika {

/// A model's blocks as its file counts them: the trunk's layers, then draft heads.
struct SourceModel {
  std::string architecture;
  ModelShape shape;
  int64_t draft_blocks = 0;
  int64_t rope_dims = 0;
  std::vector<bool> recurrent;  // of each layer of the trunk; empty for a family without such
  int64_t interval = 0;         // of full attention in the trunk; 0 for a family without such
};

/// Reads and checks `file` with its family. Errors: see Inflation::plan().
Result<SourceModel> read_source(const gguf::File& file);

/// The target's shape. Errors: see Inflation::plan().
Result<ModelShape> choose_shape(const SourceModel& source, const InflateOptions& options);

/// For each layer of the target, which layer of the source it is, or takes its added weights from:
/// one of the same kind. Errors: invalid_argument — the source has none of a kind that is needed.
Result<std::vector<int64_t>> choose_layers(const SourceModel& source, int64_t layers);

/// The target's metadata: that of the source with new sizes, and unused tokens for the rows that
/// the vocabulary gained.
Result<gguf::PairList> grow_pairs(const gguf::File& file, const SourceModel& source,
                                  const ModelShape& to, uint32_t file_type);

}  // namespace troika
