// Quotas that several servers share, in a PostgreSQL database: the same windows as LocalQuotas has,
// counted by the database under a lock of the tenant's row, in one statement for a reservation. So
// no two servers grant the same tokens.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "serve/tenants/quota.h"

namespace troika::serve {

/// Calls take a round trip and wait for each other: not for a thread that answers many clients.
/// @param clock  for tests; empty: the database's, which is the same for all servers.
/// Errors: exhausted — the database does not answer.
Result<std::unique_ptr<Quotas>> open_postgres_quotas(const std::string& connection,
                                                     std::function<double()> clock = {});

}  // namespace troika::serve
