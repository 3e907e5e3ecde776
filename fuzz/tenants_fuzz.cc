// Any bytes as a tenants file: read, or refuse with the path in front. What is read comes back as
// it was, and each tenant as it is written.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/check.h"
#include "serve/tenants/tenants_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace troika::serve;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto file = parse_tenants(text, "input");
  if (!file.ok()) {
    TROIKA_CHECK(file.error().message().starts_with("input:"));
    return 0;
  }
  TROIKA_CHECK(write_tenants(*file) == text);
  for (const TenantEntry& entry : file->entries) {
    const auto again = parse_tenants(write_tenant(entry.tenant), "written");
    TROIKA_CHECK(again.ok() && again->entries[0].tenant == entry.tenant);
  }
  return 0;
}
