// Proposes the next tokens of sequences. A wrong proposal costs time and never changes a token.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/result.h"
#include "engine/sequence.h"

namespace troika {

/// What one sequence wants drafted. `tokens` comes back with at most `depth` ids.
struct DraftRequest {
  Sequence* sequence = nullptr;
  int64_t depth = 0;
  std::vector<TokenId> tokens;
};

/// Rows of one sequence in the step of the trunk that just ran, and where their hidden states went.
struct FollowedRows {
  Sequence* sequence = nullptr;
  int64_t position = 0;   // of the first row
  int64_t rows = 0;       // that became final
  int64_t first_row = 0;  // in the step
  bool kept = false;  // all hidden rows are kept by position; else only the last one, the others
                      // are scratch
};

/// Thread: engine.
class Drafter {
 public:
  virtual ~Drafter() = default;

  /// Drafts for all `requests` together. Every sequence has chosen its last token
  /// (Sequence::answering).
  virtual Status propose(std::span<DraftRequest> requests) = 0;

  /// Rows that a draft for `sequence` would bring to its first launch beside the one that it drafts
  /// from.
  virtual int64_t catch_up(const Sequence& sequence) const = 0;

  /// Told after each step of the trunk, before the next one.
  virtual Status follow(std::span<const FollowedRows> rows) = 0;
};

}  // namespace troika
