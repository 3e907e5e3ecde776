// The HTTP/1.1 server: sockets, TLS, limits and time. It knows exchanges and no routes.
//
// One I/O thread (more on request) runs a coroutine for each connection; it parses, hands whole
// requests to the listener's handler and sends what handlers write. It never computes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/result.h"
#include "serve/http/exchange.h"

namespace troika::serve::http {

/// What one client, or all together, may take.
struct Limits {
  int64_t header_bytes = 16 << 10;            // of a request line and its headers
  int64_t body_bytes = int64_t{32} << 20;     // of a request
  int64_t bodies_bytes = int64_t{512} << 20;  // of all requests at work together
  int64_t connections = 8192;                 // more are told so and closed
  int64_t pending_bytes = int64_t{8} << 20;   // written and not taken by a client
  double header_s = 10;  // from the first byte of a request, or of a connection, to its last header
  double body_s = 60;    // from there to the end of the body
  double idle_s = 75;    // between two requests
  double write_s = 30;   // for a client to take 64 KiB
};

/// Both files, or self_signed, or neither: no TLS.
struct TlsOptions {
  std::string certificate_file;  // PEM, the chain with it
  std::string key_file;          // PEM
  bool self_signed = false;      // makes a certificate for this run
  bool on() const { return self_signed || !certificate_file.empty() || !key_file.empty(); }
};

/// An address to listen on, and who answers there.
struct Listener {
  std::string host = "127.0.0.1";  // a name or an address
  uint16_t port = 8080;            // 0: any free one
  TlsOptions tls;
  Handler handler;
};

struct ServerOptions {
  std::vector<Listener> listeners;
  Limits limits;
  int io_threads = 1;
};

struct ServerStatistics {
  int64_t connections = 0;  // open
  int64_t exchanges = 0;    // not answered to the end
  int64_t accepted = 0;     // connections so far
  int64_t requests = 0;     // read whole so far
  int64_t turned_away = 0;  // connections over the limit
};

class Server {
 public:
  /// Listens on all addresses before it returns. Errors: invalid_argument — an option out of its
  /// range, a certificate or key that does not work; not_found — a host that has no address;
  /// exhausted — a port that is taken.
  static Result<std::unique_ptr<Server>> start(ServerOptions options);

  /// Closes all connections at once; clients of exchanges at work are told nothing. No exchange is
  /// used by anybody while this goes.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// The port of the n-th listener.
  uint16_t port(size_t listener = 0) const;

  /// Accepts no connection any more, closes each after the answer that it waits for, and returns
  /// when none is open or `seconds` are over. False: some are still open.
  bool drain(double seconds);

  /// Reads the files of certificates again, for connections to come. Errors: those of start(); the
  /// certificates stay as they were. Thread: any.
  Status reload_certificates();

  /// Ends the I/O threads: nobody hears or is told anything any more. Exchanges may still be used,
  /// to no effect, until this is destroyed.
  void stop();

  ServerStatistics statistics() const;

 private:
  struct Inside;
  explicit Server(std::unique_ptr<Inside> inside);
  std::unique_ptr<Inside> inside_;
};

}  // namespace troika::serve::http
