#include "serve/tenants/tenant_store.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>

#include "core/file_lock.h"
#include "core/output_file.h"
#include "core/printable.h"
#include "core/text_file.h"

namespace troika::serve {
namespace {

std::string today() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  return fmt::format("{:04}-{:02}-{:02}", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday);
}

Error no_tenant(std::string_view name) {
  return fail(ErrorCode::not_found, "there is no tenant \"{}\"", printable(name));
}

std::vector<TenantEntry>::iterator entry_of(TenantsFile& file, std::string_view name) {
  return std::find_if(file.entries.begin(), file.entries.end(),
                      [&](const TenantEntry& entry) { return entry.tenant.name == name; });
}

/// The comments and empty lines with which the text of a tenant begins.
std::string comments_above(const std::string& text) {
  size_t at = text.find_first_not_of(" \t\r\n");
  while (at != std::string::npos && text[at] == '#')
    at = text.find_first_not_of(" \t\r\n", text.find('\n', at));
  return at == std::string::npos ? text : text.substr(0, text.rfind('\n', at) + 1);
}

Status apply_all(Tenant& tenant, std::span<const TenantChange> changes) {
  for (const TenantChange& change : changes) TROIKA_RETURN_IF_ERROR(apply(tenant, change));
  return check_tenant(tenant);
}

/// The id for a name: that which it had, or the next.
template <typename Id>
Id id_of(std::map<std::string, Id>& ids, const std::string& name) {
  const auto next = static_cast<Id>(std::ssize(ids) + 1);
  return ids.emplace(name, next).first->second;
}

}  // namespace

Result<std::unique_ptr<TenantStore>> TenantStore::open(const std::string& path) {
  return open(path, false);
}

Result<std::unique_ptr<TenantStore>> TenantStore::open_or_create(const std::string& path) {
  return open(path, true);
}

Result<std::unique_ptr<TenantStore>> TenantStore::open(const std::string& path,
                                                       bool may_be_missing) {
  std::unique_ptr<TenantStore> store(new TenantStore(path));
  store->may_be_missing_ = may_be_missing;
  TROIKA_RETURN_IF_ERROR(store->reload());
  return store;
}

std::unique_ptr<TenantStore> TenantStore::local(Tenant limits) {
  std::unique_ptr<TenantStore> store(new TenantStore(""));
  limits.id = TenantId{0};
  limits.name = kLocalTenant;
  limits.keys.clear();
  store->directory_ =
      std::make_shared<const TenantDirectory>(std::vector<Tenant>{std::move(limits)}, false);
  return store;
}

std::shared_ptr<const TenantDirectory> TenantStore::directory() const {
  const std::lock_guard lock(directory_mutex_);
  return directory_;
}

Result<TenantStore::Version> TenantStore::version_of(const std::string& path) {
  struct stat status = {};
  if (stat(path.c_str(), &status) != 0)
    return fail(ErrorCode::not_found, "{}: cannot open: {}", path, std::strerror(errno));
  return Version{status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_size, status.st_ino};
}

Result<TenantsFile> TenantStore::read() const {
  if (may_be_missing_ && access(path_.c_str(), F_OK) != 0) return TenantsFile{};
  TROIKA_TRY(const std::string text, read_text_file(path_));
  return parse_tenants(text, path_);
}

void TenantStore::publish(const TenantsFile& file) {
  std::vector<Tenant> tenants;
  for (const TenantEntry& entry : file.entries) {
    tenants.push_back(entry.tenant);
    tenants.back().id = id_of(ids_, entry.tenant.name);
    TenantCache& cache = tenants.back().cache;
    if (cache.sharing == CacheSharing::group) cache.group_id = id_of(groups_, cache.group);
  }
  auto directory = std::make_shared<const TenantDirectory>(std::move(tenants), true);
  const std::lock_guard lock(directory_mutex_);
  directory_ = std::move(directory);
}

Status TenantStore::reload_locked() {
  // Asked before reading: what is written in between is seen by the next look.
  const Result<Version> version = version_of(path_);
  version_ = version.ok() ? *version : Version{};
  TROIKA_TRY(const TenantsFile file, read());
  publish(file);
  return ok();
}

