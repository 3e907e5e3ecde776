// A request that was let in: who asks, and what it is answered with.
#pragma once

#include <memory>
#include <string>

#include "core/ids.h"
#include "serve/api/delivery.h"
#include "serve/api/served_model.h"
#include "serve/http/exchange.h"

namespace troika::serve {

/// Who asks.
struct Caller {
  TenantId tenant{};
  PriorityClass priority = PriorityClass::normal;
};

/// For a handler of an API, on a worker's thread.
struct Call {
  std::shared_ptr<http::Exchange> exchange;
  Caller caller;
  ServedModel& model;
  Delivery& delivery;

  const http::Request& request() const { return exchange->request(); }
};

/// Says in whose name a request is submitted.
inline void admit(const Caller& caller, Request& request) {
  request.tenant = caller.tenant;
  request.priority = caller.priority;
}

}  // namespace troika::serve
