#include "serve/tenants/tenant_directory.h"

#include <cstring>

namespace troika::serve {
namespace {

uint64_t beginning(const KeyDigest& digest) {
  uint64_t bits = 0;
  std::memcpy(&bits, digest.bytes.data(), sizeof(bits));
  return bits;
}

}  // namespace

TenantDirectory::TenantDirectory(std::vector<Tenant> tenants, bool needs_key)
    : tenants_(std::move(tenants)), needs_key_(needs_key) {
  for (size_t i = 0; i < tenants_.size(); i++) {
    names_.emplace(tenants_[i].name, i);
    ids_.emplace(tenants_[i].id, i);
    for (const KeyRecord& key : tenants_[i].keys)
      keys_.emplace(beginning(key.digest), Place{key.digest, i});
  }
}

const Tenant* TenantDirectory::find_key(std::string_view key) const {
  if (!needs_key_) return tenants_.data();
  if (key.empty() || key.size() > kKeyBytesMax) return nullptr;
  const KeyDigest digest = digest_of(key);
  const auto [begin, end] = keys_.equal_range(beginning(digest));
  for (auto place = begin; place != end; ++place)
    if (place->second.digest == digest) return &tenants_[place->second.tenant];
  return nullptr;
}

const Tenant* TenantDirectory::find(std::string_view name) const {
  const auto place = names_.find(std::string(name));
  return place == names_.end() ? nullptr : &tenants_[place->second];
}

const Tenant* TenantDirectory::find(TenantId id) const {
  const auto place = ids_.find(id);
  return place == ids_.end() ? nullptr : &tenants_[place->second];
}

}  // namespace troika::serve
