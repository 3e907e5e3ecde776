#include "serve/tenants/tenants_file.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <span>

#include "core/printable.h"
#include "serve/tenants/tenant_settings.h"

// The header alone, without exceptions: errors of the parser come as values. Some of what it
// asserts does not hold for every text ("[ # x"); its own checks behind that find those, so the
// assertions, and the assumptions that they become where they are off, are taken out.
#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/impl/preprocessor.h>
#undef TOML_ASSERT
#undef TOML_ASSERT_ASSUME
#define TOML_ASSERT(expression) static_assert(true)
#define TOML_ASSERT_ASSUME(expression) static_assert(true)
#include <toml++/toml.h>

namespace troika::serve {
namespace {

// Of a line. Names with thousands of dots would make tables as deep, whose ends are recursive.
constexpr size_t kLineBytesMax = 4096;

/// Where an error is.
struct Place {
  std::string_view path;
  int64_t line = 0;
};

template <typename... Args>
Error fail_at(const Place& place, fmt::format_string<Args...> format, Args&&... args) {
  return fail(ErrorCode::invalid_argument, "{}:{}: {}", place.path, place.line,
              fmt::format(format, std::forward<Args>(args)...));
}

Place place_of(std::string_view path, const toml::node& node) {
  return {path, static_cast<int64_t>(node.source().begin.line)};
}

Status check_lines(std::string_view text, std::string_view path) {
  if (std::ssize(text) > kTenantsFileBytesMax)
    return fail(ErrorCode::invalid_argument, "{}: {} bytes, wanted at most {}", path, text.size(),
                kTenantsFileBytesMax);
  int64_t line = 1;
  for (size_t at = 0; at < text.size(); line++) {
    const size_t end = std::min(text.find('\n', at), text.size());
    if (end - at > kLineBytesMax)
      return fail_at({path, line}, "a line of {} bytes, wanted at most {}", end - at,
                     kLineBytesMax);
    at = end + 1;
  }
  return ok();
}

std::optional<SettingValue> value_of(const toml::node& node) {
  if (const auto* integer = node.as_integer()) return SettingValue(integer->get());
  if (const auto* real = node.as_floating_point()) return SettingValue(real->get());
  if (const auto* flag = node.as_boolean()) return SettingValue(flag->get());
  if (const auto* text = node.as_string()) return SettingValue(text->get());
  return std::nullopt;
}

Result<std::string> text_of(const Place& place, std::string_view name, const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  return fail_at(place, "{} is no text, wanted it in quotes", name);
}

bool is_date(std::string_view text) {
  return text.size() <= 32 && text.find_first_not_of("0123456789-:.TZ ") == std::string_view::npos;
}

Result<KeyRecord> read_key(std::string_view path, const toml::node& node) {
  const toml::table* table = node.as_table();
  if (table == nullptr)
    return fail_at(place_of(path, node), "a key is no table, wanted {{ sha256 = \"...\" }}");
  KeyRecord key;
  bool has_digest = false;
  for (const auto& [name, value] : *table) {
    const Place place = place_of(path, value);
    TROIKA_TRY(std::string text, text_of(place, name.str(), value));
    if (name.str() == "created") {
      if (!is_date(text)) return fail_at(place, "created is no date, wanted \"2026-11-20\"");
      key.created = std::move(text);
      continue;
    }
    if (name.str() != "sha256")
      return fail_at(place, "\"{}\" in a key, wanted sha256 or created", printable(name.str()));
    Result<KeyDigest> digest = parse_digest(text);
    if (!digest.ok()) return fail_at(place, "sha256 = {}", digest.error().message());
    key.digest = *digest;
    has_digest = true;
  }
  if (!has_digest) return fail_at(place_of(path, node), "a key without sha256");
  return key;
}

Status read_keys(std::string_view path, const toml::node& node, Tenant& tenant) {
  const toml::array* keys = node.as_array();
  if (keys == nullptr)
    return fail_at(place_of(path, node), "keys is no list, wanted [{{ sha256 = \"...\" }}]");
  if (std::ssize(*keys) > kTenantKeysMax)
    return fail_at(place_of(path, node), "{} keys, wanted at most {}", keys->size(),
                   kTenantKeysMax);
  for (const toml::node& key : *keys) {
    TROIKA_TRY(KeyRecord record, read_key(path, key));
    tenant.keys.push_back(std::move(record));
  }
  return ok();
}

Status read_value(std::string_view path, std::string_view name, const toml::node& node,
                  Tenant& tenant) {
  const Place place = place_of(path, node);
  if (name == "keys") return read_keys(path, node, tenant);
  if (name == "name") {
    TROIKA_TRY(tenant.name, text_of(place, name, node));
    const Status sound = check_tenant_name(tenant.name);
    return sound.ok() ? ok() : Status(fail_at(place, "{}", sound.error().message()));
  }
  const std::optional<SettingValue> value = value_of(node);
  if (!value.has_value())
    return fail_at(place, "{} is no number, text or true or false", printable(name));
  const Status applied = apply(tenant, {std::string(name), value});
  return applied.ok() ? ok() : Status(fail_at(place, "{}", applied.error().message()));
}

Result<Tenant> read_tenant(std::string_view path, const toml::node& node) {
  const toml::table* table = node.as_table();
  if (table == nullptr) return fail_at(place_of(path, node), "tenant is no table");
  Tenant tenant;
  for (const auto& [name, value] : *table)
    TROIKA_RETURN_IF_ERROR(read_value(path, name.str(), value, tenant));
  if (tenant.name.empty())
    return fail_at(place_of(path, node), "a tenant without a name, wanted name = \"...\"");
  const Status sound = check_tenant(tenant);
  if (!sound.ok())
    return fail_at(place_of(path, node), "{}: {}", tenant.name, sound.error().message());
  return tenant;
}

/// What must be true of all tenants together.
class WholeFile {
 public:
  Status add(const Place& place, const Tenant& tenant) {
    if (!names_.insert(tenant.name).second)
      return fail_at(place, "tenant \"{}\" stands here again, wanted each name once", tenant.name);
    for (const KeyRecord& key : tenant.keys)
      if (!keys_.insert(key.digest.bytes).second)
        return fail_at(place, "{}: key {} stands here again, wanted each key once", tenant.name,
                       key.digest.id());
    shares_ += tenant.cache.share_min;
    if (shares_ <= 1 + 1e-9) return ok();
    return fail_at(place, "{}: cache_share_min of all tenants adds up to {:.3f}, wanted at most 1",
                   tenant.name, shares_);
  }

