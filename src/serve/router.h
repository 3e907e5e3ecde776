// Which request goes where: a table of routes that tests can read.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "serve/api/call.h"
#include "serve/http/exchange.h"

namespace troika::serve {

/// Who may ask.
enum class Access : uint8_t {
  open,   // anybody who reaches the listener
  key,    // whoever has a key, once there are keys
  admin,  // the operator
};

/// One row of the table. Exactly one of the handlers is there.
struct Route {
  std::string method;  // "GET", which serves HEAD too
  std::string path;    // "/v1/models"; "/v1/models/*" is all below
  Access access = Access::key;
  /// Answers at once, on the I/O thread; must not take long.
  std::function<void(std::shared_ptr<http::Exchange>, const Caller&)> at_once = {};
  /// Answers with the model, on a worker's thread.
  std::function<void(const Call&)> with_model = {};
};

class Router {
 public:
  void add(Route route) { routes_.push_back(std::move(route)); }
  const std::vector<Route>& routes() const { return routes_; }

  /// What was found: a route, or the methods that the path has ("GET, POST"; empty: no such path).
  struct Match {
    const Route* route = nullptr;
    std::string methods;
  };
  Match find(const http::Request& request) const;

 private:
  std::vector<Route> routes_;
};

}  // namespace troika::serve
