#include "serve/api/fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/printable.h"

namespace troika::serve {

Fields::Fields(const Json& object, std::optional<Refusal>& refusal, std::string path)
    : object_(object), refusal_(refusal), path_(std::move(path)) {
  if (object.is_object() || refusal_) return;
  const std::string where = path_.empty() ? "the request" : path_.substr(0, path_.size() - 1);
  refusal_ = Refusal{.message = fmt::format("{} is {}, wanted an object", where, kind_of(object)),
                     .param = path_.empty() ? "" : where};
}

const Json* Fields::find(std::string_view name) const {
  if (!object_.is_object()) return nullptr;
  const auto found = object_.find(std::string(name));
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

void Fields::refuse(std::string_view name, std::string message) {
  if (refusal_) return;
  refusal_ = Refusal{.message = std::move(message), .param = path_of(name)};
}

void Fields::refuse_kind(std::string_view name, const Json& value, std::string_view wanted) {
  refuse(name, fmt::format("{} is {}, wanted {}", path_of(name), kind_of(value), wanted));
}

void Fields::read(std::string_view name, bool& value) {
  const Json* json = find(name);
  if (json == nullptr) return;
  if (!json->is_boolean()) return refuse_kind(name, *json, "true or false");
  value = json->get<bool>();
}

void Fields::read(std::string_view name, std::string& value) {
  const Json* json = find(name);
  if (json == nullptr) return;
  if (!json->is_string()) return refuse_kind(name, *json, "a string");
  value = json->get_ref<const std::string&>();
}

void Fields::read(std::string_view name, int64_t& value, int64_t min, int64_t max) {
  const Json* json = find(name);
  if (json == nullptr) return;
  // 100.0 is an integer to some clients.
  const bool whole = json->is_number_float() &&
                     std::floor(json->get<double>()) == json->get<double>() &&
                     std::abs(json->get<double>()) < 1e15;
  if (!json->is_number_integer() && !whole) return refuse_kind(name, *json, "an integer");
  const bool too_large = json->is_number_unsigned() && json->get<uint64_t>() > INT64_MAX;
  const int64_t given = too_large ? INT64_MAX
                        : whole   ? static_cast<int64_t>(json->get<double>())
                                  : json->get<int64_t>();
  if (too_large || given < min || given > max)
    return refuse(
        name, fmt::format("{} is {}, wanted {} to {}", path_of(name), to_text(*json), min, max));
  value = given;
}

void Fields::read(std::string_view name, int32_t& value, int32_t min, int32_t max) {
  int64_t wide = value;
  read(name, wide, int64_t{min}, int64_t{max});
  value = static_cast<int32_t>(wide);
}

void Fields::read(std::string_view name, double& value, double min, double max) {
  const Json* json = find(name);
  if (json == nullptr) return;
  if (!json->is_number()) return refuse_kind(name, *json, "a number");
  const auto given = json->get<double>();
  if (!(given >= min && given <= max))
    return refuse(
        name, fmt::format("{} is {}, wanted {} to {}", path_of(name), to_text(*json), min, max));
  value = given;
}

void Fields::read_choice(std::string_view name, std::string& value,
                         std::initializer_list<std::string_view> choices) {
  std::string given = value;
  read(name, given);
  if (refused() || !has(name)) return;
  if (std::ranges::find(choices, given) == choices.end()) {
    std::string list;
    for (const std::string_view choice : choices)
      list += (list.empty() ? "" : ", ") + std::string(choice);
    return refuse(
        name, fmt::format("{} is \"{}\", wanted one of {}", path_of(name), printable(given), list));
  }
  value = std::move(given);
}

void Fields::read_strings(std::string_view name, std::vector<std::string>& values,
                          size_t count_max) {
  const Json* json = find(name);
  if (json == nullptr) return;
  if (json->is_string()) {
    values = {json->get<std::string>()};
    return;
  }
  if (!json->is_array()) return refuse_kind(name, *json, "a string or a list of strings");
  if (json->size() > count_max)
    return refuse(name, fmt::format("{} has {} entries, wanted at most {}", path_of(name),
                                    json->size(), count_max));
  values.clear();
  for (size_t i = 0; i < json->size(); i++) {
    const Json& entry = (*json)[i];
    if (!entry.is_string()) return refuse_kind(fmt::format("{}[{}]", name, i), entry, "a string");
    values.push_back(entry.get<std::string>());
  }
}

const Json* Fields::object(std::string_view name) {
  const Json* json = find(name);
  if (json == nullptr || json->is_object()) return json;
  refuse_kind(name, *json, "an object");
  return nullptr;
}

const Json* Fields::list(std::string_view name) {
  const Json* json = find(name);
  if (json == nullptr || json->is_array()) return json;
  refuse_kind(name, *json, "a list");
  return nullptr;
}

const Json* Fields::wanted_list(std::string_view name) {
  if (!has(name)) refuse(name, fmt::format("{} is missing, wanted a list", path_of(name)));
  return list(name);
}

std::string Fields::wanted_string(std::string_view name) {
  std::string value;
  if (!has(name)) refuse(name, fmt::format("{} is missing, wanted a string", path_of(name)));
  read(name, value);
  return value;
}

}  // namespace troika::serve
