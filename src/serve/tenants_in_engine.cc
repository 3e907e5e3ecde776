#include "serve/tenants_in_engine.h"

#include <algorithm>

namespace troika::serve {

void tell_engine(const TenantChanges& changes, Engine& engine) {
  // In range: the tenants file was checked, and shares are parts of what there is.
  for (const Tenant& tenant : changes.changed)
    (void)engine.set_tenant(tenant.id, scheduler_policy(tenant)).ok();
  PrefixCache* cache = engine.memory().cache();
  if (cache == nullptr) return;
  // All floors go first, so that one may grow by what another gives up.
  for (const TenantId tenant : changes.gone) (void)cache->set_limits(tenant, {}).ok();
  for (const Tenant& tenant : changes.changed) (void)cache->set_limits(tenant.id, {}).ok();
  const PrefixCacheOptions& room = cache->options();
  const int64_t pages = engine.memory().pages().count();
  for (const Tenant& tenant : changes.changed) {
    const CacheLimits limits = cache_limits(tenant, pages, room.checkpoints);
    // Floors are of what texts at work do not need, ceilings of all that there is.
    const CacheLimits floors =
        cache_limits(tenant, std::min(room.floor_pages_max, pages), room.checkpoints);
    (void)cache
        ->set_limits(tenant.id, {.pages_min = std::min(floors.pages_min, limits.pages_max),
                                 .pages_max = limits.pages_max,
                                 .checkpoints_min = limits.checkpoints_min,
                                 .checkpoints_max = limits.checkpoints_max})
        .ok();
  }
}

}  // namespace troika::serve
