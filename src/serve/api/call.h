// A request with what it is answered with.
#pragma once

#include <memory>
#include <string>

#include "serve/accounts/accounts.h"
#include "serve/api/delivery.h"
#include "serve/api/served_model.h"
#include "serve/http/exchange.h"

namespace troika::serve {

/// A request that was let in.
struct Admitted {
  std::shared_ptr<http::Exchange> exchange;
  std::string request_id;
  std::string trace;
  std::string route;
  Caller caller;
};

/// For a handler of an API, on a worker's thread.
struct Call : Admitted {
  ServedModel& model;
  Delivery& delivery;
  Accounts& accounts;

  const http::Request& request() const { return exchange->request(); }

  /// What accounts are told of it.
  RequestFacts facts() const {
    return {.id = request_id,
            .route = route,
            .model = model.name(),
            .trace = trace,
            .context = model.context()};
  }
};

}  // namespace troika::serve
