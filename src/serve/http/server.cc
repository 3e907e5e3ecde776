#include "serve/http/server.h"

#include <sys/resource.h>

#include <list>
#include <mutex>
#include <thread>

#include "serve/http/connection.h"
#include "serve/http/tls.h"

namespace troika::serve::http {
namespace {

using Ssl = asio::ssl::stream<Tcp::socket>;

/// Lets this process open as many sockets as it may.
void raise_open_files() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

Status check(const ServerOptions& options) {
  const Limits& l = options.limits;
  const auto positive = [](std::string_view name, double value) -> Status {
    if (value > 0) return ok();
    return fail(ErrorCode::invalid_argument, "{} is {}, wanted more than 0", name, value);
  };
  const std::pair<std::string_view, double> fields[] = {
      {"header_bytes", l.header_bytes},
      {"body_bytes", l.body_bytes},
      {"bodies_bytes", l.bodies_bytes},
      {"connections", l.connections},
      {"pending_bytes", l.pending_bytes},
      {"header_s", l.header_s},
      {"body_s", l.body_s},
      {"idle_s", l.idle_s},
      {"write_s", l.write_s},
      {"io_threads", options.io_threads},
      {"the number of listeners", static_cast<double>(options.listeners.size())}};
  for (const auto& [name, value] : fields) TROIKA_RETURN_IF_ERROR(positive(name, value));
  return ok();
}

}  // namespace

struct Server::Inside {
  struct Port {
    Port(asio::io_context& context, const Listener& from) : acceptor(context), listener(from) {}
    Tcp::acceptor acceptor;
    Listener listener;
    std::shared_ptr<asio::ssl::context> tls;  // guarded by the server's mutex
    uint16_t number = 0;
  };

  explicit Inside(const ServerOptions& options) : context(options.io_threads) {
    shared->limits = options.limits;
  }

  Status listen(const Listener& listener);
  std::shared_ptr<asio::ssl::context> tls_of(const Port& port) {
    const std::lock_guard lock(mutex);
    return port.tls;
  }
  asio::awaitable<void> accept(Port& port);
  template <typename Stream>
  void open(Stream stream, Port& port, const std::string& peer);
  template <typename Do>
  void each(Do what);

  asio::io_context context;
  std::shared_ptr<Shared> shared = std::make_shared<Shared>();
  std::list<Port> ports;
  std::mutex mutex;  // guards open_connections and each Port::tls
  std::list<std::weak_ptr<OpenConnection>> open_connections;
  size_t swept_at = 64;
  std::vector<std::thread> threads;
};

Status Server::Inside::listen(const Listener& listener) {
  SystemError error;
  Tcp::resolver resolver(context);
  const auto found =
      resolver.resolve(listener.host, std::to_string(listener.port), Tcp::resolver::passive, error);
  if (error || found.empty())
    return fail(ErrorCode::not_found, "{}: no address of this machine ({})", listener.host,
                error.message());
  const Tcp::endpoint endpoint = found.begin()->endpoint();
  Port& port = ports.emplace_back(context, listener);
  if (listener.tls.on()) {
    TROIKA_TRY(port.tls, make_tls_context(listener.tls, listener.host));
  }
  port.acceptor.open(endpoint.protocol(), error);
  if (!error) port.acceptor.set_option(Tcp::acceptor::reuse_address(true), error);
  if (!error) port.acceptor.bind(endpoint, error);
  if (!error) port.acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error)
    return fail(ErrorCode::exhausted, "cannot listen on {}:{}: {}", listener.host, listener.port,
                error.message());
  port.number = port.acceptor.local_endpoint(error).port();
  return ok();
}

template <typename Stream>
void Server::Inside::open(Stream stream, Port& port, const std::string& peer) {
  auto connection =
      std::make_shared<Connection<Stream>>(std::move(stream), shared, port.listener.handler, peer);
  {
    const std::lock_guard lock(mutex);
    open_connections.push_back(connection);
    if (open_connections.size() > swept_at) {
      open_connections.remove_if([](const auto& weak) { return weak.expired(); });
      swept_at = 2 * open_connections.size() + 64;
    }
  }
  connection->start();
}

