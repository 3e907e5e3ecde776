// Which peer a ledger's address means.
#pragma once

#include <optional>
#include <string_view>

#include "core/result.h"
#include "serve/sandbox/sandbox.h"

namespace troika::serve {

/// "postgresql://user@host:5433/name?...": TCP to that port, 5432 if none is named; a host that is
/// missing or a folder ("%2Frun%2Fpostgresql", "?host=/run/postgresql"): a socket in the file
/// system. Anything else is a file: none.
/// Errors: invalid_argument — several hosts, a port that is none.
Result<std::optional<SandboxDatabase>> database_of(std::string_view ledger);

}  // namespace troika::serve
