// Proposes the next tokens of sequences. A wrong proposal costs time and never changes a token.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/result.h"
#include "engine/sequence.h"
#include "engine/speculation_options.h"

namespace troika {

/// What a drafter could do for one sequence in the coming step.
struct DraftOffer {
  DraftSource source = DraftSource::mtp;
  int64_t depth_max = 0;  // tokens that it could draft; 0: none
  int64_t catch_up = 0;   // rows that its first launch would bring beside the one that it drafts
                          // from
};

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
  SpecType type = SpecType::automatic;  // what the sequence's request wants
};

/// Thread: engine.
class Drafter {
 public:
  virtual ~Drafter() = default;

  virtual DraftClass draft_class() const = 0;

  /// What it could draft for a sequence that has chosen its last token (Sequence::answering).
  virtual DraftOffer offer(const Sequence& sequence, const SpeculationOptions& options) = 0;

  /// Drafts for all `requests` together, each no deeper than it was offered since the last step.
  virtual Status propose(std::span<DraftRequest> requests) = 0;

  /// Told after each step of the trunk, before the next one.
  virtual Status follow(std::span<const FollowedRows> rows) = 0;

  /// Told when a sequence ends: what was kept of its text goes.
  virtual void forget(const Sequence& sequence) = 0;

  /// Whether the draft head is kept up: what it has of a text is then part of what makes a page or
  /// a state whole.
  virtual bool uses_head() const { return false; }

  /// What it holds on the device by itself.
  virtual int64_t device_bytes() const { return 0; }

  /// Brings the head up to Sequence::computed, between two steps.
  virtual Status settle(Sequence& /*sequence*/) { return ok(); }
};

}  // namespace troika
