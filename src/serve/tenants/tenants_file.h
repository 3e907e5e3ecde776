// The tenants file, in TOML (toml.io, version 1.0):
//
//   [[tenant]]
//   name = "clinic"
//   keys = [{ sha256 = "9f86...", created = "2026-11-20" }]
//   weight = 3.0
//   tokens_per_minute = 100000
//
// serve/tenants/tenant_settings.h has the settings. What is not written is as a new tenant has it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "serve/tenants/tenant.h"

namespace troika::serve {

inline constexpr int64_t kTenantsFileBytesMax = 16 << 20;

/// A tenant as the file has it.
struct TenantEntry {
  Tenant tenant;     // without ids, which the store gives
  std::string text;  // its lines, comments above it included
};

struct TenantsFile {
  std::string head;  // what stands before the first tenant
  std::vector<TenantEntry> entries;
};

/// Reads the text of a file.
/// @param path  for messages only.
/// Errors: invalid_argument — it is no TOML, a key is unknown, a value is not wanted, a name or a
/// key stands twice, shares of the cache add up to more than 1: "path:line: what, wanted what".
Result<TenantsFile> parse_tenants(std::string_view text, std::string_view path);

/// The lines of a tenant: what parse_tenants() reads back as it is.
std::string write_tenant(const Tenant& tenant);

/// The whole file again; tenants that nobody changed keep their lines and comments.
std::string write_tenants(const TenantsFile& file);

}  // namespace troika::serve
