// Accounts of requests: who asked, whether they may, what it took. What tenants, quotas, ledger,
// metrics and log have to be told about a request is told here and nowhere else.
//
//   open()          quota reserved, row of the ledger begun     ── a Refusal where it may not
//   Account::note() what a step told, on the delivery's thread  ── before any of it is sent
//   commit()        a batch's usage, one commit                 ── before any of it is sent
//   the last note() quota settled, row closed, metrics, a line of the log
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/result.h"
#include "engine/engine.h"
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
  int64_t prompt_tokens = 0;   // of all prompts, each once
  int64_t answer_tokens = -1;  // that all continuations may have together; -1: open
  int64_t context = 0;         // of the model: bounds what is open
  int64_t continuations = 1;
};

class Accounts;

/// One request at work. Thread: the delivery's, but for the headers.
class Account {
 public:
  /// A continuation told so many tokens, and how it ended if it did.
  struct Step {
    int64_t answer_tokens = 0;
    const FinishReason* finish = nullptr;  // null: it goes on
    bool failed = false;
    bool refused = false;                     // for want of room in its queue
    bool begun = false;                       // it had a place; where it ended
    double queue_s = 0;                       // that it waited; where it ended
    bool first_of_prompt = false;             // the continuation that pays for its prompt
    int64_t cached_tokens = 0;                // of the prompt; where it ended
    const DraftStatistics* drafts = nullptr;  // where it ended
  };

  ~Account();
  Account(const Account&) = delete;
  Account& operator=(const Account&) = delete;

  /// Takes in a step; with the last continuation's end the account is closed.
  void note(const Step& step, std::vector<LedgerUpdate>& updates);

  /// What has no continuations read its prompts whole: closes the account.
  LedgerUpdate note_whole();

  /// It never began: closes the account.
  LedgerUpdate note_failure();

  /// x-ratelimit headers for the answer.
  const std::vector<http::Header>& headers() const { return headers_; }

 private:
  friend class Accounts;
  explicit Account(Accounts& accounts) : accounts_(accounts) {}
  void count_prompts();
  LedgerUpdate end(const Step& step);
  LedgerUpdate close(Outcome outcome);

  Accounts& accounts_;
  std::string tenant_;
  RequestFacts facts_;
  std::optional<Reservation> reservation_;
  LedgerNumber number_{};
  TokenUsage usage_;
  TenantMetrics* metrics_ = nullptr;
  std::vector<http::Header> headers_;
  double start_ms_ = 0;
  double last_ms_ = 0;  // of a step that told tokens
  bool begun_ = false;  // its prompts count
  bool told_ = false;
  bool closed_ = false;
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

  /// Writes what a batch used. Thread: one at a time. Errors: those of the ledger: the batch must
  /// not be told.
  Status commit(std::vector<LedgerUpdate> updates);

  /// Tells `set` each tenant whose policy the engine does not know yet, or not as it is.
  void sync(const std::function<void(TenantId, const TenantPolicy&)>& set);

 private:
  friend class Account;

  const AccountsOptions options_;
  std::mutex mutex_;  // guards the next
  std::shared_ptr<const TenantDirectory> synced_;
};

}  // namespace troika::serve
