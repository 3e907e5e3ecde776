// The tenants file as a server and the command line use it: read, watched, and changed.
//
// The file is the store: there is no second place where a tenant could be different. A change
// takes a lock beside it (FILE.lock), reads the file afresh, checks the whole result and gives it
// its name when it is complete; what others wrote meanwhile is never lost, and no reader sees half
// of it. A running server looks at the file once a second and at SIGHUP: what the command line or
// an editor changed takes effect without a restart, and a file that is not sound leaves all as it
// was.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>

#include "core/result.h"
#include "serve/tenants/tenant_directory.h"
#include "serve/tenants/tenant_settings.h"
#include "serve/tenants/tenants_file.h"

namespace troika::serve {

/// Thread: any.
class TenantStore {
 public:
  /// Reads the file at `path`. Errors: those of the file (serve/tenants/tenants_file.h); not_found.
  static Result<std::unique_ptr<TenantStore>> open(const std::string& path);

  /// The same; a file that is missing counts as one without tenants and is made by the first
  /// change.
  static Result<std::unique_ptr<TenantStore>> open_or_create(const std::string& path);

  /// Without a file: the local tenant alone, who needs no key, with `limits` (name and id are
  /// given). It cannot be changed.
  static std::unique_ptr<TenantStore> local(Tenant limits = {});

  /// Those of this moment. Never null.
  std::shared_ptr<const TenantDirectory> directory() const;

  /// Reads the file again if it is another than the one that was read last (by its time, size and
  /// number). True: there is a new directory. Errors: those of the file, once for each change of
  /// it; tenants stay as they were. Cost: one call of the system.
  Result<bool> reload_if_changed();

  /// The same for a file that looks as it did: SIGHUP.
  Status reload();

  /// Adds a tenant with one key. Errors: invalid_argument — a name that is taken or none, a change
  /// that is not wanted; those of writing.
  Result<NewKey> add(std::string_view name, std::span<const TenantChange> changes);

  /// Changes settings of a tenant, all or none. Errors: not_found; invalid_argument.
  Status change(std::string_view name, std::span<const TenantChange> changes);

  /// Gives a tenant a new key. The others end with it unless `keep_others`.
  /// Errors: not_found; exhausted — kTenantKeysMax.
  Result<NewKey> rotate_key(std::string_view name, bool keep_others);

  /// Takes the key back whose id() this is. Errors: not_found.
  Status drop_key(std::string_view name, std::string_view key_id);

  /// Takes a tenant out of the file; what it used stays in the ledger. Errors: not_found.
  Status remove(std::string_view name);

 private:
  /// What tells one state of the file from another.
  struct Version {
    int64_t seconds = 0;
    int64_t nanoseconds = 0;
    int64_t bytes = 0;
    uint64_t number = 0;
    bool operator==(const Version&) const = default;
  };

  explicit TenantStore(std::string path) : path_(std::move(path)) {}
  static Result<std::unique_ptr<TenantStore>> open(const std::string& path, bool may_be_missing);
  static Result<Version> version_of(const std::string& path);
  Result<TenantsFile> read() const;
  Status reload_locked();
  void publish(const TenantsFile& file);
  Status edit(const std::function<Status(TenantsFile&)>& change);
  Status edit_tenant(std::string_view name, const std::function<Status(Tenant&)>& change);

  const std::string path_;  // empty: the local tenant alone
  bool may_be_missing_ = false;
  std::mutex mutex_;  // guards the next three
  Version version_;
  std::map<std::string, TenantId> ids_;  // of names, seen ever
  std::map<std::string, GroupId> groups_;
  mutable std::mutex directory_mutex_;  // guards the last: nobody waits for a file to be read
  std::shared_ptr<const TenantDirectory> directory_;
};

}  // namespace troika::serve
