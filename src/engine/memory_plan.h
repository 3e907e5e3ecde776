// How much memory a model takes, before any of it is allocated: the sums that `troika inspect`
// prints and that loading checks against the device.
#pragma once

#include <cstdint>
#include <span>

#include "graph/state.h"
#include "graph/weight.h"

namespace troika {

/// Bytes, split into trunk and draft head.
struct MemoryShare {
  int64_t trunk = 0;
  int64_t draft_head = 0;
  int64_t total() const { return trunk + draft_head; }
};

struct MemoryPlan {
  MemoryShare weights;
  MemoryShare kv;             // keys and values of all sequences
  int64_t recurrent = 0;      // states of all sequences, without their logs
  int64_t log = 0;            // replay logs of all sequences
  int64_t log_per_token = 0;  // of one sequence, for one unverified token
  int64_t hidden = 0;         // rows that link trunk and head
  int64_t checkpoints = 0;    // states that the prefix cache keeps
  int64_t draft_model = 0;    // all that a second model takes which drafts
  int64_t spill = 0;          // host memory for texts that are set aside
  int64_t total() const {
    return weights.total() + kv.total() + recurrent + log + hidden + checkpoints + draft_model +
           spill;
  }
  /// What the draft head adds to weights and KV, as a share of the trunk's.
  double draft_head_share() const;
};

struct MemoryNeed {
  int64_t pages = 0;
  int64_t sequences = 0;
  int64_t hidden_rows = 0;  // without those of checkpoints
  int64_t checkpoints = 0;
  int64_t spill_bytes = 0;
  StateOptions options;
};

/// Sums up weights and states. Weight bytes are those of the file.
MemoryPlan plan_memory(std::span<const WeightInfo> weights, std::span<const StateInfo> states,
                       const MemoryNeed& need);

}  // namespace troika
