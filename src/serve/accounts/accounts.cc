#include "serve/accounts/accounts.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace troika::serve {
namespace {

double clock_ms() {
  using namespace std::chrono;
  return duration<double, std::milli>(steady_clock::now().time_since_epoch()).count();
}

std::vector<http::Header> headers_of(const QuotaStatus& status) {
  std::vector<http::Header> headers;
  for (auto& [name, value] : rate_limit_headers(status)) headers.push_back({name, value});
  return headers;
}

Refusal refusal_of_quota(const QuotaDecision& decision, const QuotaRequest& wanted) {
  const std::string_view limit = quota_kind_name(decision.refused_by);
  Refusal refusal{
      .status = 429,
      .message = fmt::format("the quota {} is used up", limit),
      .type = decision.refused_by == QuotaKind::requests_per_minute ? "requests" : "tokens",
      .code = "rate_limit_exceeded",
      .retry_after_s = decision.retry_after_s,
      .headers = headers_of(decision.status)};
  if (decision.never) {
    refusal.message = fmt::format("the request may take {} tokens, more than the whole quota {}",
                                  wanted.tokens_min, limit);
    refusal.retry_after_s = 0;
  }
  return refusal;
}

/// The accounts cannot be kept, and nothing is the matter with the request. Why, with names of
/// files and hosts, is nothing for clients.
constexpr std::string_view kNoAccounts = "usage cannot be written down at the moment";

Refusal unavailable() {
  return {.status = 503,
          .message = std::string(kNoAccounts),
          .type = "server_error",
          .retry_after_s = 1};
}

/// What its tenant may, in the request.
void bound(const Tenant& tenant, Request& request) {
  request.tenant = tenant.id;
  request.priority = std::max(request.priority, tenant.priority);
  if (tenant.cache.sharing == CacheSharing::off) request.cache.on = false;
  if (tenant.cache.sharing == CacheSharing::group) request.cache.group = tenant.cache.group_id;
  SpeculationOptions& drafts = request.speculation;
  drafts.depth_max = std::min(drafts.depth_max, tenant.speculation.tokens_max);
  if (!tenant.speculation.allowed || drafts.depth_max == 0)
    drafts = {.type = SpecType::none, .depth_max = 0};
}

/// Empty: the request fits the tenant's own bound.
std::optional<Refusal> check_context(const Tenant& tenant, const RequestFacts& facts,
                                     Request& request) {
  if (!tenant.context_max) return std::nullopt;
  const int64_t left = *tenant.context_max - facts.longest_prompt;
  if (left < 1)
    return Refusal{.message = fmt::format("the prompt has {} tokens, wanted less than the {} that "
                                          "this key may use",
                                          facts.longest_prompt, *tenant.context_max),
                   .code = "context_length_exceeded"};
  if (request.tokens_max < 0 || request.tokens_max > left) request.tokens_max = left;
  return std::nullopt;
}

/// What a request may take: all prompts, each once, and behind them as much as it asks for, if
/// there is room. What asks for no length gets what is left of its quota, a token at least.
QuotaRequest wanted(const RequestFacts& facts, int64_t tokens_max, bool is_open) {
  int64_t room = std::max<int64_t>(
      facts.continuations * facts.context - facts.choices * facts.prompt_tokens, 0);
  if (tokens_max >= 0) room = std::min(room, facts.continuations * tokens_max);
  if (facts.choices == 0) room = 0;
  const int64_t most = facts.prompt_tokens + room;
  const int64_t least = facts.prompt_tokens + std::min(room, facts.continuations);
  return {.tokens_min = is_open ? least : most, .tokens_max = most};
}

/// An answer without a length of its own ends where what was reserved for it does.
void bound_open(const RequestFacts& facts, const QuotaRequest& asked, int64_t granted,
                Request& request) {
  if (granted >= asked.tokens_max) return;
  const int64_t each = std::max<int64_t>((granted - facts.prompt_tokens) / facts.continuations, 1);
  if (request.tokens_max < 0 || request.tokens_max > each) request.tokens_max = each;
}

}  // namespace

void RequestFacts::take_prompts(std::span<const std::vector<TokenId>> prompts) {
  for (const std::vector<TokenId>& prompt : prompts) {
    prompt_tokens += std::ssize(prompt);
    longest_prompt = std::max<int64_t>(longest_prompt, std::ssize(prompt));
  }
}

std::variant<std::shared_ptr<Account>, Refusal> Accounts::open(const Caller& caller,
                                                               const RequestFacts& facts,
                                                               Request& request) {
  const Tenant& tenant = *caller.tenant;
  const bool is_open = request.tokens_max < 0;
  if (auto refusal = check_context(tenant, facts, request)) return std::move(*refusal);
  const QuotaRequest asked = wanted(facts, request.tokens_max, is_open);
  auto decision = options_.quotas->reserve(tenant, asked);
  if (!decision.ok()) return unavailable();
  if (!decision->granted) {
    options_.metrics->count_refusal(tenant.name, quota_kind_name(decision->refused_by));
    return refusal_of_quota(*decision, asked);
  }
  const Reservation& reserved = decision->reservation;
  if (facts.choices > 0) bound_open(facts, asked, reserved.tokens, request);
  bound(tenant, request);
  LedgerNumber number{};
  if (options_.ledger != nullptr) {
    const Result<LedgerNumber> opened = options_.ledger->open({.request = facts.id,
                                                               .tenant = tenant.name,
                                                               .key = caller.key_id,
                                                               .model = facts.model,
                                                               .route = facts.route,
                                                               .started_ms = unix_time_ms(),
                                                               .reserved_tokens = reserved.tokens,
                                                               .reserved_second = reserved.second});
    if (!opened.ok()) {
      (void)options_.quotas->settle(reserved, 0).ok();  // windows forget what is not given back
      return unavailable();
    }
    number = *opened;
  }
  std::shared_ptr<Account> account(new Account(*this));
  Account& a = *account;
  a.tenant_ = tenant.name;
  a.facts_ = facts;
  a.number_ = number;
  a.reservation_ = reserved;
  a.headers_ = headers_of(decision->status);
  a.start_ms_ = clock_ms();
  a.metrics_ = &options_.metrics->of(tenant.name, facts.model);
  return account;
}

