// Which kind of ledger a name means, in one place.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "serve/ledger/ledger.h"

namespace troika::serve {

/// Whether `where` names a PostgreSQL database ("postgresql://...", "postgres://..."): else it is
/// the path of a file.
bool is_postgres(std::string_view where);

struct LedgerOptions {
  std::string where;               // a file, or a database; empty: none is kept
  std::string replica = "troika";  // the server's name among those that share a database
  bool power_safe = false;         // each commit also survives the end of the machine's power
  int64_t keep_days = 0;           // older requests become sums of their days; 0: none do
};

/// Opens the ledger of a server. Errors: those of open_sqlite_ledger() and open_postgres_ledger().
Result<std::unique_ptr<Ledger>> open_ledger(const LedgerOptions& options);

/// The same for reading and fold(), beside the servers that write it.
Result<std::unique_ptr<Ledger>> view_ledger(const std::string& where);

}  // namespace troika::serve
