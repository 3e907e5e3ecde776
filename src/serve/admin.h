// The operator's routes: tenants and what they used.
//
//   GET    /admin/tenants                  all, with their settings and the ids of their keys
//   POST   /admin/tenants                  {"name", settings ...}: a new one; its key, shown once
//   PATCH  /admin/tenants/NAME             {settings ...}; null: as a new tenant has it
//   DELETE /admin/tenants/NAME
//   POST   /admin/tenants/NAME/rotate-key  a new key, shown once
//   GET    /admin/usage?from=DAY&to=DAY&tenant=NAME   `to` is the day after the last
#pragma once

#include "serve/accounts/accounts.h"
#include "serve/http/message.h"

namespace troika::serve {

/// Where the operator's requests are answered. Thread: any; each reads or writes a file.
class Admin {
 public:
  /// Borrowed. `ledger` is null where none is kept; it is another view than that which commits, so
  /// that nobody waits for long sums.
  Admin(TenantStore& tenants, Ledger* ledger) : tenants_(tenants), ledger_(ledger) {}

  http::Response list_tenants() const;
  http::Response add_tenant(const http::Request& request);
  /// PATCH, DELETE and POST below /admin/tenants/.
  http::Response change_tenant(const http::Request& request);
  http::Response usage(const http::Request& request) const;

 private:
  TenantStore& tenants_;
  Ledger* ledger_;
};

}  // namespace troika::serve
