// All tenants at one moment, found by key, by name and by id.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "serve/tenants/tenant.h"

namespace troika::serve {

/// Does not change once made: threads share it, and a request keeps that which it began with.
class TenantDirectory {
 public:
  /// @param tenants  with ids, as the store checked them.
  /// @param needs_key  false: requests without a key are the local tenant's, the first of these.
  TenantDirectory(std::vector<Tenant> tenants, bool needs_key);
  TenantDirectory(const TenantDirectory&) = delete;
  TenantDirectory& operator=(const TenantDirectory&) = delete;

  bool needs_key() const { return needs_key_; }
  const std::vector<Tenant>& tenants() const { return tenants_; }

  /// Whose key this is; null: nobody's. The key is hashed, compared in constant time, and kept
  /// nowhere. Without needs_key() all are the local tenant's.
  const Tenant* find_key(std::string_view key) const;

  const Tenant* find(std::string_view name) const;
  const Tenant* find(TenantId id) const;

 private:
  struct Place {
    KeyDigest digest;
    size_t tenant = 0;
  };

  std::vector<Tenant> tenants_;
  bool needs_key_;
  std::unordered_multimap<uint64_t, Place> keys_;  // by the first eight bytes of their digests
  std::unordered_map<std::string, size_t> names_;
  std::unordered_map<TenantId, size_t> ids_;
};

}  // namespace troika::serve
