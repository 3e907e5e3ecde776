#include "serve/admin.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>
#include <vector>

#include "serve/http/json.h"

namespace troika::serve {
namespace {

constexpr std::string_view kBelow = "/admin/tenants/";

http::Response refused(const Error& error) {
  return openai_error(refusal_of(error));
}

Json json_of(const SettingValue& value) {
  return std::visit([](const auto& one) { return Json(one); }, value);
}

Json json_of(const Tenant& tenant) {
  Json json = {{"name", tenant.name}, {"keys", Json::array()}};
  for (const KeyRecord& key : tenant.keys)
    json["keys"].push_back({{"id", key.digest.id()}, {"created", key.created}});
  for (const TenantSetting& setting : tenant_settings())
    json[std::string(setting.name)] =
        setting.is_set(tenant) ? json_of(setting.get(tenant)) : Json();
  json["weight"] = tenant.weight;
  json["priority"] = priority_name(tenant.priority);
  return json;
}

Result<std::vector<TenantChange>> changes_of(const Json& body) {
  if (!body.is_object())
    return fail(ErrorCode::invalid_argument, "the request is {}, wanted an object", kind_of(body));
  std::vector<TenantChange> changes;
  for (const auto& [name, value] : body.items()) {
    if (name == "name") continue;
    TenantChange change{.name = name};
    if (value.is_boolean()) change.value = value.get<bool>();
    if (value.is_number_integer()) change.value = value.get<int64_t>();
    if (value.is_number_float()) change.value = value.get<double>();
    if (value.is_string()) change.value = value.get<std::string>();
    if (value.is_structured())
      return fail(ErrorCode::invalid_argument, "{} is {}, wanted a value", name, kind_of(value));
    changes.push_back(std::move(change));
  }
  return changes;
}

http::Response new_key(const Result<NewKey>& key, int status) {
  if (!key.ok()) return refused(key.error());
  return {.status = status, .body = to_text({{"key", key->text}, {"id", key->record.digest.id()}})};
}

http::Response done(const Status& status) {
  return status.ok() ? http::Response{.body = "{}"} : refused(status.error());
}

}  // namespace

http::Response Admin::list_tenants() const {
  Json list = Json::array();
  for (const Tenant& tenant : tenants_.directory()->tenants()) list.push_back(json_of(tenant));
  return {.body = to_text({{"tenants", std::move(list)}})};
}

http::Response Admin::add_tenant(const http::Request& request) {
  const Result<Json> body = parse_json(request.body);
  if (!body.ok()) return refused(body.error());
  const auto changes = changes_of(*body);
  if (!changes.ok()) return refused(changes.error());
  const auto name = body->find("name");
  if (name == body->end() || !name->is_string())
    return openai_error({.message = "name is missing, wanted a string", .param = "name"});
  return new_key(tenants_.add(name->get_ref<const std::string&>(), *changes), 201);
}

http::Response Admin::change_tenant(const http::Request& request) {
  constexpr std::string_view kRotate = "/rotate-key";
  std::string_view name = std::string_view(request.path).substr(kBelow.size());
  const bool rotate = request.method == "POST" && name.ends_with(kRotate);
  if (rotate) name.remove_suffix(kRotate.size());
  if (request.method == "POST")
    return rotate ? new_key(tenants_.rotate_key(name, request.parameter("keep") == "true"), 200)
                  : openai_error({.status = 404, .message = "there is nothing at this path"});
  if (request.method == "DELETE") return done(tenants_.remove(name));
  const Result<Json> body = parse_json(request.body);
  if (!body.ok()) return refused(body.error());
  const auto changes = changes_of(*body);
  return changes.ok() ? done(tenants_.change(name, *changes)) : refused(changes.error());
}

http::Response Admin::usage(const http::Request& request) const {
  if (ledger_ == nullptr)
    return openai_error({.status = 501, .message = "no ledger is kept, wanted --ledger"});
  UsageQuery query{.tenant = request.parameter("tenant").value_or("")};
  if (const auto from = request.parameter("from")) {
    const Result<int64_t> begins_ms = day_begins_ms(*from);
    if (!begins_ms.ok()) return refused(begins_ms.error());
    query.from_ms = *begins_ms;
  }
  if (const auto to = request.parameter("to")) {
    const Result<int64_t> ends_ms = day_begins_ms(*to);
    if (!ends_ms.ok()) return refused(ends_ms.error());
    query.to_ms = *ends_ms;
  }
  const auto totals = ledger_->totals(query);
  if (!totals.ok()) return refused(totals.error());
  Json list = Json::array();
  for (const UsageTotal& total : *totals)
    list.push_back({{"day", total.day},
                    {"tenant", total.tenant},
                    {"model", total.model},
                    {"requests", total.requests},
                    {"prompt_tokens", total.usage.prompt_tokens},
                    {"cached_tokens", total.usage.cached_tokens},
                    {"answer_tokens", total.usage.answer_tokens},
                    {"drafts_proposed", total.usage.drafts_proposed},
                    {"drafts_accepted", total.usage.drafts_accepted}});
  return {.body = to_text({{"usage", std::move(list)}})};
}

}  // namespace troika::serve
