#include "serve/tenants/tenant_settings.h"

#include <charconv>
#include <cmath>

#include "core/printable.h"

namespace troika::serve {
namespace {

constexpr int64_t kCountMax = 1'000'000'000;
constexpr int64_t kTokensMax = 1'000'000'000'000;

std::optional<int64_t> integer(const SettingValue& value, int64_t min, int64_t max) {
  const int64_t* number = std::get_if<int64_t>(&value);
  if (number == nullptr || *number < min || *number > max) return std::nullopt;
  return *number;
}

std::optional<double> real(const SettingValue& value, double min, double max) {
  double number = NAN;
  if (const auto* whole = std::get_if<int64_t>(&value)) number = static_cast<double>(*whole);
  if (const auto* given = std::get_if<double>(&value)) number = *given;
  if (!(number >= min && number <= max)) return std::nullopt;
  return number;
}

/// Sets `target` if there is a value.
template <typename Target, typename T>
bool take(Target& target, const std::optional<T>& value) {
  if (value.has_value()) target = *value;
  return value.has_value();
}

bool set_priority(Tenant& tenant, const SettingValue& value) {
  const auto* name = std::get_if<std::string>(&value);
  for (const PriorityClass priority : kAllClasses)
    if (name != nullptr && *name == priority_name(priority)) {
      tenant.priority = priority;
      return true;
    }
  return false;
}

bool set_cache(Tenant& tenant, const SettingValue& value) {
  constexpr std::string_view kGroup = "group:";
  const auto* text = std::get_if<std::string>(&value);
  if (text == nullptr) return false;
  if (*text == "own" || *text == "off") {
    tenant.cache.sharing = *text == "own" ? CacheSharing::own : CacheSharing::off;
    tenant.cache.group.clear();
    return true;
  }
  if (!text->starts_with(kGroup)) return false;
  const std::string group = text->substr(kGroup.size());
  if (!check_tenant_name(group).ok()) return false;
  tenant.cache.sharing = CacheSharing::group;
  tenant.cache.group = group;
  return true;
}

SettingValue cache_value(const Tenant& tenant) {
  if (tenant.cache.sharing == CacheSharing::group) return "group:" + tenant.cache.group;
  return std::string(tenant.cache.sharing == CacheSharing::own ? "own" : "off");
}

bool set_allowed(Tenant& tenant, const SettingValue& value) {
  const bool* allowed = std::get_if<bool>(&value);
  if (allowed != nullptr) tenant.speculation.allowed = *allowed;
  return allowed != nullptr;
}

// A row of the table for the field `f` of a tenant `t`. Each is asked for and put back in one way.
#define TROIKA_SETTING_FIELD(f)                      \
  [](const Tenant& t) { return SettingValue(t.f); }, \
      [](const Tenant& t) { return !(t.f == Tenant().f); }, [](Tenant& t) { t.f = Tenant().f; }
#define TROIKA_SETTING_OPTIONAL(f)                                        \
  [](const Tenant& t) { return SettingValue(t.f.value_or(int64_t{0})); }, \
      [](const Tenant& t) { return t.f.has_value(); }, [](Tenant& t) { t.f.reset(); }

constexpr TenantSetting kSettings[] = {
    {"weight", "a number from 0.000001 to 1000000",
     [](Tenant& t, const SettingValue& v) { return take(t.weight, real(v, 1e-6, 1e6)); },
     TROIKA_SETTING_FIELD(weight)},
    {"priority", "\"interactive\", \"normal\" or \"batch\"", set_priority,
     [](const Tenant& t) { return SettingValue(std::string(priority_name(t.priority))); },
     [](const Tenant& t) { return t.priority != Tenant().priority; },
     [](Tenant& t) { t.priority = Tenant().priority; }},
    {"requests_per_minute", "an integer from 0 to 1000000000",
     [](Tenant& t, const SettingValue& v) {
       return take(t.quota.requests_per_minute, integer(v, 0, kCountMax));
     },
     TROIKA_SETTING_OPTIONAL(quota.requests_per_minute)},
    {"tokens_per_minute", "an integer from 0 to 1000000000000",
     [](Tenant& t, const SettingValue& v) {
       return take(t.quota.tokens_per_minute, integer(v, 0, kTokensMax));
     },
     TROIKA_SETTING_OPTIONAL(quota.tokens_per_minute)},
    {"tokens_per_day", "an integer from 0 to 1000000000000",
     [](Tenant& t, const SettingValue& v) {
       return take(t.quota.tokens_per_day, integer(v, 0, kTokensMax));
     },
     TROIKA_SETTING_OPTIONAL(quota.tokens_per_day)},
    {"sequences", "an integer from 1 to 1048576",
     [](Tenant& t, const SettingValue& v) { return take(t.sequences_max, integer(v, 1, 1 << 20)); },
     TROIKA_SETTING_FIELD(sequences_max)},
    {"queue", "an integer from 0 to 65536",
     [](Tenant& t, const SettingValue& v) { return take(t.queue_max, integer(v, 0, 1 << 16)); },
     TROIKA_SETTING_FIELD(queue_max)},
    {"context", "an integer from 2 to 16777216",
     [](Tenant& t, const SettingValue& v) { return take(t.context_max, integer(v, 2, 1 << 24)); },
     TROIKA_SETTING_OPTIONAL(context_max)},
    {"cache", "\"own\", \"off\" or \"group:\" and a name", set_cache, cache_value,
     [](const Tenant& t) { return t.cache.sharing != CacheSharing::own; },
     [](Tenant& t) { set_cache(t, std::string("own")); }},
    {"cache_share_min", "a number from 0 to 1",
     [](Tenant& t, const SettingValue& v) { return take(t.cache.share_min, real(v, 0, 1)); },
     TROIKA_SETTING_FIELD(cache.share_min)},
    {"cache_share_max", "a number from 0 to 1",
     [](Tenant& t, const SettingValue& v) { return take(t.cache.share_max, real(v, 0, 1)); },
     TROIKA_SETTING_FIELD(cache.share_max)},
    {"speculation", "true or false", set_allowed, TROIKA_SETTING_FIELD(speculation.allowed)},
    {"speculation_tokens", "an integer from 0 to 16",
     [](Tenant& t, const SettingValue& v) {
       return take(t.speculation.tokens_max, integer(v, 0, kDraftTokensMax));
     },
     TROIKA_SETTING_FIELD(speculation.tokens_max)},
};
#undef TROIKA_SETTING_FIELD
#undef TROIKA_SETTING_OPTIONAL
static_assert(kDraftTokensMax == 16, "the text above says so");

template <typename T>
std::optional<T> whole_number(std::string_view text) {
  T value{};
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc() || stop != end) return std::nullopt;
  return value;
}

}  // namespace