Status TenantStore::reload() {
  if (path_.empty()) return ok();
  const std::lock_guard lock(mutex_);
  return reload_locked();
}

Result<bool> TenantStore::reload_if_changed() {
  if (path_.empty()) return false;
  const std::lock_guard lock(mutex_);
  const Result<Version> version = version_of(path_);
  if ((version.ok() ? *version : Version{}) == version_) return false;
  TROIKA_RETURN_IF_ERROR(reload_locked());
  return true;
}

Status TenantStore::edit(const std::function<Status(TenantsFile&)>& change) {
  if (path_.empty())
    return fail(ErrorCode::unsupported, "there is no tenants file to change, wanted --tenants");
  TROIKA_TRY(const FileLock held, FileLock::take(path_ + ".lock"));
  const std::lock_guard lock(mutex_);
  TROIKA_TRY(TenantsFile file, read());
  TROIKA_RETURN_IF_ERROR(change(file));
  const std::string text = write_tenants(file);
  TROIKA_TRY(const TenantsFile checked, parse_tenants(text, path_));
  TROIKA_TRY(OutputFile out, OutputFile::create(path_));
  TROIKA_RETURN_IF_ERROR(out.write(std::as_bytes(std::span(text))));
  TROIKA_RETURN_IF_ERROR(out.commit());
  return reload_locked();
}

Status TenantStore::edit_tenant(std::string_view name,
                                const std::function<Status(Tenant&)>& change) {
  return edit([&](TenantsFile& file) -> Status {
    const auto entry = entry_of(file, name);
    if (entry == file.entries.end()) return no_tenant(name);
    TROIKA_RETURN_IF_ERROR(change(entry->tenant));
    // The comments above it stay, the lines of the tenant are written anew.
    entry->text = comments_above(entry->text) + write_tenant(entry->tenant);
    return ok();
  });
}

Result<NewKey> TenantStore::add(std::string_view name, std::span<const TenantChange> changes) {
  TROIKA_RETURN_IF_ERROR(check_tenant_name(name));
  TROIKA_TRY(NewKey key, make_key(today()));
  Tenant tenant;
  tenant.name = name;
  tenant.keys.push_back(key.record);
  TROIKA_RETURN_IF_ERROR(apply_all(tenant, changes));
  TROIKA_RETURN_IF_ERROR(edit([&](TenantsFile& file) -> Status {
    if (entry_of(file, name) != file.entries.end())
      return fail(ErrorCode::invalid_argument, "there is a tenant \"{}\" already", name);
    const bool apart = !file.entries.empty() || !file.head.empty();
    file.entries.push_back({tenant, (apart ? "\n" : "") + write_tenant(tenant)});
    return ok();
  }));
  return key;
}

Status TenantStore::change(std::string_view name, std::span<const TenantChange> changes) {
  return edit_tenant(name, [&](Tenant& tenant) { return apply_all(tenant, changes); });
}

Result<NewKey> TenantStore::rotate_key(std::string_view name, bool keep_others) {
  TROIKA_TRY(NewKey key, make_key(today()));
  TROIKA_RETURN_IF_ERROR(edit_tenant(name, [&](Tenant& tenant) -> Status {
    if (!keep_others) tenant.keys.clear();
    if (std::ssize(tenant.keys) >= kTenantKeysMax)
      return fail(ErrorCode::exhausted, "{} has {} keys, wanted fewer than {}", name,
                  tenant.keys.size(), kTenantKeysMax);
    tenant.keys.push_back(key.record);
    return ok();
  }));
  return key;
}

Status TenantStore::drop_key(std::string_view name, std::string_view key_id) {
  return edit_tenant(name, [&](Tenant& tenant) -> Status {
    const auto dropped =
        std::erase_if(tenant.keys, [&](const KeyRecord& key) { return key.digest.id() == key_id; });
    if (dropped > 0) return ok();
    return fail(ErrorCode::not_found, "{} has no key {}", name, printable(key_id));
  });
}

Status TenantStore::remove(std::string_view name) {
  return edit([&](TenantsFile& file) -> Status {
    const auto entry = entry_of(file, name);
    if (entry == file.entries.end()) return no_tenant(name);
    file.entries.erase(entry);
    return ok();
  });
}

}  // namespace troika::serve
