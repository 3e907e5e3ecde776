#include "text/output/output_tools.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/printable.h"

namespace troika {
namespace {

using Json = nlohmann::json;

constexpr int kSchemaDepthMax = 8;
constexpr int kSchemasMax = 1000;  // looked at for one parameter

// Follows "#/a/b"; null where it leads nowhere.
const Json* referred(const Json& root, const Json& reference) {
  if (!reference.is_string()) return nullptr;
  const std::string& path = reference.get_ref<const std::string&>();
  if (!path.starts_with("#/")) return nullptr;
  const Json* at = &root;
  for (size_t start = 2; start <= path.size();) {
    const size_t end = std::min(path.find('/', start), path.size());
    if (!at->is_object()) return nullptr;
    const auto member = at->find(path.substr(start, end - start));
    if (member == at->end()) return nullptr;
    at = &*member;
    start = end + 1;
  }
  return at;
}

// Whether nothing but strings can match. References may lead round in circles: a bound on what is
// looked at ends them.
class TextSchema {
 public:
  explicit TextSchema(const Json& root) : root_(root) {}

  bool only_text(const Json& schema, int depth = 0) {
    if (!schema.is_object() || depth > kSchemaDepthMax || ++looked_at_ > kSchemasMax) return false;
    const auto member = [&schema](const char* key) {
      const auto found = schema.find(key);
      return found == schema.end() ? nullptr : &*found;
    };
    if (const Json* reference = member("$ref")) {
      const Json* target = referred(root_, *reference);
      return target != nullptr && only_text(*target, depth + 1);
    }
    if (const Json* type = member("type"))
      return *type == "string" || (type->is_array() && type->size() == 1 && (*type)[0] == "string");
    if (const Json* value = member("const")) return value->is_string();
    if (const Json* values = member("enum"))
      return all(*values, [](const Json& value) { return value.is_string(); });
    const auto text = [&](const Json& choice) { return only_text(choice, depth + 1); };
    if (const Json* choices = member("anyOf")) return all(*choices, text);
    if (const Json* choices = member("oneOf")) return all(*choices, text);
    return false;
  }

 private:
  template <typename Test>
  static bool all(const Json& list, Test test) {
    return list.is_array() && !list.empty() && std::ranges::all_of(list, test);
  }

  const Json& root_;
  int looked_at_ = 0;
};

std::vector<OutputParameter> parameters_of(const Json& function) {
  std::vector<OutputParameter> parameters;
  const auto schema = function.find("parameters");
  if (schema == function.end() || !schema->is_object()) return parameters;
  const auto properties = schema->find("properties");
  if (properties == schema->end() || !properties->is_object()) return parameters;
  for (const auto& [name, property] : properties->items())
    parameters.push_back({name, TextSchema(*schema).only_text(property) ? ParameterKind::text
                                                                        : ParameterKind::other});
  return parameters;
}

}  // namespace

ParameterKind OutputTool::kind_of(std::string_view parameter) const {
  const auto found = std::ranges::find(parameters, parameter, &OutputParameter::name);
  return found == parameters.end() ? ParameterKind::other : found->kind;
}

Result<std::vector<OutputTool>> read_output_tools(std::string_view json) {
  const Json list = Json::parse(json, nullptr, false);
  if (!list.is_array())
    return fail(ErrorCode::invalid_argument, "tools is {}, wanted a JSON list",
                list.is_discarded() ? "no JSON" : list.type_name());
  if (std::ssize(list) > kOutputToolsMax)
    return fail(ErrorCode::invalid_argument, "tools has {} entries, wanted at most {}", list.size(),
                kOutputToolsMax);
  std::vector<OutputTool> tools;
  for (size_t i = 0; i < list.size(); i++) {
    const Json* function = &list[i];
    if (function->is_object() && function->contains("function"))
      function = &(*function)["function"];
    const bool named = function->is_object() && function->contains("name") &&
                       (*function)["name"].is_string() && (*function)["name"] != "";
    if (!named)
      return fail(ErrorCode::invalid_argument,
                  "tools[{}] has no name, wanted {{\"type\": \"function\", \"function\": "
                  "{{\"name\": ..., \"parameters\": ...}}}}",
                  i);
    tools.push_back({(*function)["name"].get<std::string>(), parameters_of(*function)});
  }
  return tools;
}

}  // namespace troika