std::span<const TenantSetting> tenant_settings() {
  return kSettings;
}

Status apply(Tenant& tenant, const TenantChange& change) {
  std::string names;
  for (const TenantSetting& setting : kSettings) {
    names += fmt::format("{}{}", names.empty() ? "" : ", ", setting.name);
    if (setting.name != change.name) continue;
    if (!change.value.has_value()) {
      setting.reset(tenant);
      return ok();
    }
    if (setting.set(tenant, *change.value)) return ok();
    return fail(ErrorCode::invalid_argument, "{} = {}, wanted {}", setting.name,
                written(*change.value), setting.wanted);
  }
  return fail(ErrorCode::invalid_argument, "\"{}\" is no setting of a tenant, wanted one of {}",
              printable(change.name), names);
}

Result<TenantChange> parse_change(std::string_view text) {
  const size_t at = text.find('=');
  if (at == std::string_view::npos || at == 0)
    return fail(ErrorCode::invalid_argument, "\"{}\", wanted NAME=VALUE", printable(text));
  TenantChange change{std::string(text.substr(0, at)), std::nullopt};
  const std::string_view value = text.substr(at + 1);
  if (value == "none") return change;
  if (value == "true" || value == "false") {
    change.value = value == "true";
  } else if (const auto integer_value = whole_number<int64_t>(value)) {
    change.value = *integer_value;
  } else if (const auto real_value = whole_number<double>(value)) {
    change.value = *real_value;
  } else {
    change.value = std::string(value);
  }
  return change;
}

std::string written(const SettingValue& value) {
  if (const auto* text = std::get_if<std::string>(&value))
    return fmt::format("\"{}\"", printable(*text));
  if (const auto* number = std::get_if<double>(&value)) {
    const std::string digits = fmt::format("{}", *number);
    return digits.find_first_of(".en") == std::string::npos ? digits + ".0" : digits;
  }
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  return fmt::format("{}", std::get<int64_t>(value));
}

Status check_tenant(const Tenant& tenant) {
  if (tenant.cache.share_min <= tenant.cache.share_max) return ok();
  return fail(ErrorCode::invalid_argument,
              "cache_share_min = {} above cache_share_max = {}, wanted at most that",
              tenant.cache.share_min, tenant.cache.share_max);
}

}  // namespace troika::serve
