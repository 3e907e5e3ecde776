#include "serve/metrics/serve_metrics.h"

namespace troika::serve {

void TenantMetrics::add_drafts(const DraftCounts& counts) {
  for (size_t i = 0; i < static_cast<size_t>(kDraftTokensMax); i++) {
    if (counts.proposed_at[i] > 0) drafts_proposed[i]->add(counts.proposed_at[i]);
    if (counts.accepted_at[i] > 0) drafts_accepted[i]->add(counts.accepted_at[i]);
  }
}

ServeMetrics::ServeMetrics()
    : step_s(registry.histogram("troika_step_seconds", "Time of a step of the engine", {"model"},
                                token_seconds_bounds())),
      step_rows(registry.gauge("troika_step_rows", "Rows that the last step computed", {"model"})),
      pages(registry.gauge("troika_pages", "Pages of keys and values: free, used, cached",
                           {"model", "state"})),
      sequences(registry.gauge("troika_sequences", "Sequences at work", {"model"})),
      ready(registry.gauge("troika_ready", "1 if the model answers", {"model"})),
      connections(registry.gauge("troika_http_connections", "Open connections", {}).with({})),
      streams(registry.gauge("troika_http_streams", "Answers being streamed", {}).with({})),
      commit_s(registry
                   .histogram("troika_ledger_commit_seconds", "Time of a commit of the ledger", {},
                              token_seconds_bounds())
                   .with({})),
      committed_rows(
          registry.counter("troika_ledger_rows_total", "Rows that commits wrote", {}).with({})),
      commit_failures(registry
                          .counter("troika_ledger_failures_total",
                                   "Commits that failed, also when tried again", {})
                          .with({})),
      log_lines_dropped(
          registry
              .counter("troika_log_lines_dropped_total", "Log lines that nobody took in time", {})
              .with({})),
      requests_(registry.counter("troika_requests_total", "Requests that ended",
                                 {"tenant", "model", "outcome"})),
      refusals_(registry.counter("troika_refusals_total", "Requests that were not admitted",
                                 {"tenant", "reason"})),
      http_(registry.counter("troika_http_requests_total", "HTTP requests that were answered",
                             {"route", "status"})),
      waiting_(registry.gauge("troika_queue_requests", "Requests that wait", {"tenant", "model"})),
      running_(registry.gauge("troika_running_requests", "Requests at work", {"tenant", "model"})),
      queue_s_(registry.histogram("troika_queue_seconds", "From submission to start",
                                  {"tenant", "model"}, seconds_bounds())),
      first_token_s_(registry.histogram("troika_time_to_first_token_seconds",
                                        "From submission to the first token", {"tenant", "model"},
                                        seconds_bounds())),
      token_s_(registry.histogram("troika_time_per_token_seconds", "Between tokens of an answer",
                                  {"tenant", "model"}, token_seconds_bounds())),
      request_s_(registry.histogram("troika_request_seconds", "From submission to end",
                                    {"tenant", "model"}, seconds_bounds())),
      prompt_tokens_(registry.counter("troika_prompt_tokens_total",
                                      "Tokens of prompts, cached ones included",
                                      {"tenant", "model"})),
      cached_tokens_(registry.counter("troika_cached_tokens_total",
                                      "Tokens of prompts that the prefix cache had",
                                      {"tenant", "model"})),
      answer_tokens_(
          registry.counter("troika_answer_tokens_total", "Tokens of answers", {"tenant", "model"})),
      preemptions_(registry.counter("troika_preemptions_total", "Sequences that were set aside",
                                    {"tenant", "model"})),
      cache_lookups_(registry.counter("troika_cache_lookups_total",
                                      "Prompts that were looked up in the prefix cache",
                                      {"tenant", "model"})),
      cache_hits_(registry.counter("troika_cache_hits_total",
                                   "Prompts of which the prefix cache had a beginning",
                                   {"tenant", "model"})),
      cache_pages_(registry.gauge("troika_cache_pages", "Pages that the prefix cache keeps",
                                  {"tenant", "model"})),
      cache_checkpoints_(registry.gauge("troika_cache_checkpoints",
                                        "Checkpoints that the prefix cache keeps",
                                        {"tenant", "model"})),
      drafts_proposed_(registry.counter("troika_drafts_proposed_total",
                                        "Tokens that were drafted, by their depth",
                                        {"tenant", "model", "depth"})),
      drafts_accepted_(registry.counter("troika_drafts_accepted_total",
                                        "Drafted tokens that were accepted, by their depth",
                                        {"tenant", "model", "depth"})) {}

TenantMetrics& ServeMetrics::of(std::string_view tenant, std::string_view model) {
  const std::lock_guard lock(mutex_);
  auto& metrics = tenants_[{std::string(tenant), std::string(model)}];
  if (metrics == nullptr) metrics = make(tenant, model);
  return *metrics;
}

std::unique_ptr<TenantMetrics> ServeMetrics::make(std::string_view tenant, std::string_view model) {
  const LabelValues labels = {tenant, model};
  auto metrics = std::make_unique<TenantMetrics>(TenantMetrics{
      waiting_.with(labels), running_.with(labels), queue_s_.with(labels),
      first_token_s_.with(labels), token_s_.with(labels), request_s_.with(labels),
      prompt_tokens_.with(labels), cached_tokens_.with(labels), answer_tokens_.with(labels),
      preemptions_.with(labels), cache_lookups_.with(labels), cache_hits_.with(labels),
      cache_pages_.with(labels), cache_checkpoints_.with(labels)});
  for (size_t i = 0; i < static_cast<size_t>(kDraftTokensMax); i++) {
    const std::string depth = std::to_string(i + 1);
    metrics->drafts_proposed[i] = &drafts_proposed_.with({tenant, model, depth});
    metrics->drafts_accepted[i] = &drafts_accepted_.with({tenant, model, depth});
  }
  return metrics;
}

}  // namespace troika::serve
