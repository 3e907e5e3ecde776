#include "serve/ledger/restore_quotas.h"

namespace troika::serve {

Status restore_quotas(Ledger& ledger, int64_t now_ms, LocalQuotas& quotas) {
  // What the minute before midnight took counts as well.
  constexpr int64_t kDayMs = QuotaWindows::kDaySeconds * 1000;
  const int64_t from_ms = now_ms - now_ms % kDayMs - SlidingMinute::kSeconds * 1000;
  return ledger.records({.from_ms = from_ms}, [&](const UsageRecord& record) {
    quotas.restore(record.opening.tenant, static_cast<double>(record.opening.started_ms) / 1000, 1,
                   record.usage.prompt_tokens + record.usage.answer_tokens);
  });
}

}  // namespace troika::serve
