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

Refusal refusal_of_quota(const QuotaDecision& decision, const RequestFacts& facts) {
  const std::string_view limit = quota_kind_name(decision.refused_by);
  Refusal refusal{
      .status = 429,
      .message = fmt::format("the quota {} is used up", limit),
      .type = decision.refused_by == QuotaKind::requests_per_minute ? "requests" : "tokens",
      .code = "rate_limit_exceeded",
      .retry_after_s = decision.retry_after_s,
      .headers = headers_of(decision.status)};
  if (decision.never) {
    refusal.message =
        fmt::format("the request may take {} tokens, more than the whole quota {}",
                    facts.prompt_tokens + std::max<int64_t>(facts.answer_tokens, 1), limit);
    refusal.retry_after_s = 0;
  }
  return refusal;
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
  const int64_t left = *tenant.context_max - facts.prompt_tokens;
  if (left < 1)
    return Refusal{.message = fmt::format("the prompt has {} tokens, wanted less than the {} that "
                                          "this key may use",
                                          facts.prompt_tokens, *tenant.context_max),
                   .code = "context_length_exceeded"};
  if (request.tokens_max < 0 || request.tokens_max > left) request.tokens_max = left;
  return std::nullopt;
}

/// What the request may take: no more than its context holds, nor than its tenant's own bound left
/// of what it names.
QuotaRequest wanted(const RequestFacts& facts, const Request& request) {
  const int64_t n = facts.continuations;
  int64_t answers = n == 1 ? facts.context - facts.prompt_tokens : n * facts.context;
  if (request.tokens_max >= 0) answers = std::min(answers, n * request.tokens_max);
  if (facts.answer_tokens >= 0) {
    const int64_t tokens =
        facts.prompt_tokens + std::clamp<int64_t>(answers, 0, facts.answer_tokens);
    return {.tokens_min = tokens, .tokens_max = tokens};
  }
  const int64_t least = facts.prompt_tokens + 1;
  return {.tokens_min = least, .tokens_max = std::max(least, facts.prompt_tokens + answers)};
}

}  // namespace

std::variant<std::shared_ptr<Account>, Refusal> Accounts::open(const Caller& caller,
                                                               const RequestFacts& facts,
                                                               Request& request) {
  const Tenant& tenant = *caller.tenant;
  if (auto refusal = check_context(tenant, facts, request)) return std::move(*refusal);
  auto decision = options_.quotas->reserve(tenant, wanted(facts, request));
  if (!decision.ok()) return refusal_of(decision.error());
  if (!decision->granted) {
    options_.metrics->count_refusal(tenant.name, quota_kind_name(decision->refused_by));
    return refusal_of_quota(*decision, facts);
  }
  bound(tenant, request);
  std::shared_ptr<Account> account(new Account(*this));
  Account& a = *account;
  a.tenant_ = tenant.name;
  a.facts_ = facts;
  a.reservation_ = decision->reservation;
  a.headers_ = headers_of(decision->status);
  a.start_ms_ = clock_ms();
  a.metrics_ = &options_.metrics->of(tenant.name, facts.model);
  if (options_.ledger != nullptr)
    a.number_ = options_.ledger->open({.request = facts.id,
                                       .tenant = tenant.name,
                                       .key = caller.key_id,
                                       .model = facts.model,
                                       .route = facts.route,
                                       .started_ms = unix_time_ms(),
                                       .reserved_tokens = decision->reservation.tokens,
                                       .reserved_second = decision->reservation.second});
  return account;
}

Status Accounts::commit(std::vector<LedgerUpdate> updates) {
  if (options_.ledger == nullptr || updates.empty()) return ok();
  return options_.ledger->commit_step(std::move(updates));
}

void Accounts::sync(const std::function<void(TenantId, const TenantPolicy&)>& set) {
  const std::lock_guard lock(mutex_);
  const auto now = options_.tenants->directory();
  if (now == synced_) return;
  for (const Tenant& tenant : now->tenants()) {
    const Tenant* known = synced_ ? synced_->find(tenant.id) : nullptr;
    if (known == nullptr || !(*known == tenant)) set(tenant.id, scheduler_policy(tenant));
  }
  synced_ = now;
}

Account::~Account() {
  if (!closed_) close(Outcome::failed);
}

LedgerUpdate Account::note_failure() {
  return close(Outcome::failed);
}

/// All of them, once one of the continuations has begun: who leaves before the first token has
/// made them be read.
void Account::count_prompts() {
  if (std::exchange(begun_, true)) return;
  usage_.prompt_tokens = facts_.prompt_tokens;
  metrics_->prompt_tokens.add(facts_.prompt_tokens);
}

LedgerUpdate Account::note_whole() {
  count_prompts();
  return close(Outcome::stop);
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
  if (step.finish != nullptr) update = end(step);
  updates.push_back(std::move(update));
}

/// A continuation ended, and perhaps the last of them.
LedgerUpdate Account::end(const Step& step) {
  if (step.drafts != nullptr) {
    usage_.drafts_proposed += step.drafts->proposed;
    usage_.drafts_accepted += step.drafts->accepted;
    metrics_->add_drafts(*step.drafts);
  }
  if (step.first_of_prompt) {
    usage_.cached_tokens += step.cached_tokens;
    metrics_->cached_tokens.add(step.cached_tokens);
  }
  if (step.begun) count_prompts();
  metrics_->queue_s.observe(step.queue_s);
  if (step.refused) accounts_.options_.metrics->count_refusal(tenant_, "queue");
  if (step.failed) return close(Outcome::failed);
  if (++ended_ == facts_.continuations) return close(outcome_of(*step.finish));
  return {.number = number_, .usage = usage_};
}

LedgerUpdate Account::close(Outcome outcome) {
  closed_ = true;
  const AccountsOptions& o = accounts_.options_;
  const double seconds = (clock_ms() - start_ms_) / 1e3;
  // What cannot be given back is given back by the clock: windows forget.
  (void)o.quotas->settle(*reservation_, usage_.prompt_tokens + usage_.answer_tokens).ok();
  metrics_->request_s.observe(seconds);
  o.metrics->count_end(tenant_, facts_.model, outcome_name(outcome));
  if (o.log != nullptr)
    o.log->info("request ended", {{"request", facts_.id},
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
