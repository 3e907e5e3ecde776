// Quotas that go on where a server stopped.
#pragma once

#include "core/result.h"
#include "serve/ledger/ledger.h"
#include "serve/tenants/quota.h"

namespace troika::serve {

/// Counts in `quotas` what the ledger says was used since the day of `now_ms` began: a limit is no
/// higher for a restart. Errors: those of Ledger::records().
Status restore_quotas(Ledger& ledger, int64_t now_ms, LocalQuotas& quotas);

}  // namespace troika::serve
