// A ledger in a file of SQLite, for one server.
#pragma once

#include <memory>
#include <string>

#include "serve/ledger/ledger.h"

namespace troika::serve {

struct SqliteLedgerOptions {
  /// Each commit waits for the disk, so that it also survives the end of the machine's power; else
  /// only that of the process. Costs one flush of the disk a step.
  bool power_safe = false;
};

/// Opens the ledger at `path` for the one server that writes it, and makes it where there is none;
/// closes what an earlier process left open. Readers may look at it meanwhile (WAL mode).
/// Errors: invalid_argument — another process writes it; corrupt — the file is no ledger, or one of
/// a later version; not_found — it cannot be opened.
Result<std::unique_ptr<Ledger>> open_sqlite_ledger(const std::string& path,
                                                   const SqliteLedgerOptions& options = {});

/// The same for reading (totals, records) and fold(), beside the server that writes it.
/// Errors: the same; not_found — there is none.
Result<std::unique_ptr<Ledger>> view_sqlite_ledger(const std::string& path);

}  // namespace troika::serve
