#include "plan/plan.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "runtime/split.h"

namespace troika {
namespace {

class Predictor {
 public:
  Predictor(const Model& model, const PlanRequest& request, const PlanMembers& members,
            const Shares& shares)
      : model_(model), request_(request), members_(members), shares_(shares) {}

  Result<Rate> prompt() const {
    Rate rate;
    const int64_t chunk = request_.engine.chunk_tokens;
    for (int64_t at = 0; at < request_.depth; at += chunk) {
      const int64_t rows = std::min(chunk, request_.depth - at);
      const int64_t outputs = at + rows == request_.depth ? 1 : 0;
      // Half of its own rows are before a row on the average.
      TROIKA_TRY(const StepTime time,
                 step(model_.trunk, {.rows = rows, .outputs = outputs, .context = at - rows / 2}));
      rate.time += time;
    }
    rate.tokens_per_s = per_second(request_.depth, rate.time.total_s());
    return rate;
  }

  Result<Rate> users(int64_t count) const {
    Rate rate;
    TROIKA_TRY(
        rate.time,
        step(model_.trunk,
             {.rows = count, .outputs = count, .sequences = count, .context = request_.depth}));
    rate.tokens_per_s = per_second(count, rate.time.total_s());
    return rate;
  }

  Result<std::optional<DraftRange>> drafts(const Rate& one_user) const {
    if (!model_.draft || request_.engine.draft_tokens_max == 0) return std::optional<DraftRange>();
    TROIKA_TRY(const StepTime draft,
               step(*model_.draft, {.rows = 1, .outputs = 1, .context = request_.depth}));
    DraftRange range{.low_tokens_per_s = one_user.tokens_per_s,
                     .high_tokens_per_s = one_user.tokens_per_s};
    for (int64_t depth = 1; depth <= request_.engine.draft_tokens_max; depth++) {
      TROIKA_TRY(
          const StepTime trunk,
          step(model_.trunk, {.rows = depth + 1, .outputs = depth + 1, .context = request_.depth}));
      const double seconds = trunk.total_s() + static_cast<double>(depth) * draft.total_s();
      const double rate = per_second(depth + 1, seconds);
      if (rate <= range.high_tokens_per_s) continue;
      range.high_tokens_per_s = rate;
      range.depth = depth;
    }
    return std::optional<DraftRange>(range);
  }

 private:
  static double per_second(int64_t tokens, double seconds) {
    return seconds > 0 ? static_cast<double>(tokens) / seconds : 0;
  }

  Result<StepTime> step(const Graph& graph, StepShape shape) const {
    shape.kv_dtype = request_.engine.kv_dtype;
    TROIKA_TRY(const std::vector<MemberStep> steps,
               member_steps(graph, model_.weights, model_.states, shares_, shape));
    return time_of_step(steps, members_.speeds, members_.link);
  }

  const Model& model_;
  const PlanRequest& request_;
  const PlanMembers& members_;
  const Shares& shares_;
};

/// The seconds of one user's token, where it all fits.
Result<double> score(const Model& model, const PlanRequest& request, const PlanMembers& members,
                     const Shares& shares) {
  TROIKA_TRY(const auto memory, member_memory(model, request.engine, shares, members.devices));
  TROIKA_RETURN_IF_ERROR(check_fit(memory, members.names, members.available_bytes));
  TROIKA_TRY(const Rate rate, Predictor(model, request, members, shares).users(1));
  return rate.time.total_s();
}

/// `shares` in leaves, of which there are kLeavesMax.
Shares in_leaves(const Shares& shares) {
  Shares leaves;
  for (size_t m = 0; m < shares.size(); m++) {
    const LeafRange range = leaves_of(kLeavesMax, shares, static_cast<int64_t>(m));
    leaves.push_back(range.end - range.begin);
  }
  return leaves;
}

/// The best that one leaf makes of `shares` by moving, if that is better than `seconds`.
Status move_a_leaf(const Model& model, const PlanRequest& request, const PlanMembers& members,
                   Shares& shares, double& seconds) {
  const Shares from = in_leaves(shares);
  for (size_t giver = 0; giver < from.size(); giver++)
    for (size_t taker = 0; taker < from.size(); taker++) {
      if (giver == taker || from[giver] == 0) continue;
      Shares moved = from;
      moved[giver]--;
      moved[taker]++;
      const Result<double> its = score(model, request, members, moved);
      if (!its.ok() && its.error().code() != ErrorCode::exhausted) return its.error();
      if (!its.ok() || *its >= seconds) continue;
      seconds = *its;
      shares = std::move(moved);
    }
  return ok();
}

}  // namespace

Result<Prediction> predict(const Model& model, const PlanRequest& request,
                           const PlanMembers& members, const Shares& shares) {
  TROIKA_RETURN_IF_ERROR(check_shares(shares));
  const Predictor predictor(model, request, members, shares);
  Prediction prediction{.shares = shares};
  TROIKA_TRY(prediction.memory, member_memory(model, request.engine, shares, members.devices));
  TROIKA_TRY(prediction.prompt, predictor.prompt());
  TROIKA_TRY(prediction.one_user, predictor.users(1));
  TROIKA_TRY(prediction.all_users, predictor.users(request.engine.sequences_max));
  TROIKA_TRY(prediction.drafts, predictor.drafts(prediction.one_user));
  return prediction;
}

Result<Shares> recommend_split(const Model& model, const PlanRequest& request,
                               const PlanMembers& members) {
  const Shares equal(members.devices.size(), 1);
  if (equal.size() == 1) return equal;
  std::vector<double> speeds;
  for (const MemberSpeed& speed : members.speeds) speeds.push_back(speed.bytes_per_s);
  Shares best;
  double seconds = 0;
  for (const Shares& shares : {equal, split_by_speed(speeds)}) {
    const Result<double> its = score(model, request, members, shares);
    if (!its.ok() && its.error().code() != ErrorCode::exhausted) return its.error();
    if (!its.ok() || (!best.empty() && *its >= seconds)) continue;
    best = shares;
    seconds = *its;
  }
  if (best.empty()) return score(model, request, members, equal).error();
  // Each move is the best of all; more than a few in a row do not happen.
  constexpr int kMovesMax = 4;
  constexpr size_t kMembersMoved = 8;
  for (int move = 0; move < kMovesMax && equal.size() <= kMembersMoved; move++) {
    const double before = seconds;
    TROIKA_RETURN_IF_ERROR(move_a_leaf(model, request, members, best, seconds));
    if (seconds >= before) break;
  }
  return best;
}

int64_t members_at_work(const Shares& shares) {
  return std::ranges::count_if(in_leaves(shares), [](int64_t leaves) { return leaves > 0; });
}

LinkSpeed exchange_over(double latency_s, double bytes_per_s, int64_t members) {
  const auto rounds = static_cast<double>(std::bit_width(static_cast<uint64_t>(members - 1)));
  return {.latency_s = members > 1 ? rounds * latency_s : 0, .bytes_per_s = bytes_per_s};
}

}  // namespace troika
