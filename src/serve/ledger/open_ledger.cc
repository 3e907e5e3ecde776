#include "serve/ledger/open_ledger.h"

#include "serve/ledger/postgres_ledger.h"
#include "serve/ledger/sqlite_ledger.h"

namespace troika::serve {

bool is_postgres(std::string_view where) {
  return where.starts_with("postgresql://") || where.starts_with("postgres://");
}

Result<std::unique_ptr<Ledger>> open_ledger(const LedgerOptions& options) {
  if (is_postgres(options.where))
    return open_postgres_ledger({.connection = options.where,
                                 .replica = options.replica,
                                 .power_safe = options.power_safe});
  return open_sqlite_ledger(options.where, {.power_safe = options.power_safe});
}

Result<std::unique_ptr<Ledger>> view_ledger(const std::string& where) {
  return is_postgres(where) ? view_postgres_ledger(where) : view_sqlite_ledger(where);
}

}  // namespace troika::serve
