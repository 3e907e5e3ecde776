// Accounts of requests: who asked, whether they may, what it took. What tenants, quotas, ledger,
// metrics and log have to be told about a request is told here and nowhere else.
//
//   open()          quota reserved, row of the ledger begun    ── a Refusal where it may not
//   Account::note() what a step did; the last closes the row   ── before any of it is sent
//   commit()        a batch's usage, one commit; then what was reserved and not used goes back to
//                   the quotas of all that ended, in one call  ── before any of it is sent
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "core/result.h"
#include "engine/engine_thread.h"
#include "serve/accounts/refusal.h"
#include "serve/ledger/step_ledger.h"
#include "serve/metrics/log.h"
#include "serve/metrics/serve_metrics.h"
#include "serve/tenants/quota.h"
#include "serve/tenants/tenant_store.h"

namespace troika::serve {

/// Who asks: a tenant of the directory as it was when the request came.
struct Caller {
  std::shared_ptr<const TenantDirectory> directory;
  const Tenant* tenant = nullptr;  // of that directory; null: an open route
  std::string key_id;              // may be empty
};

/// What asks: for rows and logs.
struct RequestFacts {
  std::string id;     // the client's x-request-id
  std::string route;  // "/v1/chat/completions"
  std::string model;
  std::string trace;           // its trace id; may be empty
  int64_t context = 0;         // of the model
  int64_t prompt_tokens = 0;   // of all prompts, each once
  int64_t longest_prompt = 0;  // tokens of one of them
  int64_t choices = 1;         // continuations of each prompt; 0: nothing is written
  int64_t continuations = 1;   // which each tell their end; 1 where nothing is written

  void take_prompts(std::span<const std::vector<TokenId>> prompts);
};

/// What an engine is not told yet.
struct TenantChanges {
  std::vector<Tenant> changed;  // or new
  std::vector<TenantId> gone;
};

class Accounts;

/// One request at work. Thread: one at a time, but for the headers.
class Account {
 public:
  /// What a step did for a continuation.
  struct Step {
    int64_t answer_tokens = 0;
    const Ending* ending = nullptr;  // null: it goes on
    bool pays_for_prompt = false;    // the first continuation of each
  };

  ~Account();
  Account(const Account&) = delete;
  Account& operator=(const Account&) = delete;

  /// Takes in a step; with the last continuation's end the account is closed.
  void note(const Step& step, std::vector<LedgerUpdate>& updates);

  /// So many tokens of its prompts were read, of what has no continuations.
  void read(int64_t tokens);

  /// Closes the account of what has no continuations, or never began.
  LedgerUpdate close(Outcome outcome);

  /// x-ratelimit headers for the answer.
  const std::vector<http::Header>& headers() const { return headers_; }

 private:
  friend class Accounts;
  explicit Account(Accounts& accounts) : accounts_(accounts) {}
  void count_prompts();
  LedgerUpdate end(const Step& step);

  Accounts& accounts_;
  std::string tenant_;
  RequestFacts facts_;
  Reservation reservation_;
  LedgerNumber number_{};
  TokenUsage usage_;
  TenantMetrics* metrics_ = nullptr;
  std::vector<http::Header> headers_;
  double start_ms_ = 0;
  double last_ms_ = 0;  // of a step that told tokens
  bool begun_ = false;  // its prompts count
  bool told_ = false;
  bool closed_ = false;
  bool failed_ = false;  // one of its continuations
  int64_t ended_ = 0;
};

struct AccountsOptions {
  TenantStore* tenants = nullptr;  // borrowed, all of them; outlive this
  Quotas* quotas = nullptr;
  StepLedger* ledger = nullptr;  // null: nothing is kept
  ServeMetrics* metrics = nullptr;
  Log* log = nullptr;  // null: silent
};

/// Thread: any.
class Accounts {
 public:
  explicit Accounts(const AccountsOptions& options) : options_(options) {}

  TenantStore& tenants() { return *options_.tenants; }
  ServeMetrics& metrics() { return *options_.metrics; }

  /// Lets a request in: bounds what it asks for by what its tenant may, reserves its quota and
  /// begins its row. The request gets its tenant, priority, cache and drafts.
  std::variant<std::shared_ptr<Account>, Refusal> open(const Caller& caller,
                                                       const RequestFacts& facts, Request& request);

  /// Writes what a batch used, and settles the quotas of all that ended by now. Thread: one at a
  /// time. Errors: cancelled — the ledger does not take it, and the batch must not be told.
  Status commit(std::vector<LedgerUpdate> updates);

  /// Calls `tell` if tenants are others than when it was called last.
  void sync(const std::function<void(TenantChanges)>& tell);

 private:
  friend class Account;

  const AccountsOptions options_;
  std::mutex mutex_;  // guards the rest
  std::shared_ptr<const TenantDirectory> synced_;
  std::vector<Settlement> settlements_;  // of accounts that were closed since the last commit
};

}  // namespace troika::serve
