// A ledger in a PostgreSQL database that several servers share.
#pragma once

#include <memory>
#include <string>

#include "serve/ledger/ledger.h"

namespace troika::serve {

struct PostgresOptions {
  std::string connection;  // "postgresql://user@host/database", or as libpq has it
  /// Names this server among the others; one at a time may have a name. A server that comes back
  /// under its name, and any other that starts, closes what it left open.
  std::string replica = "troika";
  /// Commits wait for the database's disk even where its settings say otherwise.
  bool power_safe = false;
};

/// Connects, makes the tables where there are none, and closes the rows of servers that are gone
/// (what they had reserved of shared quotas is given back). A connection that breaks later is made
/// again by the next call.
/// Errors: invalid_argument — another server has the name; exhausted — the database does not
/// answer; unsupported — its tables are of a later version.
Result<std::unique_ptr<Ledger>> open_postgres_ledger(const PostgresOptions& options);

/// The same for reading and fold(), without a name.
Result<std::unique_ptr<Ledger>> view_postgres_ledger(const std::string& connection);

}  // namespace troika::serve
