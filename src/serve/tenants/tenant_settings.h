// What can be set of a tenant: one table that the tenants file, the command line and the admin
// routes read, so that a name, its range and its error are the same everywhere.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "core/result.h"
#include "serve/tenants/tenant.h"

namespace troika::serve {

/// A value as a file or a request has it.
using SettingValue = std::variant<int64_t, double, bool, std::string>;

/// A name with its value; none: back to what a new tenant has.
struct TenantChange {
  std::string name;
  std::optional<SettingValue> value;
};

struct TenantSetting {
  std::string_view name;
  std::string_view wanted;  // "an integer from 0 to 1000000000"
  /// Whether the value is one that is wanted; if so it is set.
  bool (*set)(Tenant& tenant, const SettingValue& value);
  SettingValue (*get)(const Tenant& tenant);
  /// Whether the tenant has another value than a new one.
  bool (*is_set)(const Tenant& tenant);
  void (*reset)(Tenant& tenant);
};

/// In the order in which a tenant is written.
std::span<const TenantSetting> tenant_settings();

/// Changes one setting. Errors: invalid_argument — an unknown name, a value that is not wanted; the
/// message names both. Nothing was changed.
Status apply(Tenant& tenant, const TenantChange& change);

/// "weight=3", "cache=group:clinic", "tokens_per_day=none". Numbers and true/false are such, all
/// else is text. Errors: invalid_argument — no "=".
Result<TenantChange> parse_change(std::string_view text);

/// As TOML and JSON have it: text in quotes.
std::string written(const SettingValue& value);

/// What one setting alone does not show. Errors: invalid_argument.
Status check_tenant(const Tenant& tenant);

}  // namespace troika::serve
