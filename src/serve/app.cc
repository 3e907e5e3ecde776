#include "serve/app.h"

#include <fmt/format.h>

#include <cctype>
#include <utility>

#include "serve/api/answer_fields.h"
#include "serve/http/json.h"
#include "serve/ledger/postgres_quotas.h"
#include "serve/ledger/restore_quotas.h"
#include "serve/metrics/trace_context.h"
#include "serve/tenants_in_engine.h"

namespace troika::serve {
namespace {

constexpr size_t kRequestIdBytesMax = 128;

/// What comes from outside and is told again in a header: letters, digits and a few marks.
bool is_plain(std::string_view text) {
  if (text.empty() || text.size() > kRequestIdBytesMax) return false;
  for (const char c : text)
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '_' && c != '.')
      return false;
  return true;
}

/// Where an answer is found again in logs and traces.
struct RequestNames {
  std::string id;
  std::string trace;
};

/// Takes over what the client calls its request and its trace, or begins both, and tells it.
RequestNames name_request(http::Exchange& exchange) {
  const http::Request& request = exchange.request();
  const auto given = request.header("x-request-id");
  std::string id = given && is_plain(*given) ? std::string(*given) : new_answer_id("req_");
  exchange.add_header({"x-request-id", id});
  if (request.path.starts_with("/v1/messages")) exchange.add_header({"request-id", id});
  const auto parent = request.header("traceparent");
  const auto above = parent ? parse_traceparent(*parent) : std::nullopt;
  const TraceContext trace = above ? above->child() : new_trace();
  exchange.add_header({"traceparent", trace.text()});
  const auto state = above ? request.header("tracestate") : std::nullopt;
  if (state && !passed_tracestate(*state).empty())
    exchange.add_header({"tracestate", std::string(passed_tracestate(*state))});
  return {std::move(id), trace.trace_id_text()};
}

Refusal unavailable(std::string message) {
  return {.status = 503,
          .message = std::move(message),
          .type = "unavailable_error",
          .retry_after_s = 1};
}

/// Errors of Anthropic's routes are in its shape.
http::Response refusal_for(const http::Request& request, const Refusal& refusal) {
  return request.path.starts_with("/v1/messages") ? anthropic_error(refusal)
                                                  : openai_error(refusal);
}

}  // namespace

Status App::open_books() {
  if (options_.tenants_file.empty()) {
    tenants_ = TenantStore::local({.queue_max = options_.serving.requests_max});
  } else {
    TROIKA_TRY(tenants_, TenantStore::open(options_.tenants_file));
  }
  gate_ = std::make_unique<Gate>(options_.gate, *tenants_);
  if (!options_.ledger.where.empty()) TROIKA_RETURN_IF_ERROR(open_ledgers());
  admin_ = std::make_unique<Admin>(*tenants_, ledger_view_.get());
  if (options_.log_requests) log_ = std::make_unique<Log>();
  if (is_postgres(options_.ledger.where)) {
    TROIKA_TRY(quotas_, open_postgres_quotas(options_.ledger.where));
  } else {
    auto local = std::make_unique<LocalQuotas>();
    if (ledger_) TROIKA_RETURN_IF_ERROR(restore_quotas(*ledger_, unix_time_ms(), *local));
    quotas_ = std::move(local);
  }
  accounts_ = std::make_unique<Accounts>(AccountsOptions{.tenants = tenants_.get(),
                                                         .quotas = quotas_.get(),
                                                         .ledger = step_ledger_.get(),
                                                         .metrics = &metrics_,
                                                         .log = log_.get()});
  return ok();
}

Status App::open_ledgers() {
  TROIKA_TRY(ledger_, open_ledger(options_.ledger));
  TROIKA_TRY(ledger_view_, view_ledger(options_.ledger.where));
  step_ledger_ = std::make_unique<StepLedger>(
      *ledger_, [this](int64_t rows, double seconds, const Status& status) {
        metrics_.commit_s.observe(seconds);
        metrics_.committed_rows.add(rows);
        if (!status.ok()) metrics_.commit_failures.add();
        const bool failed_before = std::exchange(ledger_fails_, !status.ok());
        if (status.ok() || failed_before) return;  // told once, until it works again
        const std::lock_guard lock(mutex_);
        ledger_trouble_ = status;
      });
  return ok();
}

