#include "engine/depth_planner.h"

#include <algorithm>

namespace troika {
namespace {

/// Drafts must promise this much more speed than none, for the share of the step that drafts, and a
/// probe this much more than the best: less is noise.
constexpr double kDraftGain = 0.02;
constexpr double kProbeGain = 0.02;

/// The second search ends when nobody wants a change, or after so many rounds.
constexpr int kRoundsMax = 3;
constexpr double kImprovement = 1 + 1e-9;  // more than sums of floats err

/// Limits of launches that the first search tries; the second one finds what lies between.
constexpr int64_t kLaunchLimits[] = {0, 1, 2, 4, 8, 16};

/// Drafts are ranked by the tokens that they add, roughly: in steps of so many.
constexpr double kRankStep = 1.0 / 1024;
constexpr auto kRanks = static_cast<int32_t>(1 / kRankStep);

/// An n-gram is preferred to what launches if its first draft is so likely beside the other's.
constexpr double kFreeShare = 0.9;

DraftRows& rows_of(StepPlan& plan, DraftClass drafts) {
  return drafts == DraftClass::mtp ? plan.draft_rows : plan.model_rows;
}

const DraftRows& rows_of(const StepPlan& plan, DraftClass drafts) {
  return drafts == DraftClass::mtp ? plan.draft_rows : plan.model_rows;
}

int64_t depth_limit(const DepthCandidate& candidate, const DraftOffer& offer) {
  return std::clamp<int64_t>(std::min(candidate.room, offer.depth_max), 0,
                             candidate.options.depth_max);
}

/// The place of an offer among those of a request that fixes its depth; the least goes first.
int forced_rank(const DraftOffer& offer) {
  switch (offer.source) {
    case DraftSource::ngram_long:
    case DraftSource::ngram_medium:
      return 0;
    case DraftSource::mtp:
      return 1;
    case DraftSource::model:
      return 2;
    case DraftSource::ngram_short:
      return 3;
  }
  return 3;
}

}  // namespace

CostEstimate DepthPlanner::cost(const Totals& totals) const {
  const CostEstimate& trunk =
      curves_.trunk[static_cast<size_t>(totals.plan.rows - curves_.trunk_first)];
  return {trunk.ms + totals.drafting.ms, trunk.low_ms + totals.drafting.low_ms};
}

double DepthPlanner::ms(const Totals& totals) const {
  return curves_.trunk[static_cast<size_t>(totals.plan.rows - curves_.trunk_first)].ms +
         totals.drafting.ms;
}

/// What the launch of draft number `depth` costs more with this offer in it.
CostEstimate DepthPlanner::launch_change(const Offer& offer, int64_t depth) const {
  if (!offer.launches) return {};
  const DraftClass drafts = class_of(offer.offer.source);
  const auto& curve = drafts == DraftClass::mtp ? curves_.head : curves_.model;
  const auto rows =
      static_cast<size_t>(rows_of(totals_.plan, drafts)[static_cast<size_t>(depth - 1)]);
  const size_t more = rows + 1 + (depth == 1 ? static_cast<size_t>(offer.offer.catch_up) : 0);
  return {curve[more].ms - curve[rows].ms, curve[more].low_ms - curve[rows].low_ms};
}

void DepthPlanner::add_drafts(const Offer& offer, int64_t from, int64_t to) {
  totals_.plan.rows += to - from;
  totals_.tokens += offer.tokens[to] - offer.tokens[from];
  if (!offer.launches) return;
  DraftRows& rows = rows_of(totals_.plan, class_of(offer.offer.source));
  for (int64_t depth = from + 1; depth <= to; depth++) {
    const CostEstimate change = launch_change(offer, depth);
    totals_.drafting.ms += change.ms;
    totals_.drafting.low_ms += change.low_ms;
    rows[static_cast<size_t>(depth - 1)] += 1 + (depth == 1 ? offer.offer.catch_up : 0);
  }
}

void DepthPlanner::remove_drafts(const Offer& offer, int64_t depth) {
  totals_.plan.rows -= depth;
  totals_.tokens -= offer.tokens[depth] - offer.tokens[0];
  if (!offer.launches) return;
  DraftRows& rows = rows_of(totals_.plan, class_of(offer.offer.source));
  for (int64_t d = 1; d <= depth; d++) {
    rows[static_cast<size_t>(d - 1)] -= 1 + (d == 1 ? offer.offer.catch_up : 0);
    const CostEstimate change = launch_change(offer, d);
    totals_.drafting.ms -= change.ms;
    totals_.drafting.low_ms -= change.low_ms;
  }
}

void DepthPlanner::put(const Member& member) {
  if (member.offer >= 0) add_drafts(offer(member.offer), 0, member.depth);
}

void DepthPlanner::take_off(const Member& member) {
  if (member.offer >= 0) remove_drafts(offer(member.offer), member.depth);
}

void DepthPlanner::take_forced(const DepthCandidate& candidate, DepthChoice& choice) {
  const DraftOffer* best = nullptr;
  for (const DraftOffer& offer : candidate.offers) {
    if (!allows(candidate.options.type, class_of(offer.source))) continue;
    if (depth_limit(candidate, offer) == 0) continue;
    if (best == nullptr || forced_rank(offer) < forced_rank(*best)) best = &offer;
  }
  if (best == nullptr) return;
  choice.source = best->source;
  choice.depth = choice.best = depth_limit(candidate, *best);
  choice.catch_up = best->catch_up;
  double kept = 1;
  for (int64_t i = 0; candidate.state != nullptr && i < choice.depth; i++)
    choice.tokens += kept *= candidate.state->acceptance(i, best->source);
}

void DepthPlanner::take_member(const DepthCandidate& candidate, size_t index) {
  Member member{.candidate = index, .first_offer = std::ssize(offers_)};
  for (const DraftOffer& given : candidate.offers) {
    Offer taken{.offer = given,
                .depth_max = depth_limit(candidate, given),
                .launches = class_of(given.source) != DraftClass::ngram};
    if (taken.depth_max == 0) continue;
    double kept = 1;
    taken.tokens[0] = 1;
    for (int64_t depth = 1; depth <= taken.depth_max; depth++) {
      taken.tokens[depth] =
          taken.tokens[depth - 1] + (kept *= candidate.state->acceptance(depth - 1, given.source));
      const double added = std::clamp(taken.tokens[depth] - taken.tokens[depth - 1], 0.0, 1.0);
      taken.ranks[depth] = static_cast<uint16_t>((1 - added) * (kRanks - 1));
    }
    offers_.push_back(taken);
  }
  member.end_offer = std::ssize(offers_);
  if (member.end_offer > member.first_offer) members_.push_back(member);
}

void DepthPlanner::take_candidates(const DepthInput& input) {
  members_.clear();
  offers_.clear();
  choices_.assign(input.candidates.size(), {});
  base_ = {.plan = input.others, .tokens = input.others_tokens};
  for (size_t i = 0; i < input.candidates.size(); i++) {
    const DepthCandidate& candidate = input.candidates[i];
    DepthChoice& choice = choices_[i];
    if (candidate.options.type != SpecType::automatic)
      take_forced(candidate, choice);
    else if (input.costs->known())  // of a step without drafts: everything is compared with it
      take_member(candidate, i);
    base_.plan.add(choice.depth, choice.catch_up, class_of(choice.source));
    base_.tokens += choice.tokens;
  }
}

/// Prices everything that this step could be.
void DepthPlanner::fill_curves(const CostModel& costs) {
  int64_t rows = 1;
  int64_t head = base_.plan.draft_rows[0] + 1;
  int64_t model = base_.plan.model_rows[0] + 1;
  for (const Member& member : members_) {
    int64_t deepest = 0;
    for (int64_t i = member.first_offer; i < member.end_offer; i++) {
      const Offer& o = offer(i);
      deepest = std::max(deepest, o.depth_max);
      if (o.offer.source == DraftSource::mtp) head += 1 + o.offer.catch_up;
      if (o.offer.source == DraftSource::model) model += 1 + o.offer.catch_up;
    }
    rows += deepest;
  }
  curves_.trunk_first = base_.plan.rows;
  curves_.trunk.resize(static_cast<size_t>(rows));
  curves_.head.resize(static_cast<size_t>(head));
  curves_.model.resize(static_cast<size_t>(model));
  costs.fill(curves_);
  for (const auto& [launches, curve] : {std::pair(&base_.plan.draft_rows, &curves_.head),
                                        std::pair(&base_.plan.model_rows, &curves_.model)})
    for (const int64_t launch : *launches) {
      base_.drafting.ms += (*curve)[static_cast<size_t>(launch)].ms;
      base_.drafting.low_ms += (*curve)[static_cast<size_t>(launch)].low_ms;
    }
}

int64_t DepthPlanner::ranked_offer(const Member& member, Ranked whose) const {
  int64_t free = -1;
  int64_t launched = -1;
  for (int64_t i = member.first_offer; i < member.end_offer; i++) {
    int64_t& best = offer(i).launches ? launched : free;
    if (best < 0 || offer(i).tokens[1] > offer(best).tokens[1]) best = i;
  }
  if (whose == Ranked::free) return free;
  if (whose == Ranked::launched || free < 0) return launched;
  if (launched < 0) return free;
  const bool likely = offer(free).tokens[1] - 1 >= kFreeShare * (offer(launched).tokens[1] - 1);
  return likely ? free : launched;
}

/// The drafts of a sequence never add more than the ones before them, so they stay in order.
void DepthPlanner::rank_drafts(Ranked whose) {
  bucket_ends_.assign(kRanks, 0);
  for (Member& member : members_) {
    member.ranked_offer = ranked_offer(member, whose);
    if (member.ranked_offer < 0) continue;
    const Offer& o = offer(member.ranked_offer);
    for (int64_t depth = 1; depth <= o.depth_max; depth++) bucket_ends_[o.ranks[depth]]++;
  }
  int32_t sum = 0;
  for (int32_t& end : bucket_ends_) {
    const int32_t count = end;
    end = sum;
    sum += count;
  }
  ranked_.resize(static_cast<size_t>(sum));
  for (size_t m = 0; m < members_.size(); m++) {
    if (members_[m].ranked_offer < 0) continue;
    const Offer& o = offer(members_[m].ranked_offer);
    const bool of_head = o.launches && class_of(o.offer.source) == DraftClass::mtp;
    for (int64_t depth = 1; depth <= o.depth_max; depth++)
      ranked_[static_cast<size_t>(bucket_ends_[o.ranks[depth]]++)] = {
          .member = static_cast<uint32_t>(m),
          .depth = static_cast<int16_t>(depth),
          .launches = o.launches,
          .of_head = of_head,
          .tokens = o.tokens[depth] - o.tokens[depth - 1],
          .launch_rows = 1 + (depth == 1 ? o.offer.catch_up : 0)};
  }
}

/// Prices every length of the list without drafts beyond launch `limit`. Returns the length that is
/// faster than best_speed_, which it becomes; 0: none is. Sums are added up as add_drafts() does.
size_t DepthPlanner::best_length(int64_t limit) {
  DraftRows head = base_.plan.draft_rows;
  DraftRows model = base_.plan.model_rows;
  const CostEstimate* trunk = &curves_.trunk[0];  // base_.plan.rows is curves_.trunk_first
  double tokens = base_.tokens;
  double drafting_ms = base_.drafting.ms;
  size_t best = 0;
  for (size_t i = 0; i < ranked_.size(); i++) {
    const Draft& draft = ranked_[i];
    if (draft.launches && draft.depth > limit) continue;
    // All that are left add no more each, and take at least as long as now.
    const auto left = static_cast<double>(ranked_.size() - i);
    if (tokens + (draft.tokens + kRankStep) * left < best_speed_ * (trunk->ms + drafting_ms)) break;
    trunk++;
    tokens += draft.tokens;
    if (draft.launches) {
      int64_t& rows = (draft.of_head ? head : model)[static_cast<size_t>(draft.depth - 1)];
      const CostEstimate* curve = (draft.of_head ? curves_.head : curves_.model).data() + rows;
      drafting_ms += curve[draft.launch_rows].ms - curve->ms;
      rows += draft.launch_rows;
    }
    const double ms = trunk->ms + drafting_ms;
    if (tokens <= best_speed_ * ms) continue;
    best_speed_ = tokens / ms;
    best = i + 1;
  }
  return best;
}

void DepthPlanner::search_ranked(Ranked whose) {
  rank_drafts(whose);
  int64_t launches = 0;
  for (const Draft& draft : ranked_)
    if (draft.launches) launches = std::max<int64_t>(launches, draft.depth);
  size_t best_count = 0;
  int64_t best_limit = 0;
  int64_t limit_before = -1;
  for (int64_t limit : kLaunchLimits) {
    limit = std::min(limit, launches);
    if (limit == limit_before) break;
    limit_before = limit;
    const size_t count = best_length(limit);
    if (count == 0) continue;
    best_count = count;
    best_limit = limit;
  }
  if (best_count == 0) return;
  for (Member& member : members_) member.offer = -1, member.depth = 0;
  for (const Draft& draft : std::span(ranked_).first(best_count)) {
    if (draft.launches && draft.depth > best_limit) continue;
    Member& member = members_[draft.member];
    member.offer = member.ranked_offer;
    member.depth = draft.depth;
  }
}

/// Gives `member` what is best beside what the others have. Whether that changed anything.
bool DepthPlanner::improve(Member& member) {
  const int64_t offer_before = member.offer;
  const int64_t depth_before = member.depth;
  double best = speed(totals_) * kImprovement;
  take_off(member);
  if (faster(totals_, best)) {
    best = speed(totals_) * kImprovement;
    member.offer = -1;
    member.depth = 0;
  }
  for (int64_t i = member.first_offer; i < member.end_offer; i++) {
    const Offer& o = offer(i);
    const CostEstimate* trunk = curves_.trunk.data() + (totals_.plan.rows - curves_.trunk_first);
    double tokens = totals_.tokens;
    double drafting_ms = totals_.drafting.ms;
    for (int64_t depth = 1; depth <= o.depth_max; depth++) {
      tokens += o.tokens[depth] - o.tokens[depth - 1];
      drafting_ms += launch_change(o, depth).ms;
      const double ms = trunk[depth].ms + drafting_ms;
      if (tokens <= best * ms) continue;
      best = tokens / ms * kImprovement;
      member.offer = i;
      member.depth = depth;
    }
  }
  put(member);
  return member.offer != offer_before || member.depth != depth_before;
}

void DepthPlanner::search_one_by_one() {
  totals_ = base_;
  for (const Member& member : members_) put(member);
  size_t unchanged = 0;  // members in a row
  for (int round = 0; round < kRoundsMax; round++)
    for (Member& member : members_) {
      unchanged = improve(member) ? 0 : unchanged + 1;
      if (unchanged == members_.size()) return;
    }
}

void DepthPlanner::turn_down_noise() {
  const auto drafting =
      std::ranges::count_if(members_, [](const Member& m) { return m.depth > 0; });
  const double share = static_cast<double>(drafting) / static_cast<double>(members_.size());
  if (speed(totals_) > speed(base_) * (1 + kDraftGain * share)) return;
  for (Member& member : members_) member.offer = -1, member.depth = 0;
  totals_ = base_;
}

void DepthPlanner::tell() {
  const double ms_a_token = 1 / speed(totals_);
  for (const Member& member : members_) {
    DepthChoice& choice = choices_[member.candidate];
    choice.depth = choice.best = member.depth;
    if (member.offer >= 0) {
      const Offer& o = offer(member.offer);
      choice.source = o.offer.source;
      choice.catch_up = o.offer.catch_up;
      choice.tokens = o.tokens[member.depth];
    }
    choice.best_ms_a_token = ms_a_token;
    choice.others_tokens = totals_.tokens - choice.tokens;
    choice.sharers = std::ssize(members_);
    take_off(member);
    choice.off_ms = cost(totals_).ms;
    put(member);
  }
}

/// What `member` could try instead, if that is better than the best so far.
void DepthPlanner::find_probe(const DepthState& state, Member& member, Probe& best) {
  const DepthChoice& choice = choices_[member.candidate];
  const auto sharers = static_cast<double>(choice.sharers);
  const double speed_wanted = (1 + kProbeGain / sharers) / choice.best_ms_a_token;
  const auto look = [&](int64_t number, int64_t depth, double hoped_tokens) {
    const CostEstimate took = cost(totals_);
    const double hoped = totals_.tokens + hoped_tokens;
    if (hoped <= best.gain * took.low_ms * speed_wanted) return;
    const double loss = took.ms - totals_.tokens * choice.best_ms_a_token;
    if (!state.may_probe(loss * sharers / choice.off_ms)) return;
    const double gain = hoped / took.low_ms / speed_wanted;
    best = {.member = &member, .offer = number, .depth = depth, .gain = gain};
  };
  take_off(member);
  const Totals without = totals_;
  if (member.depth > 0) look(-1, 0, 0);
  for (int64_t i = member.first_offer; i < member.end_offer; i++) {
    const Offer& o = offer(i);
    // More is hoped of one draft alone: the first that is not expected to be worth it.
    const int64_t hoped = i == member.offer ? member.depth : 0;
    const double times = hoped < o.depth_max ? state.acceptance_high(hoped, o.offer.source) /
                                                   state.acceptance(hoped, o.offer.source)
                                             : 1;
    totals_ = without;
    for (int64_t depth = 1; depth <= o.depth_max; depth++) {
      add_drafts(o, depth - 1, depth);
      if (i == member.offer && depth == member.depth) continue;
      const double hoped_tokens =
          depth > hoped ? (times - 1) * (o.tokens[depth] - o.tokens[hoped]) : 0;
      look(i, depth, hoped_tokens);
    }
  }
  totals_ = without;
  put(member);
}

DepthPlanner::Probe DepthPlanner::find_probe(const DepthInput& input) {
  Probe best;
  for (Member& member : members_) {
    const DepthState& state = *input.candidates[member.candidate].state;
    if (state.may_probe(0)) find_probe(state, member, best);
  }
  return best;
}

std::span<const DepthChoice> DepthPlanner::choose(const DepthInput& input) {
  take_candidates(input);
  if (members_.empty()) return choices_;
  fill_curves(*input.costs);
  best_speed_ = speed(base_);
  const auto launches = [](const Offer& o) { return o.launches; };
  const bool launched = std::ranges::any_of(offers_, launches);
  const bool free = !std::ranges::all_of(offers_, launches);
  if (launched) search_ranked(Ranked::launched);
  if (free) search_ranked(Ranked::free);
  if (free && launched) search_ranked(Ranked::likelier);
  search_one_by_one();
  turn_down_noise();
  tell();
  const Probe probe = find_probe(input);
  if (probe.member == nullptr) return choices_;
  DepthChoice& choice = choices_[probe.member->candidate];
  choice.probe = true;
  choice.depth = probe.depth;
  choice.tokens = 1;
  if (probe.offer < 0) return choices_;
  choice.source = offer(probe.offer).offer.source;
  choice.catch_up = offer(probe.offer).offer.catch_up;
  choice.tokens = offer(probe.offer).tokens[probe.depth];
  return choices_;
}

}  // namespace troika
