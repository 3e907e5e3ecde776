// The server as a whole: listens at once, loads the model meanwhile, answers, and goes in order.
//
//   sockets ── Server (I/O thread) ── App::take: request id, route, gate ──┬─ at once: /health ...
//                                                                          └─ Workers ── handlers
//   handlers ── Account ── Generation ── EngineThread ── Delivery (its thread) ── Answer
//                                                           └─ ledger first        └─ Exchange
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "core/result.h"
#include "serve/accounts/accounts.h"
#include "serve/admin.h"
#include "serve/api/served_model.h"
#include "serve/gate.h"
#include "serve/http/server.h"
#include "serve/ledger/open_ledger.h"
#include "serve/router.h"
#include "serve/workers.h"

namespace troika::serve {

struct AppOptions {
  http::Listener listener;              // without handler
  std::optional<http::Listener> admin;  // another one, for the operator's routes
  http::Limits limits;
  int io_threads = 1;
  int workers = 2;
  int64_t waiting_max = 1024;  // requests that wait for a worker
  GateOptions gate;
  std::string tenants_file;  // empty: the local tenant alone
  LedgerOptions ledger;      // nowhere: usage is not kept
  bool log_requests = false;
  ServingOptions serving;
  /// Loads the model; called once, on a thread of its own.
  std::function<Result<ModelParts>()> load;
};

class App {
 public:
  /// Listens when it returns. Errors: those of the server, the tenants file and the ledger;
  /// invalid_argument — no keys and another address than the loopback.
  static Result<std::unique_ptr<App>> start(AppOptions options);

  /// Closes everything at once.
  ~App();
  App(const App&) = delete;
  App& operator=(const App&) = delete;

  /// Returns when the model is there, or with the error why it will not be.
  Status wait_until_loaded();

  /// Once a second: looks whether the tenants file changed, and begins to fold the ledger's old
  /// rows when it is time. Errors, each once: those of the file, and tenants stay as they were;
  /// those of the ledger since the last call.
  Status tick();

  /// Reads tenants and certificates again, however their files look. Errors: those of the files;
  /// what is wrong stays as it was.
  Status reload();

  /// Takes no more connections, lets what is at work end, at most `seconds`, and ends what has not.
  /// True: all was answered.
  bool drain(double seconds);

  uint16_t port() const { return server_->port(0); }
  uint16_t admin_port() const { return server_->port(1); }
  const Router& router() const { return router_; }
  const Router& admin_router() const { return admin_router_; }
  http::ServerStatistics statistics() const { return server_->statistics(); }

 private:
  explicit App(AppOptions options) : options_(std::move(options)) {}
  Status open_books();
  Status open_ledgers();
  void fold_old_rows();
  Status listen();
  void add_routes();
  void add_operator_routes(Router& router);
  void add_page_routes(Router& router);
  void take(const Router& router, const std::shared_ptr<http::Exchange>& exchange);
  void answer_with_model(Admitted admitted, const Route& route);
  void load();
  ServedModel* model();  // null: not loaded yet, or draining
  http::Response readiness();
  http::Response metrics();
  void show_engine(const EngineStatistics& engine);

  const AppOptions options_;
  std::unique_ptr<TenantStore> tenants_;
  std::unique_ptr<Gate> gate_;
  std::unique_ptr<Admin> admin_;
  Router router_, admin_router_;
  std::mutex mutex_;  // guards the next four
  std::condition_variable loaded_;
  Status load_status_ = ok();
  Status ledger_trouble_ = ok();  // which tick() has not told
  enum class State : uint8_t { loading, ready, failed, draining } state_ = State::loading;
  // In the order in which they are made; they go the other way round.
  ServeMetrics metrics_;
  std::unique_ptr<Log> log_;
  std::unique_ptr<Ledger> ledger_;
  std::unique_ptr<Ledger> ledger_view_;  // for what takes long: sums, folding
  bool ledger_fails_ = false;            // the last commit did
  int64_t next_fold_ms_ = 0;             // of who calls tick()
  std::unique_ptr<StepLedger> step_ledger_;
  std::unique_ptr<Quotas> quotas_;
  std::unique_ptr<Accounts> accounts_;
  std::unique_ptr<http::Server> server_;
  std::unique_ptr<Delivery> delivery_;
  std::unique_ptr<ServedModel> model_;
  std::unique_ptr<Workers> workers_;
  std::thread loader_;
};

}  // namespace troika::serve
