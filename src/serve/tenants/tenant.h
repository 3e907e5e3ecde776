// A tenant: who may ask, how much, and how urgently. What the operator writes into the tenants file
// or says to the admin routes, checked, and before any of it reaches the engine.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/ids.h"
#include "engine/draft_statistics.h"
#include "engine/prefix_cache.h"
#include "engine/tenants.h"
#include "serve/tenants/api_key.h"

namespace troika::serve {

inline constexpr int64_t kTenantsMax = 10'000;
inline constexpr int64_t kTenantKeysMax = 16;

/// The one tenant where there is no tenants file: its id is 0, its name may not be given to others.
inline constexpr std::string_view kLocalTenant = "local";

/// How much may be asked for. Empty: as much as there is.
struct QuotaLimits {
  std::optional<int64_t> requests_per_minute;
  std::optional<int64_t> tokens_per_minute;  // of prompts and answers
  std::optional<int64_t> tokens_per_day;     // of UTC

  bool operator==(const QuotaLimits&) const = default;
};

/// Whose texts share their beginnings with the tenant's.
enum class CacheSharing : uint8_t { own, group, off };

/// What a tenant may keep of the prefix cache.
struct TenantCache {
  CacheSharing sharing = CacheSharing::own;
  std::string group;     // its name, where sharing says so
  GroupId group_id{};    // the same, for the engine
  double share_min = 0;  // of the cache that nobody else's texts take; 0 ... 1
  double share_max = 1;  // of the cache, at most

  bool operator==(const TenantCache&) const = default;
};

/// Which drafts a tenant's requests may ask for.
struct TenantSpeculation {
  bool allowed = true;
  int64_t tokens_max = kDraftTokensMax;  // in one step

  bool operator==(const TenantSpeculation&) const = default;
};

struct Tenant {
  TenantId id{};  // of this process: 0 is the local one; a name keeps its id
  std::string name;
  std::vector<KeyRecord> keys;
  double weight = 1;
  /// Of its requests that name none, and the most urgent that they may name.
  PriorityClass priority = PriorityClass::normal;
  QuotaLimits quota;
  int64_t sequences_max = 1 << 20;     // at work at the same time
  int64_t queue_max = 64;              // requests that may wait
  std::optional<int64_t> context_max;  // tokens of a prompt and its answer
  TenantCache cache;
  TenantSpeculation speculation;

  bool operator==(const Tenant&) const = default;
};

/// What the scheduler is told.
TenantPolicy scheduler_policy(const Tenant& tenant);

/// What the prefix cache is told, of `pages` and `checkpoints` that it may keep.
CacheLimits cache_limits(const Tenant& tenant, int64_t pages, int64_t checkpoints);

/// "interactive", "normal", "batch".
std::string_view priority_name(PriorityClass priority);

/// Errors: invalid_argument — a name is 1 to 64 of a-z, 0-9, '.', '_' and '-', begins with a letter
/// or a digit and is not kLocalTenant: it stands in file names, labels and columns as it is.
Status check_tenant_name(std::string_view name);

}  // namespace troika::serve
