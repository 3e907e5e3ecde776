// What the engine is told of tenants: how they are scheduled, and what they may keep in the cache.
#pragma once

#include "engine/engine.h"
#include "serve/accounts/accounts.h"

namespace troika::serve {

/// Thread: the engine's.
void tell_engine(const TenantChanges& changes, Engine& engine);

}  // namespace troika::serve
