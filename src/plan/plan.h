// What a model will take and how fast it will be on some members, before it is loaded; and which
// split suits them. docs/planner.md.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/result.h"
#include "device/device.h"
#include "engine/engine.h"
#include "graph/shares.h"
#include "model/model.h"
#include "plan/member_memory.h"
#include "plan/step_time.h"

namespace troika {

/// What is asked of a model.
struct PlanRequest {
  EngineOptions engine;  // the context, users (sequences_max), the chunk, drafts, the KV type
  int64_t depth = 512;   // tokens of the prompt, and behind them is answered
};

/// Who would compute. Borrows the devices, which are but asked what things take there.
struct PlanMembers {
  std::vector<std::string> names;
  std::vector<const Device*> devices;
  std::vector<MemberSpeed> speeds;
  LinkSpeed link;
  int64_t available_bytes = 0;  // of the memory that all of them draw on
};

/// Tokens a second, and the time that they come from.
struct Rate {
  double tokens_per_s = 0;
  StepTime time;
};

/// With a draft head: without any draft accepted, and with all of `depth` of each step.
struct DraftRange {
  double low_tokens_per_s = 0;
  double high_tokens_per_s = 0;
  int64_t depth = 0;
};

struct Prediction {
  Shares shares;
  std::vector<MemberMemory> memory;
  Rate prompt;                       // of request.depth tokens, chunk by chunk
  Rate one_user;                     // a token behind them
  Rate all_users;                    // a token of each user at once
  std::optional<DraftRange> drafts;  // of one user; where the model has a head and drafts may be
};

/// Predicts. `shares` is by member; one: a device alone. Errors: those of shard().
Result<Prediction> predict(const Model& model, const PlanRequest& request,
                           const PlanMembers& members, const Shares& shares);

/// The shares by which one user's answer comes soonest of those that fit the memory, among: equal
/// ones, those by speed, and what the best of them becomes where leaves move from one member to
/// another. Errors: exhausted — of equal shares, where none fits; those of shard().
Result<Shares> recommend_split(const Model& model, const PlanRequest& request,
                               const PlanMembers& members);

/// How many of `shares` have a leaf: beyond kLeavesMax members nobody gets faster.
int64_t members_at_work(const Shares& shares);

/// A link between any two of `members` over which a message takes `latency_s`, as an exchange of
/// all of them: they meet in as many rounds as doubling takes.
LinkSpeed exchange_over(double latency_s, double bytes_per_s, int64_t members);

}  // namespace troika
