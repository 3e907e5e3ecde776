// Who may come in: keys, and, where there are none, only what a person at this machine asks for.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "serve/accounts/accounts.h"
#include "serve/http/message.h"
#include "serve/router.h"

namespace troika::serve {

struct GateOptions {
  std::vector<std::string> api_keys;    // of the local tenant, where there is no tenants file
  std::vector<std::string> admin_keys;  // of the operator; empty: whoever is at this machine
};

/// Immutable. Thread: any.
class Gate {
 public:
  /// `tenants` is borrowed.
  Gate(const GateOptions& options, const TenantStore& tenants);

  /// Whether anybody needs a key: a server without keys listens on the loopback only.
  bool needs_key() const { return !api_keys_.empty() || tenants_.directory()->needs_key(); }
  bool needs_admin_key() const { return !admin_keys_.empty(); }

  /// Lets a request in, or says why not. Without keys, a request must name the loopback as its
  /// host and come from no page of elsewhere: a browser on this machine is no way in for others.
  std::variant<Caller, Refusal> let_in(const http::Request& request, Access access) const;

 private:
  std::variant<Caller, Refusal> local(const http::Request& request) const;
  Caller local_caller() const;

  const TenantStore& tenants_;
  std::vector<KeyDigest> api_keys_, admin_keys_;
};

/// The key that a request brings: "Authorization: Bearer KEY" or "X-Api-Key: KEY"; empty: none.
std::string_view key_of(const http::Request& request);

/// Whether `host` is a name or an address of this machine alone; a port may follow.
bool is_loopback(std::string_view host);

}  // namespace troika::serve
