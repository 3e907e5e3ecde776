// The ledger: what each request used, one row a request, in a database that outlives the process.
//
// A row is written when its request is admitted and updated with every step that worked on it, all
// requests of a step in one commit. The bytes of a step are sent behind its commit, so the ledger
// never holds less than what clients saw, and at most one step more. Rows that a process left open
// when it died are closed as `interrupted` by the next that opens the ledger, with what they hold.
//
// What is stored: names, times and counts. Never a prompt, an answer or a key (of keys, the id that
// lists show).
//
// `SqliteLedger` is a file of one server, `PostgresLedger` the database of several.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "engine/sequence.h"

namespace troika::serve {

/// How a request ended.
enum class Outcome : uint8_t {
  stop,         // by itself: an end token, a stop string, a call of a tool
  length,       // its longest answer, or the end of the context
  cancelled,    // by the client, who hung up or took it back
  expired,      // its deadline
  failed,       // an error of ours
  interrupted,  // the process ended under it
};

/// "stop", "length" ...: as rows have it.
std::string_view outcome_name(Outcome outcome);

/// @param finish  of a sequence that ended.
Outcome outcome_of(FinishReason finish);

/// What a request used up to now.
struct TokenUsage {
  int64_t prompt_tokens = 0;  // all of the prompt, of each continuation once
  int64_t cached_tokens = 0;  // of these, not computed
  int64_t answer_tokens = 0;
  int64_t drafts_proposed = 0;
  int64_t drafts_accepted = 0;

  TokenUsage& operator+=(const TokenUsage& other);
  bool operator==(const TokenUsage&) const = default;
};

/// Names a row of this process, from new_number().
enum class LedgerNumber : int64_t {};

/// A request that begins.
struct LedgerOpening {
  LedgerNumber number{};
  std::string request;  // the id that the client gets
  std::string tenant;
  std::string key;         // KeyDigest::id(); may be empty
  std::string model;       // the name that answers show
  std::string route;       // "/v1/chat/completions"
  int64_t started_ms = 0;  // since 1970, UTC
  /// Of a shared quota (serve/tenants/quota.h), so that what a replica that died had reserved is
  /// given back.
  int64_t reserved_tokens = 0;
  int64_t reserved_second = 0;
};

/// What a step made of a request. Counts are totals, not what was added: to say it twice does no
/// harm, and the greater one stays.
struct LedgerUpdate {
  LedgerNumber number{};
  TokenUsage usage;
  std::optional<Outcome> outcome;  // it ended, at ended_ms; later updates change nothing
  int64_t ended_ms = 0;
};

/// What is committed together. Openings come first.
struct LedgerBatch {
  std::vector<LedgerOpening> openings;
  std::vector<LedgerUpdate> updates;
};

/// Which rows are asked for: of requests that started at or after `from_ms` and before `to_ms`.
struct UsageQuery {
  int64_t from_ms = 0;
  int64_t to_ms = std::numeric_limits<int64_t>::max();
  std::string tenant;  // empty: all
};

/// All requests of a day, a tenant and a model.
struct UsageTotal {
  std::string day;  // "2026-11-20", UTC
  std::string tenant;
  std::string model;
  int64_t requests = 0;
  TokenUsage usage;
};

/// One request.
struct UsageRecord {
  LedgerOpening opening;
  TokenUsage usage;
  std::string outcome;   // empty: at work
  int64_t ended_ms = 0;  // 0: at work
};

/// Thread: any; calls wait for each other.
class Ledger {
 public:
  virtual ~Ledger() = default;

  /// For a request that begins. Never given before, also by earlier processes.
  virtual LedgerNumber new_number() = 0;

  /// Writes what a step did, all or nothing. Returns when it is safe from the end of this process.
  /// Errors: exhausted — the disk is full, the database does not answer; nothing was written, and
  /// the same batch may be tried again.
  virtual Status commit(const LedgerBatch& batch) = 0;

  /// Sums by day, tenant and model, in this order. Days that were folded count whole, if they begin
  /// inside the query.
  virtual Result<std::vector<UsageTotal>> totals(const UsageQuery& query) = 0;

  /// Each request that was not folded yet, in the order of their beginnings.
  virtual Status records(const UsageQuery& query,
                         const std::function<void(const UsageRecord&)>& record) = 0;

  /// Retention: replaces the rows of requests that started before the day of `before_ms` and ended
  /// by their sums of each day. @return  how many.
  virtual Result<int64_t> fold(int64_t before_ms) = 0;
};

/// "2026-11-20" of a time.
std::string day_of(int64_t ms);

/// When a day of UTC begins: "2026-11-20". Errors: invalid_argument — it is none.
Result<int64_t> day_begins_ms(std::string_view day);

/// A milliseconds clock that the ledger's times are of.
int64_t unix_time_ms();

}  // namespace troika::serve