 private:
  std::set<std::string> names_;
  std::set<std::array<uint8_t, 32>> keys_;
  double shares_ = 0;
};

/// Cuts the text into lines, their ends included.
std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size() - 1) + 1;
    lines.push_back(text.substr(at, end - at));
    at = end;
  }
  return lines;
}

bool is_comment(std::string_view line) {
  const size_t at = line.find_first_not_of(" \t");
  return at != std::string_view::npos && line[at] == '#';
}

bool is_blank(std::string_view line) {
  return line.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

bool is_header(std::string_view line) {
  const size_t at = line.find_first_not_of(" \t");
  return at != std::string_view::npos && line.substr(at).starts_with("[[");
}

/// Gives each tenant its lines, from the comments above its header to those above the next one's.
/// What stands apart from the first tenant is the head of the file.
Status cut_text(std::string_view text, std::span<const Place> headers, TenantsFile& file) {
  const std::vector<std::string_view> lines = lines_of(text);
  std::vector<size_t> begins;
  for (const Place& header : headers) {
    auto begin = static_cast<size_t>(header.line - 1);
    if (begin >= lines.size() || !is_header(lines[begin]))
      return fail_at(header, "a tenant without a line of its own, wanted [[tenant]]");
    while (begin > 0 &&
           (is_comment(lines[begin - 1]) || (!begins.empty() && is_blank(lines[begin - 1]))))
      begin--;
    begins.push_back(begin);
  }
  begins.push_back(lines.size());
  for (size_t i = 0; i < begins[0]; i++) file.head += lines[i];
  for (size_t t = 0; t < file.entries.size(); t++)
    for (size_t i = begins[t]; i < begins[t + 1]; i++) file.entries[t].text += lines[i];
  return ok();
}

}  // namespace

Result<TenantsFile> parse_tenants(std::string_view text, std::string_view path) {
  TROIKA_RETURN_IF_ERROR(check_lines(text, path));
  const toml::parse_result parsed = toml::parse(text, path);
  if (!parsed) {
    const toml::parse_error& error = parsed.error();
    return fail_at({path, static_cast<int64_t>(error.source().begin.line)}, "{}",
                   printable(error.description(), 200));
  }
  TenantsFile file;
  WholeFile whole;
  std::vector<Place> headers;
  for (const auto& [name, value] : parsed.table()) {
    const toml::array* tenants = value.as_array();
    if (name.str() != "tenant" || tenants == nullptr)
      return fail_at(place_of(path, value), "\"{}\", wanted [[tenant]] only",
                     printable(name.str()));
    if (std::ssize(*tenants) > kTenantsMax)
      return fail_at(place_of(path, value), "{} tenants, wanted at most {}", tenants->size(),
                     kTenantsMax);
    for (const toml::node& node : *tenants) {
      TROIKA_TRY(Tenant tenant, read_tenant(path, node));
      TROIKA_RETURN_IF_ERROR(whole.add(place_of(path, node), tenant));
      headers.push_back(place_of(path, node));
      file.entries.push_back({std::move(tenant), ""});
    }
  }
  TROIKA_RETURN_IF_ERROR(cut_text(text, headers, file));
  return file;
}

std::string write_tenant(const Tenant& tenant) {
  std::string text = fmt::format("[[tenant]]\nname = \"{}\"\nkeys = [\n", tenant.name);
  for (const KeyRecord& key : tenant.keys) {
    const std::string created =
        key.created.empty() ? "" : fmt::format(", created = \"{}\"", key.created);
    text += fmt::format("  {{ sha256 = \"{}\"{} }},\n", key.digest.hex(), created);
  }
  text += "]\n";
  for (const TenantSetting& setting : tenant_settings())
    if (setting.is_set(tenant))
      text += fmt::format("{} = {}\n", setting.name, written(setting.get(tenant)));
  return text;
}

std::string write_tenants(const TenantsFile& file) {
  std::string text = file.head;
  for (const TenantEntry& entry : file.entries) {
    if (!text.empty() && !text.ends_with('\n')) text += '\n';
    text += entry.text;
  }
  return text;
}

}  // namespace troika::serve
