#include "cli/bench_prompts.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace troika::cli {
namespace {

using Json = nlohmann::json;

/// A member that is a string and not empty, or nothing.
std::string text_of(const Json& object, const char* key) {
  const auto member = object.find(key);
  return member != object.end() && member->is_string() ? member->get<std::string>() : "";
}

PromptClass& class_named(std::vector<PromptClass>& classes, const std::string& name) {
  const auto found = std::ranges::find(classes, name, &PromptClass::name);
  if (found != classes.end()) return *found;
  return classes.emplace_back(PromptClass{.name = name, .prompts = {}});
}

}  // namespace

Result<std::vector<PromptClass>> parse_bench_prompts(std::string_view json, std::string_view name) {
  const Json list = Json::parse(json, nullptr, false);
  if (!list.is_array() || list.empty() || list.size() > kBenchPromptsMax)
    return fail(ErrorCode::corrupt, "{}: wanted a JSON array of 1 to {} prompts", name,
                kBenchPromptsMax);
  std::vector<PromptClass> classes;
  for (size_t i = 0; i < list.size(); i++) {
    const Json& object = list[i];
    const bool is_object = object.is_object();
    const std::string raw = is_object ? text_of(object, "prompt") : "";
    const std::string user = is_object ? text_of(object, "user") : "";
    const std::string kind = is_object ? text_of(object, "class") : "";
    if (kind.empty() || (raw.empty() && user.empty()))
      return fail(ErrorCode::corrupt,
                  "{}: prompt {} of the array is no object with \"class\" and \"user\"", name, i);
    class_named(classes, kind).prompts.push_back({raw.empty() ? user : raw, !raw.empty()});
  }
  return classes;
}

}  // namespace troika::cli
