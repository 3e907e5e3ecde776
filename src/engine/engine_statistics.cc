#include "engine/engine_statistics.h"

namespace troika {

DraftStatistics EngineStatistics::drafts() const {
  DraftStatistics sum;
  for (const TenantReport& report : tenants) sum += report.drafts;
  return sum;
}

CacheStatistics EngineStatistics::cache() const {
  CacheStatistics sum;
  for (const TenantReport& report : tenants) sum += report.cache;
  return sum;
}

}  // namespace troika
