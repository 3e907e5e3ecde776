#include "serve/tenants/tenant.h"

#include <algorithm>
#include <cmath>

#include "core/printable.h"

namespace troika::serve {

TenantPolicy scheduler_policy(const Tenant& tenant) {
  return {.weight = tenant.weight,
          .queue_max = tenant.queue_max,
          .sequences_max = tenant.sequences_max,
          .highest = tenant.priority};
}

CacheLimits cache_limits(const Tenant& tenant, int64_t pages, int64_t checkpoints) {
  const auto part = [](double share, int64_t all) {
    return static_cast<int64_t>(std::floor(share * static_cast<double>(all)));
  };
  const TenantCache& cache = tenant.cache;
  return {.pages_min = part(cache.share_min, pages),
          .pages_max = part(cache.share_max, pages),
          .checkpoints_min = part(cache.share_min, checkpoints),
          .checkpoints_max = part(cache.share_max, checkpoints)};
}

std::string_view priority_name(PriorityClass priority) {
  constexpr std::string_view kNames[kPriorityClasses] = {"interactive", "normal", "batch"};
  return kNames[static_cast<size_t>(priority)];
}

Status check_tenant_name(std::string_view name) {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  const auto allowed = [&](char c) { return plain(c) || c == '.' || c == '_' || c == '-'; };
  const bool sound = !name.empty() && name.size() <= 64 && plain(name[0]) &&
                     std::all_of(name.begin(), name.end(), allowed);
  if (sound && name != kLocalTenant) return ok();
  return fail(
      ErrorCode::invalid_argument,
      "the name \"{}\", wanted 1 to 64 of a-z, 0-9, '.', '_', '-', a letter or digit first, "
      "and not \"{}\"",
      printable(name), kLocalTenant);
}

}  // namespace troika::serve