Status App::listen() {
  const auto needs_keys = [](const http::Listener& listener, std::string_view flags) {
    return fail(ErrorCode::invalid_argument,
                "anybody who reaches {} could use the server, wanted {}, or an address of this "
                "machine alone, as 127.0.0.1",
                listener.host, flags);
  };
  if (!gate_->needs_key() && !is_loopback(options_.listener.host))
    return needs_keys(options_.listener, "--tenants or --api-key");
  std::vector<http::Listener> listeners = {options_.listener};
  listeners[0].handler = [this](const auto& exchange) { take(router_, exchange); };
  if (options_.admin) {
    if (!gate_->needs_admin_key() && !is_loopback(options_.admin->host))
      return needs_keys(*options_.admin, "--admin-key");
    listeners.push_back(*options_.admin);
    listeners[1].handler = [this](const auto& exchange) { take(admin_router_, exchange); };
  }
  TROIKA_TRY(server_, http::Server::start({.listeners = std::move(listeners),
                                           .limits = options_.limits,
                                           .io_threads = options_.io_threads}));
  return ok();
}

Result<std::unique_ptr<App>> App::start(AppOptions options) {
  std::unique_ptr<App> app(new App(std::move(options)));
  TROIKA_RETURN_IF_ERROR(app->open_books());
  app->add_routes();
  Accounts* accounts = app->accounts_.get();
  app->delivery_ = std::make_unique<Delivery>(
      DeliveryOptions{.write_down = [accounts](std::vector<LedgerUpdate> updates) {
        return accounts->commit(std::move(updates));
      }});
  app->workers_ = std::make_unique<Workers>(app->options_.workers, app->options_.waiting_max);
  TROIKA_RETURN_IF_ERROR(app->listen());
  app->loader_ = std::thread([self = app.get()] { self->load(); });
  return app;
}

App::~App() {
  if (loader_.joinable()) loader_.join();
  if (server_) server_->stop();         // nobody hangs up on what goes now
  workers_.reset();                     // submits no more
  if (model_) model_->engine().stop();  // ends what is at work
  delivery_.reset();                    // tells it, which may still look at the model
  model_.reset();
  server_.reset();  // and what holds accounts
}

void App::load() {
  Result<ModelParts> parts = options_.load();
  Status status = parts.ok() ? ok() : Status(parts.error());
  std::unique_ptr<ServedModel> model;
  if (parts.ok()) {
    ServingOptions serving = options_.serving;
    serving.on_worked = [&step_s = metrics_.step_s.with({serving.alias}),
                         &step_rows = metrics_.step_rows.with({serving.alias})](double seconds,
                                                                                int64_t rows) {
      step_s.observe(seconds);
      step_rows.set(static_cast<double>(rows));
    };
    auto started = ServedModel::start(std::move(*parts), std::move(serving), *delivery_);
    if (started.ok())
      model = std::move(*started);
    else
      status = started.error();
  }
  const std::lock_guard lock(mutex_);
  model_ = std::move(model);
  load_status_ = status;
  if (state_ == State::loading) state_ = status.ok() ? State::ready : State::failed;
  loaded_.notify_all();
}

Status App::wait_until_loaded() {
  std::unique_lock lock(mutex_);
  loaded_.wait(lock, [this] { return state_ != State::loading; });
  return load_status_;
}

Status App::tick() {
  fold_old_rows();
  {
    const std::lock_guard lock(mutex_);
    if (!ledger_trouble_.ok()) return std::exchange(ledger_trouble_, ok());
  }
  const Result<bool> changed = tenants_->reload_if_changed();
  return changed.ok() ? ok() : Status(changed.error());
}

/// Of days that are too old, once an hour: a day is over somewhere in the night of whoever looks.
void App::fold_old_rows() {
  constexpr int64_t kHourMs = 3'600'000, kDayMs = 24 * kHourMs;
  const int64_t now_ms = unix_time_ms();
  if (ledger_view_ == nullptr || options_.ledger.keep_days <= 0 || now_ms < next_fold_ms_) return;
  next_fold_ms_ = now_ms + kHourMs;
  const bool taken = workers_->post([this, now_ms] {
    const Result<int64_t> folded = ledger_view_->fold(now_ms - options_.ledger.keep_days * kDayMs);
    if (folded.ok()) return;
    const std::lock_guard lock(mutex_);
    ledger_trouble_ = folded.error();
  });
  if (!taken) next_fold_ms_ = 0;
}

Status App::reload() {
  Status tenants = tenants_->reload();
  Status certificates = server_->reload_certificates();
  return tenants.ok() ? certificates : tenants;
}

ServedModel* App::model() {
  const std::lock_guard lock(mutex_);
  return state_ == State::ready ? model_.get() : nullptr;
}

