// The tables and functions of a shared database.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "core/result.h"
#include "serve/ledger/postgres.h"

namespace troika::serve {

/// Makes what is not there; servers that start at the same time wait for each other.
/// Errors: unsupported — it was made by a later version.
Status make_postgres_schema(PostgresConnection& connection);

/// What a reservation gives back (or takes beyond itself), in the window that it was taken from.
struct QuotaChange {
  std::string tenant;
  int64_t second = 0;
  int64_t tokens = 0;
};

/// All of them in one statement: of settle_all() and of servers that died.
Status give_back(PostgresConnection& connection, std::span<const QuotaChange> changes);

}  // namespace troika::serve
