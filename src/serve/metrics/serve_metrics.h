// What a server tells about itself: every metric there is, by name, in one place.
//
// Labels: `tenant` is a tenant's name, `model` the name that answers show. docs/watching.md lists
// what each means, deploy/grafana/troika.json shows them.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "engine/draft_statistics.h"
#include "serve/metrics/registry.h"

namespace troika::serve {

/// The series of one tenant and one model: what requests are counted in. All are there from the
/// beginning, so that rates begin at 0. Thread: any.
struct TenantMetrics {
  Gauge& waiting;            // requests in the queue
  Gauge& running;            // at work
  Histogram& queue_s;        // from submission to start
  Histogram& first_token_s;  // from submission to the first token
  Histogram& token_s;        // between tokens of an answer
  Histogram& request_s;      // from submission to end
  Counter& prompt_tokens;    // of requests that began, cached ones included
  Counter& cached_tokens;    // of these, found in the prefix cache
  Counter& answer_tokens;
  Counter& preemptions;
  Counter& cache_lookups;
  Counter& cache_hits;
  Gauge& cache_pages;                                       // kept
  Gauge& cache_checkpoints;                                 // kept
  std::array<Counter*, kDraftTokensMax> drafts_proposed{};  // by depth, 1 ... kDraftTokensMax
  std::array<Counter*, kDraftTokensMax> drafts_accepted{};

  /// Takes in what a step, or a request, drafted.
  void add_drafts(const DraftCounts& counts);
};

class ServeMetrics {
 public:
  ServeMetrics();

  /// The series of a tenant and a model; lives as long as this. Cost: a lock and a search.
  TenantMetrics& of(std::string_view tenant, std::string_view model);

  /// A request ended. @param outcome  outcome_name().
  void count_end(std::string_view tenant, std::string_view model, std::string_view outcome) {
    requests_.with({tenant, model, outcome}).add();
  }
  /// A request was not admitted. @param reason  quota_kind_name(), "queue", "key" ...: few words.
  void count_refusal(std::string_view tenant, std::string_view reason) {
    refusals_.with({tenant, reason}).add();
  }
  /// An HTTP request was answered. @param route  of the table of routes, never what a client sent.
  void count_http(std::string_view route, int status) {
    http_.with({route, std::to_string(status)}).add();
  }

  Registry registry;

  // Of the process. One for each model: `model`.
  Family<Histogram>& step_s;  // of the engine
  Family<Gauge>& step_rows;   // that the last step computed
  Family<Gauge>& pages;       // {model, state}: state is "free", "used" or "cached"
  Family<Gauge>& sequences;   // {model}: at work
  Family<Gauge>& ready;       // {model}: 1 if it answers
  Gauge& connections;         // open
  Gauge& streams;             // answers being written
  Histogram& commit_s;        // of the ledger
  Counter& committed_rows;
  Counter& commit_failures;
  Counter& log_lines_dropped;

 private:
  std::unique_ptr<TenantMetrics> make(std::string_view tenant, std::string_view model);

  Family<Counter>& requests_;
  Family<Counter>& refusals_;
  Family<Counter>& http_;
  Family<Gauge>& waiting_;
  Family<Gauge>& running_;
  Family<Histogram>& queue_s_;
  Family<Histogram>& first_token_s_;
  Family<Histogram>& token_s_;
  Family<Histogram>& request_s_;
  Family<Counter>& prompt_tokens_;
  Family<Counter>& cached_tokens_;
  Family<Counter>& answer_tokens_;
  Family<Counter>& preemptions_;
  Family<Counter>& cache_lookups_;
  Family<Counter>& cache_hits_;
  Family<Gauge>& cache_pages_;
  Family<Gauge>& cache_checkpoints_;
  Family<Counter>& drafts_proposed_;
  Family<Counter>& drafts_accepted_;

  std::mutex mutex_;  // guards the next
  std::map<std::pair<std::string, std::string>, std::unique_ptr<TenantMetrics>> tenants_;
};

}  // namespace troika::serve
