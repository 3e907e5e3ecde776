#include "engine/speculation.h"

#include <algorithm>
#include <optional>

namespace troika {

Speculation::Speculation(std::vector<std::unique_ptr<Drafter>> drafters)
    : drafters_(std::move(drafters)) {}

Drafter* Speculation::drafter_of(DraftClass drafts) const {
  const auto found = std::ranges::find_if(
      drafters_, [drafts](const auto& drafter) { return drafter->draft_class() == drafts; });
  return found != drafters_.end() ? found->get() : nullptr;
}

Status Speculation::check(SpecType type) const {
  if (type == SpecType::mtp && drafter_of(DraftClass::mtp) == nullptr)
    return fail(ErrorCode::invalid_argument,
                "the model has no draft head that could draft; wanted speculation auto, ngram or "
                "none");
  if (type == SpecType::model && drafter_of(DraftClass::model) == nullptr)
    return fail(ErrorCode::invalid_argument,
                "there is no draft model that could draft; wanted one, or speculation auto, ngram "
                "or none");
  if (type == SpecType::ngram && drafter_of(DraftClass::ngram) == nullptr)
    return fail(ErrorCode::invalid_argument,
                "nothing drafts from n-grams here; wanted speculation auto or none");
  return ok();
}

void Speculation::begin(Drafting& drafting, Sequence& sequence, const SpeculationOptions& options) {
  drafting = {.sequence = &sequence, .options = options};
  drafting.request.sequence = &sequence;
  drafting.request.tokens.reserve(static_cast<size_t>(kDraftTokensMax));
}

/// Asks every drafter about every member.
void Speculation::make_offers(std::span<Drafting* const> members) {
  offers_.clear();
  offers_.reserve(members.size() * drafters_.size());  // spans into it stay valid
  candidates_.clear();
  for (Drafting* member : members) {
    const Sequence& s = *member->sequence;
    const int64_t room = s.tokens_left() - 1;
    const size_t first = offers_.size();
    for (const auto& drafter : drafters_)
      if (room > 0 && member->options.depth_max > 0 &&
          allows(member->options.type, drafter->draft_class()))
        offers_.push_back(drafter->offer(s, member->options));
    candidates_.push_back({.options = member->options,
                           .room = room,
                           .state = &member->state,
                           .offers = std::span(offers_).subspan(first)});
  }
}

void Speculation::choose(std::span<Drafting* const> members, int64_t prompt_rows) {
  prompt_rows_ = prompt_rows;
  plan_ = {.rows = prompt_rows};
  times_ = {};
  members_.assign(members.begin(), members.end());
  if (!active()) return;
  make_offers(members);
  const auto choices = planner_.choose({.costs = &costs_,
                                        .others = plan_,
                                        .others_tokens = static_cast<double>(prompt_rows),
                                        .candidates = candidates_});
  for (size_t i = 0; i < members.size(); i++) {
    Drafting& member = *members[i];
    member.choice = choices[i];
    member.request.tokens.clear();
    member.request.depth = member.choice.depth;
    plan_.add(member.choice.depth, member.choice.catch_up, class_of(member.choice.source));
  }
}

void Speculation::leave_out(const Drafting& member) {
  std::erase(members_, &member);
  plan_ = {.rows = prompt_rows_};
  for (const Drafting* m : members_)
    plan_.add(m->choice.depth, m->choice.catch_up, class_of(m->choice.source));
}

Status Speculation::propose_with(Drafter& drafter) {
  requests_.clear();
  const auto is_its = [&drafter](const Drafting& member) {
    return member.choice.depth > 0 && class_of(member.choice.source) == drafter.draft_class();
  };
  for (Drafting* member : members_)
    if (is_its(*member)) requests_.push_back(std::move(member->request));
  const Status proposed = requests_.empty() ? ok() : drafter.propose(requests_);
  auto request = requests_.begin();
  for (Drafting* member : members_)
    if (is_its(*member)) member->request = std::move(*request++);
  return proposed;
}

void Speculation::cut_forbidden() {
  for (Drafting* member : members_) {
    std::vector<TokenId>& drafts = member->request.tokens;
    drafts.resize(member->sequence->sampler->allowed_drafts(drafts));
  }
}

Result<double> Speculation::propose(double start_ms, const std::function<double()>& clock_ms) {
  std::optional<double> done_ms;
  for (const auto& drafter : drafters_) {
    TROIKA_RETURN_IF_ERROR(propose_with(*drafter));
    if (requests_.empty() || drafter->draft_class() == DraftClass::ngram) continue;
    const double now_ms = clock_ms();
    (drafter->draft_class() == DraftClass::mtp ? times_.head_ms : times_.model_ms) =
        now_ms - done_ms.value_or(start_ms);
    done_ms = now_ms;
  }
  cut_forbidden();
  return done_ms ? *done_ms : clock_ms();
}

void Speculation::learn(int64_t rows, double trunk_ms, bool learn) {
  if (!active()) return;
  plan_.rows = rows;
  if (learn) costs_.observe(plan_, times_, trunk_ms);
}

void Speculation::observe(Drafting& drafting, int64_t accepted) {
  const int64_t proposed = std::ssize(drafting.request.tokens);
  drafting.sequence->drafts.add_step(proposed, accepted, class_of(drafting.choice.source));
  if (!active()) return;
  drafting.state.observe(drafting.choice, proposed, accepted, costs_.estimate(plan_).ms);
}

Status Speculation::follow(std::span<const FollowedRows> rows) {
  for (const auto& drafter : drafters_) TROIKA_RETURN_IF_ERROR(drafter->follow(rows));
  return ok();
}

bool Speculation::uses_head() const {
  return std::ranges::any_of(drafters_, [](const auto& drafter) { return drafter->uses_head(); });
}

Status Speculation::settle(Sequence& sequence) {
  for (const auto& drafter : drafters_) TROIKA_RETURN_IF_ERROR(drafter->settle(sequence));
  return ok();
}

int64_t Speculation::device_bytes() const {
  int64_t bytes = 0;
  for (const auto& drafter : drafters_) bytes += drafter->device_bytes();
  return bytes;
}

void Speculation::forget(const Sequence& sequence) {
  for (const auto& drafter : drafters_) drafter->forget(sequence);
}

}  // namespace troika
