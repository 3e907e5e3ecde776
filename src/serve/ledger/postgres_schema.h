// The tables and functions of a shared database.
#pragma once

#include "core/result.h"
#include "serve/ledger/postgres.h"

namespace troika::serve {

/// Makes what is not there; servers that start at the same time wait for each other.
/// Errors: unsupported — it was made by a later version.
Status make_postgres_schema(PostgresConnection& connection);

/// What a reservation gives back, in a window of quotas: settle() and the end of servers that died.
Status give_back(PostgresConnection& connection, const std::string& tenant, int64_t second,
                 int64_t tokens_change);

}  // namespace troika::serve