bool App::drain(double seconds) {
  {
    const std::lock_guard lock(mutex_);
    state_ = State::draining;
    loaded_.notify_all();
  }
  return server_->drain(seconds);
}

http::Response App::readiness() {
  const std::lock_guard lock(mutex_);
  switch (state_) {
    case State::ready:
      return {.body = R"({"status":"ok"})"};
    case State::loading:
      return openai_error(unavailable("the model is being loaded"));
    case State::failed:
      return openai_error(unavailable("the model could not be loaded"));
    case State::draining:
      return openai_error(unavailable("the server is about to stop"));
  }
  return {};
}

/// What the engine said of itself not long ago, as gauges and totals.
void App::show_engine(const EngineStatistics& engine) {
  const std::string& name = options_.serving.alias;
  const auto pages = [&](const char* state, int64_t count) {
    metrics_.pages.with({name, state}).set(static_cast<double>(count));
  };
  pages("free", engine.pages_free);
  pages("cached", engine.pages_cached);
  pages("used", engine.pages - engine.pages_free - engine.pages_cached);
  metrics_.sequences.with({name}).set(static_cast<double>(engine.running));
  const auto directory = tenants_->directory();
  for (const TenantReport& report : engine.tenants) {
    const Tenant* tenant = directory->find(report.tenant);
    if (tenant == nullptr) continue;
    TenantMetrics& m = metrics_.of(tenant->name, name);
    m.waiting.set(static_cast<double>(report.requests.waiting));
    m.running.set(static_cast<double>(report.requests.running));
    m.preemptions.raise_to(report.requests.preempted);
    m.cache_lookups.raise_to(report.cache.lookups);
    m.cache_hits.raise_to(report.cache.hits);
    m.cache_pages.set(static_cast<double>(report.cache.pages));
    m.cache_checkpoints.set(static_cast<double>(report.cache.checkpoints));
  }
}

http::Response App::metrics() {
  const http::ServerStatistics now = server_->statistics();
  metrics_.connections.set(static_cast<double>(now.connections));
  metrics_.streams.set(static_cast<double>(now.exchanges));
  ServedModel* served = model();
  metrics_.ready.with({options_.serving.alias}).set(served != nullptr ? 1 : 0);
  if (log_) metrics_.log_lines_dropped.raise_to(log_->lines_dropped());
  const auto engine = served != nullptr ? served->engine().engine_statistics() : nullptr;
  if (engine) show_engine(*engine);
  return {.content_type = "text/plain; version=0.0.4", .body = metrics_.registry.text()};
}

void App::take(const Router& router, const std::shared_ptr<http::Exchange>& exchange) {
  const RequestNames names = name_request(*exchange);
  const http::Request& request = exchange->request();
  const Router::Match match = router.find(request);
  exchange->on_status([this, route = match.route](int status) {
    metrics_.count_http(route != nullptr ? route->path : "none", status);
  });
  if (match.route == nullptr) {
    Refusal refusal{
        .status = 404, .message = "there is nothing at this path", .type = "not_found_error"};
    if (!match.methods.empty()) {
      refusal.status = 405;
      refusal.message = fmt::format("the method is {}, wanted {}", request.method, match.methods);
      refusal.headers.push_back({"Allow", match.methods});
    }
    return exchange->respond(refusal_for(request, refusal));
  }
  const auto entry = gate_->let_in(request, match.route->access);
  if (const auto* refusal = std::get_if<Refusal>(&entry))
    return exchange->respond(refusal_for(request, *refusal));
  const Caller& caller = std::get<Caller>(entry);
  if (match.route->at_once) return match.route->at_once(exchange, caller);
  const bool taken = workers_->post([this, route = match.route, exchange, names, caller] {
    answer_with_model({.exchange = exchange,
                       .request_id = names.id,
                       .trace = names.trace,
                       .route = route->path,
                       .caller = caller},
                      *route);
  });
  if (!taken)
    exchange->respond(refusal_for(request, unavailable("too many requests wait to be read")));
}

void App::answer_with_model(Admitted admitted, const Route& route) {
  if (admitted.exchange->gone()) return admitted.exchange->abort();
  ServedModel* served = model();
  if (served == nullptr) return admitted.exchange->respond(readiness());
  // Before the first request of a tenant, so that the engine knows it.
  accounts_->sync([&](TenantChanges changes) {
    served->engine().call(
        [changes = std::move(changes)](Engine& engine) { tell_engine(changes, engine); });
  });
  route.with_model({std::move(admitted), *served, *delivery_, *accounts_});
}

}  // namespace troika::serve
