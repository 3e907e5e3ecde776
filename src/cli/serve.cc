// troika serve: one model, over HTTP, for many.

#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "cli/chat_flags.h"
#include "cli/choice.h"
#include "cli/command.h"
#include "cli/engine_flags.h"
#include "cli/interrupt.h"
#include "cli/sampling_flags.h"
#include "cli/serve_sandbox.h"
#include "cli/session_flags.h"
#include "cli/streams.h"
#include "core/progress.h"
#include "core/text_file.h"
#include "runtime/devices.h"
#include "runtime/model_session.h"
#include "serve/app.h"

namespace troika::cli {
namespace {

struct ServeOptions {
  SessionOptions session;
  SamplingFlags sampling;
  serve::AppOptions app;
  std::string api_key_file, admin_key_file;
  bool embeddings = false;
  double drain_s = 30;
  ServeSandbox sandbox;
  ChatFlags chat;
  serve::http::Listener admin;
  int admin_port = -1;
};

Status add_keys_of_file(const std::string& path, std::vector<std::string>& keys) {
  if (path.empty()) return ok();
  TROIKA_TRY(const std::string text, read_text_file(path));
  const size_t before = keys.size();
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string line = text.substr(at, end - at);
    if (line.find_first_not_of(" \t\r") != std::string::npos)
      keys.push_back(line.substr(0, line.find_last_not_of(" \t\r") + 1));
    at = end + 1;
  }
  if (keys.size() == before)
    return fail(ErrorCode::invalid_argument, "{}: no key, wanted one a line", path);
  return ok();
}

/// Everything that a model is made of, with the session as its owner.
Result<serve::ModelParts> load_parts(const ServeOptions& options) {
  TROIKA_TRY(std::shared_ptr<ModelSession> session, ModelSession::open(options.session));
  Progress progress = Progress::on(stderr);
  TROIKA_RETURN_IF_ERROR(session->load(progress));
  serve::ModelParts parts{.tokenizer = &session->tokenizer(),
                          .metadata = &session->file().metadata(),
                          .info = session->info(),
                          .context = session->context(),
                          .speculation = session->speculation(),
                          .engine = session->take_engine()};
  TROIKA_TRY(parts.chat,
             load_chat_template(options.chat, session->file().metadata(), session->tokenizer()));
  parts.shown = output_markers(session->tokenizer(), parts.chat->source());
  if (options.embeddings) {
    TROIKA_TRY(parts.embedder, Embedder::make(session->loaded(),
                                              {.context = session->context(),
                                               .chunk_tokens = options.session.model.chunk_tokens,
                                               .kv_dtype = options.session.model.kv_dtype}));
  }
  parts.owner = std::move(session);
  return parts;
}

/// On stderr, if something is wrong.
void say(const Status& status) {
  if (!status.ok()) write_stderr(fmt::format("troika: {}\n", status.error().message()));
}

Status serve_model(ServeOptions& options) {
  using namespace std::chrono_literals;
  ReloadScope reload;
  serve::AppOptions& app_options = options.app;
  TROIKA_RETURN_IF_ERROR(add_keys_of_file(options.api_key_file, app_options.gate.api_keys));
  TROIKA_RETURN_IF_ERROR(add_keys_of_file(options.admin_key_file, app_options.gate.admin_keys));
  TROIKA_TRY(app_options.serving.sampling, resolve(options.sampling));
  if (app_options.serving.alias.empty())
    app_options.serving.alias = std::filesystem::path(options.session.model.path).stem();
  options.session.show_markers = true;
  options.session.hidden_rows = options.embeddings;
  if (options.admin_port >= 0) {
    options.admin.port = static_cast<uint16_t>(options.admin_port);
    options.admin.tls = app_options.listener.tls;
    app_options.admin = options.admin;
  }
  TROIKA_RETURN_IF_ERROR(options.sandbox.before_threads(
      {.models = {options.session.model.path, options.session.draft_model},
       .read = {app_options.listener.tls.certificate_file, app_options.listener.tls.key_file},
       .write = {app_options.tenants_file, options.session.cache.disk_folder.empty()
                                               ? ""
                                               : options.session.cache.disk_folder + "/any"},
       .ledger = app_options.ledger.where,
       .gpu = wants_gpu(options.session.model.device)}));
  app_options.load = [&options] { return load_parts(options); };
  TROIKA_TRY(const std::unique_ptr<serve::App> app, serve::App::start(app_options));
  const auto url_of = [](const serve::http::Listener& listener, uint16_t port) {
    return fmt::format("{}://{}:{}", listener.tls.on() ? "https" : "http", listener.host, port);
  };
  const std::string url = url_of(app_options.listener, app->port());
  write_stderr(
      fmt::format("troika: listening on {}, loading {}\n", url, options.session.model.path));
  if (app_options.admin)
    write_stderr(fmt::format("troika: the operator's routes are at {}\n",
                             url_of(*app_options.admin, app->admin_port())));
  TROIKA_RETURN_IF_ERROR(app->wait_until_loaded());
  TROIKA_RETURN_IF_ERROR(options.sandbox.when_loaded());
  const InterruptScope interrupt;  // who reads the next line may send a signal at once
  write_stderr(fmt::format("troika: ready, {} as \"{}\"\n", url, app_options.serving.alias));
  for (int ticks = 0; !interrupt.requested(); ticks++) {
    std::this_thread::sleep_for(50ms);
    if (reload.take_request()) say(app->reload());
    if (ticks % 20 == 19) say(app->tick());
  }
  write_stderr("troika: answering what is at work, then stopping\n");
  if (!app->drain(options.drain_s))
    write_stderr(fmt::format("troika: stopped after {} s with answers at work\n", options.drain_s));
  return ok();
}

void add_listen_flags(CLI::App& app, ServeOptions& options) {
  serve::AppOptions& o = options.app;
  app.add_option("--host", o.listener.host,
                 "address to listen on; others than this machine's own want keys")
      ->capture_default_str();
  app.add_option("--port", o.listener.port, "port to listen on; 0: any free one")
      ->check(between(0, 65535))
      ->capture_default_str();
  app.add_option("--api-key", o.gate.api_keys, "a key that requests must have; may be repeated")
      ->expected(1)
      ->take_all()
      ->type_name("KEY");
  app.add_option("--api-key-file", options.api_key_file,
                 "a file with a key on each line, which no list of processes shows")
      ->type_name("FILE");
  app.add_option("--ssl-cert-file", o.listener.tls.certificate_file, "certificate for TLS, PEM")
      ->type_name("FILE");
  app.add_option("--ssl-key-file", o.listener.tls.key_file, "its key, PEM")->type_name("FILE");
  app.add_flag("--tls-self-signed", o.listener.tls.self_signed,
               "speak TLS with a certificate made for this run");
}

void add_tenant_flags(CLI::App& app, ServeOptions& options) {
  serve::AppOptions& o = options.app;
  app.add_option("--tenants", o.tenants_file,
                 "who may ask, and how much: a file that 'troika tenant' changes")
      ->type_name("FILE");
  app.add_option("--replica", o.ledger.replica,
                 "this server's name, of several that share a ledger in PostgreSQL")
      ->type_name("NAME")
      ->capture_default_str();
  app.add_option("--ledger", o.ledger.where,
                 "where each request's usage is kept: a file of SQLite, or postgresql://...")
      ->type_name("WHERE");
  app.add_flag("--ledger-power-safe", o.ledger.power_safe,
               "usage survives the end of the machine's power, at a flush of the disk each step");
  app.add_option("--ledger-keep-days", o.ledger.keep_days,
                 "days after which requests become sums of each day; 0: never")
      ->check(between(0, 36'500))
      ->capture_default_str();
  app.add_option("--admin-host", options.admin.host, "address of the operator's routes")
      ->capture_default_str();
  app.add_option("--admin-port", options.admin_port,
                 "port of the operator's routes, as /metrics; -1: none; 0: any free one")
      ->check(between(-1, 65535))
      ->capture_default_str();
  app.add_option("--admin-key", o.gate.admin_keys,
                 "a key that the operator's requests must have; may be repeated")
      ->expected(1)
      ->take_all()
      ->type_name("KEY");
  app.add_option("--admin-key-file", options.admin_key_file,
                 "a file with such a key on each line, which no list of processes shows")
      ->type_name("FILE");
  app.add_flag("--log-requests", o.log_requests, "a line of JSON on stderr for each request");
}

void add_limit_flags(CLI::App& app, ServeOptions& options) {
  serve::AppOptions& o = options.app;
  app.add_option("--threads-http", o.io_threads, "threads for connections")
      ->check(between(1, 64))
      ->capture_default_str();
  app.add_option("--connections-max", o.limits.connections, "connections at the same time")
      ->check(between(1, 1 << 20))
      ->capture_default_str();
  app.add_option("--body-bytes-max", o.limits.body_bytes, "bytes of a request's body")
      ->check(between(1, int64_t{1} << 32))
      ->capture_default_str();
  app.add_option("--requests-max", o.serving.requests_max, "requests that wait or are at work")
      ->check(between(1, 1 << 20))
      ->capture_default_str();
  app.add_option("--timeout,--to", o.serving.timeout_s,
                 "seconds from a request to the end of its answer; 0: none")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--drain-timeout", options.drain_s,
                 "seconds that answers at work have to end after SIGTERM or Ctrl-C")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
}

class ServeCommand final : public Command {
 public:
  ServeCommand() {
    options_.session.sharing = {.sequences_max = 4, .step_ms_max = 200};
    options_.session.cache = {.on = true, .bytes = int64_t{256} << 20, .checkpoints = 64};
  }
  std::string_view name() const override { return "serve"; }
  std::string_view summary() const override {
    return "Answer requests over HTTP, as OpenAI's and Anthropic's APIs";
  }
  std::string_view examples() const override {
    return "  troika serve model.gguf\n"
           "  troika serve model.gguf -c 8192 -np 16 --port 8000 --alias my-model\n"
           "  troika serve model.gguf --host 0.0.0.0 --api-key-file keys.txt --tls-self-signed\n"
           "  curl http://127.0.0.1:8080/v1/chat/completions -d "
           "'{\"messages\": [{\"role\": \"user\", \"content\": \"Hello\"}]}'\n";
  }
  void declare(CLI::App& app) override {
    add_session_flags(app, options_.session);
    add_listen_flags(app, options_);
    add_parallel_flag(app, options_.session.sharing.sequences_max, "");
    add_sharing_flags(app, options_.session.sharing);
    add_cache_flags(app, options_.session.cache);
    add_disk_cache_flags(app, options_.session.cache);
    app.add_option("-a,--alias", options_.app.serving.alias,
                   "what the API calls the model [the file's name]");
    app.add_option(
           "-n,--predict", options_.app.serving.tokens_max,
           "tokens of an answer where a request says nothing; -1: until the context is full")
        ->check(between(-1, INT32_MAX))
        ->capture_default_str();
    app.add_flag("--embeddings,--embedding", options_.embeddings, "answer /v1/embeddings");
    add_sampling_flags(app, options_.sampling);
    add_chat_flags(app, options_.chat);
    add_tenant_flags(app, options_);
    add_limit_flags(app, options_);
    options_.sandbox.declare(app);
  }
  Status check() const override {
    TROIKA_RETURN_IF_ERROR(check_chat(options_.chat));
    const Result<SamplingOptions> sampling = resolve(options_.sampling);
    return sampling.ok() ? ok() : Status(sampling.error());
  }
  SessionOptions* session() override { return &options_.session; }
  Status run() override { return serve_model(options_); }

 private:
  ServeOptions options_;
};

}  // namespace

std::unique_ptr<Command> make_serve_command() {
  return std::make_unique<ServeCommand>();
}

}  // namespace troika::cli