Status Accounts::commit(std::vector<LedgerUpdate> updates) {
  std::vector<Settlement> settlements;
  {
    const std::lock_guard lock(mutex_);
    settlements.swap(settlements_);
  }
  // Also without updates: what a commit before could not write may still wait.
  Status written = ok();
  if (options_.ledger != nullptr) written = options_.ledger->commit_step(std::move(updates));
  // Before anybody is told of an end: the next request finds what this one left. What cannot be
  // given back is given back by the clock: windows forget.
  if (!settlements.empty()) (void)options_.quotas->settle_all(settlements).ok();
  // The code of what is not to be had now.
  return written.ok() ? ok() : Status(fail(ErrorCode::cancelled, "{}", kNoAccounts));
}

void Accounts::sync(const std::function<void(TenantChanges)>& tell) {
  const std::lock_guard lock(mutex_);
  const auto now = options_.tenants->directory();
  if (now == synced_) return;
  TenantChanges changes;
  for (const Tenant& tenant : now->tenants()) {
    const Tenant* known = synced_ ? synced_->find(tenant.id) : nullptr;
    if (known == nullptr || !(*known == tenant)) changes.changed.push_back(tenant);
  }
  if (synced_)
    for (const Tenant& known : synced_->tenants())
      if (now->find(known.id) == nullptr) changes.gone.push_back(known.id);
  tell(std::move(changes));
  synced_ = now;
}

Account::~Account() {
  if (!closed_) close(Outcome::failed);
}

void Account::read(int64_t tokens) {
  usage_.prompt_tokens += tokens;
  metrics_->prompt_tokens.add(tokens);
}

/// All of them, once one of the continuations has begun: who leaves before the first token has
/// made them be read.
void Account::count_prompts() {
  if (!std::exchange(begun_, true)) read(facts_.prompt_tokens);
}

void Account::note(const Step& step, std::vector<LedgerUpdate>& updates) {
  if (closed_) return;
  const double now_ms = clock_ms();
  if (step.answer_tokens > 0) {
    count_prompts();
    if (!std::exchange(told_, true)) {
      metrics_->first_token_s.observe((now_ms - start_ms_) / 1e3);
    } else {
      const double each_s = (now_ms - last_ms_) / 1e3 / static_cast<double>(step.answer_tokens);
      metrics_->token_s.observe(each_s, step.answer_tokens);
    }
    last_ms_ = now_ms;
    usage_.answer_tokens += step.answer_tokens;
    metrics_->answer_tokens.add(step.answer_tokens);
  }
  LedgerUpdate update{.number = number_, .usage = usage_};
  if (step.ending != nullptr) update = end(step);
  updates.push_back(std::move(update));
}

/// A continuation ended, and perhaps the last of them: until then, what the others do counts.
LedgerUpdate Account::end(const Step& step) {
  const Ending& ending = *step.ending;
  usage_.drafts_proposed += ending.drafts.proposed;
  usage_.drafts_accepted += ending.drafts.accepted;
  metrics_->add_drafts(ending.drafts);
  if (step.pays_for_prompt) {
    usage_.cached_tokens += ending.cached_tokens;
    metrics_->cached_tokens.add(ending.cached_tokens);
  }
  if (ending.begun) count_prompts();
  if (ending.status.ok())
    metrics_->queue_s.observe(ending.queue_ms / 1e3);
  else if (ending.status.error().code() == ErrorCode::exhausted)
    accounts_.options_.metrics->count_refusal(tenant_, "queue");
  failed_ = failed_ || !ending.status.ok();
  if (++ended_ == facts_.continuations)
    return close(failed_ ? Outcome::failed : outcome_of(ending.finish));
  return {.number = number_, .usage = usage_};
}

LedgerUpdate Account::close(Outcome outcome) {
  closed_ = true;
  const AccountsOptions& o = accounts_.options_;
  const double seconds = (clock_ms() - start_ms_) / 1e3;
  {
    const std::lock_guard lock(accounts_.mutex_);
    accounts_.settlements_.push_back({reservation_, usage_.prompt_tokens + usage_.answer_tokens});
  }
  metrics_->request_s.observe(seconds);
  o.metrics->count_end(tenant_, facts_.model, outcome_name(outcome));
  if (o.log != nullptr)
    o.log->info("request ended", {{"request", facts_.id},
                                  {"trace", facts_.trace},
                                  {"tenant", tenant_},
                                  {"route", facts_.route},
                                  {"outcome", outcome_name(outcome)},
                                  {"prompt_tokens", usage_.prompt_tokens},
                                  {"cached_tokens", usage_.cached_tokens},
                                  {"answer_tokens", usage_.answer_tokens},
                                  {"drafts_accepted", usage_.drafts_accepted},
                                  {"seconds", seconds}});
  return {.number = number_, .usage = usage_, .outcome = outcome, .ended_ms = unix_time_ms()};
}

}  // namespace troika::serve
