// What an engine has done and what it holds: for metrics, by tenant.
#pragma once

#include <cstdint>
#include <vector>

#include "core/ids.h"
#include "engine/draft_statistics.h"
#include "engine/prefix_cache.h"
#include "engine/tenants.h"

namespace troika {

/// Of one tenant.
struct TenantReport {
  TenantId tenant{};
  TenantStatistics requests;  // who waits, runs, ended; tokens served; times
  DraftStatistics drafts;     // of all its texts, by class of drafter and depth
  CacheStatistics cache;      // what it left in the prefix cache and found there
  int64_t pages = 0;          // that its texts at work hold; a page that two share counts twice
};

/// Counts are since the engine was made, amounts of now.
struct EngineStatistics {
  int64_t steps = 0;                  // with rows
  int64_t rows = 0;                   // of the trunk, in all steps
  int64_t waiting = 0;                // texts in the queues
  int64_t running = 0;                // at work
  int64_t sequences_max = 0;          // at the same time
  int64_t pages = 0;                  // that there are
  int64_t pages_free = 0;             // held by nobody
  int64_t pages_cached = 0;           // held by the prefix cache alone
  int64_t spilled = 0;                // texts that were set aside with what was computed of them
  int64_t disk_bytes = 0;             // of beginnings of texts on disk
  int64_t disk_pages_read = 0;        // that were found there
  std::vector<TenantReport> tenants;  // in the order in which they became known

  /// Of all tenants together.
  DraftStatistics drafts() const;
  CacheStatistics cache() const;
};

/// When a text went through its stages, on the engine's clock; -1: it has not.
struct TextTimes {
  double submitted_ms = -1;
  double started_ms = -1;      // first given a place
  double first_token_ms = -1;  // chosen
  double ended_ms = -1;

  /// Until it started, or ended without.
  double queue_ms() const { return (started_ms >= 0 ? started_ms : ended_ms) - submitted_ms; }
  /// From then until its first token; 0: there was none.
  double prompt_ms() const { return first_token_ms >= 0 ? first_token_ms - started_ms : 0; }
  /// From then until it ended; 0: there was none.
  double answer_ms() const { return first_token_ms >= 0 ? ended_ms - first_token_ms : 0; }
};

}  // namespace troika