asio::awaitable<void> Server::Inside::accept(Port& port) {
  constexpr std::string_view kFull =
      "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\n"
      "Content-Length: 0\r\n\r\n";
  while (port.acceptor.is_open()) {
    auto [error, socket] =
        co_await port.acceptor.async_accept(asio::make_strand(context), kNoThrow);
    if (error == asio::error::operation_aborted) co_return;
    if (error) {  // no file descriptor is left, say: others will be closed
      asio::steady_timer pause(context, std::chrono::milliseconds(20));
      co_await pause.async_wait(kNoThrow);
      continue;
    }
    shared->accepted++;
    SystemError ignored;
    socket.set_option(Tcp::no_delay(true), ignored);
    if (shared->connections >= shared->limits.connections) {
      shared->turned_away++;
      socket.non_blocking(true, ignored);
      if (!port.listener.tls.on())
        socket.write_some(asio::buffer(kFull.data(), kFull.size()), ignored);
      continue;
    }
    const std::string peer = socket.remote_endpoint(ignored).address().to_string();
    Tcp::socket plain(std::move(socket));
    if (const auto tls = tls_of(port))
      open(Ssl(std::move(plain), *tls), port, peer);
    else
      open(std::move(plain), port, peer);
  }
}

template <typename Do>
void Server::Inside::each(Do what) {
  const std::lock_guard lock(mutex);
  for (const auto& weak : open_connections)
    if (const auto connection = weak.lock()) what(*connection);
}

Server::Server(std::unique_ptr<Inside> inside) : inside_(std::move(inside)) {}

Result<std::unique_ptr<Server>> Server::start(ServerOptions options) {
  TROIKA_RETURN_IF_ERROR(check(options));
  raise_open_files();
  auto inside = std::make_unique<Inside>(options);
  for (const Listener& listener : options.listeners)
    TROIKA_RETURN_IF_ERROR(inside->listen(listener));
  Inside* in = inside.get();
  for (Inside::Port& port : in->ports)
    asio::co_spawn(
        in->context, [in, &port] { return in->accept(port); }, asio::detached);
  for (int i = 0; i < options.io_threads; i++)
    in->threads.emplace_back([in] { in->context.run(); });
  return std::unique_ptr<Server>(new Server(std::move(inside)));
}

Server::~Server() {
  stop();
}

void Server::stop() {
  inside_->context.stop();
  for (std::thread& thread : inside_->threads) thread.join();
  inside_->threads.clear();
}

uint16_t Server::port(size_t listener) const {
  return std::next(inside_->ports.begin(), static_cast<std::ptrdiff_t>(listener))->number;
}

bool Server::drain(double seconds) {
  Inside& in = *inside_;
  in.shared->draining = true;
  asio::post(in.context, [&in] {
    SystemError ignored;
    for (Inside::Port& port : in.ports) port.acceptor.close(ignored);
  });
  in.each([](OpenConnection& connection) { connection.drain(); });
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  while (in.shared->connections > 0 && std::chrono::steady_clock::now() < end)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  return in.shared->connections == 0;
}

Status Server::reload_certificates() {
  for (Inside::Port& port : inside_->ports) {
    const TlsOptions& options = port.listener.tls;
    if (!options.on() || options.self_signed) continue;
    TROIKA_TRY(std::shared_ptr<asio::ssl::context> fresh,
               make_tls_context(options, port.listener.host));
    const std::lock_guard lock(inside_->mutex);
    port.tls = std::move(fresh);
  }
  return ok();
}

ServerStatistics Server::statistics() const {
  const Shared& s = *inside_->shared;
  return {.connections = s.connections,
          .exchanges = s.exchanges,
          .accepted = s.accepted,
          .requests = s.requests,
          .turned_away = s.turned_away};
}

}  // namespace troika::serve::http
