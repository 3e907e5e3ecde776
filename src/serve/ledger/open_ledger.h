// Which kind of ledger a name means, in one place.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "serve/ledger/ledger.h"

namespace troika::serve {

/// Whether `where` names a PostgreSQL database ("postgresql://...", "postgres://..."): else it is
/// the path of a file.
bool is_postgres(std::string_view where);

/// Opens the ledger of a server. @param replica  its name among those that share a database.
/// Errors: those of open_sqlite_ledger() and open_postgres_ledger().
Result<std::unique_ptr<Ledger>> open_ledger(const std::string& where, const std::string& replica);

/// The same for reading and fold(), beside the servers that write it.
Result<std::unique_ptr<Ledger>> view_ledger(const std::string& where);

}  // namespace troika::serve
