#include <nlohmann/json.hpp>
#include <string>

#include "cli/inspection.h"

namespace troika::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kElementsMax = 8;  // of an array that are printed

/// One element that is no string.
Json number_json(const gguf::Value& value, int64_t index) {
  if (const auto boolean = value.boolean_at(index)) return *boolean;
  if (const auto integer = value.integer_at(index)) return *integer;
  if (const auto real = value.real_at(index)) return *real;
  return nullptr;
}

Json value_json(const gguf::Value& value) {
  Json first = Json::array();
  const int64_t shown = std::min(value.count, kElementsMax);
  if (value.type == gguf::ValueType::string) {
    for (const std::string_view text : value.strings(shown)) first.push_back(std::string(text));
  } else {
    for (int64_t i = 0; i < shown; i++) first.push_back(number_json(value, i));
  }
  if (!value.is_array) return first.at(0).is_null() ? Json(gguf::value_text(value)) : first.at(0);
  return {{"type", gguf::value_type_name(value.type)}, {"count", value.count}, {"first", first}};
}

Json metadata_json(const gguf::File& file) {
  Json object = Json::object();
  for (const gguf::Value& value : file.metadata().values())
    object[std::string(value.key)] = value_json(value);
  return object;
}

Json tensors_json(const gguf::File& file) {
  Json list = Json::array();
  for (const gguf::TensorInfo& tensor : file.tensors())
    list.push_back({{"name", tensor.name},
                    {"type", dtype_info(tensor.dtype).name},
                    {"shape", tensor.shape},
                    {"bytes", tensor.bytes}});
  return list;
}

Json model_json(const Inspection& inspection) {
  if (!inspection.model.ok())
    return {{"supported", false}, {"why", inspection.model.error().message()}};
  const ModelInfo& info = inspection.model->info;
  return {{"supported", true},           {"architecture", info.architecture},
          {"layers", info.layers},       {"hidden", info.hidden},
          {"vocab", info.vocab},         {"context_length", info.context_length},
          {"experts", info.experts},     {"experts_used", info.experts_used},
          {"recurrent", info.recurrent}, {"draft_head", info.draft_head}};
}

Json tokenizer_json(const Inspection& inspection) {
  if (!inspection.tokenizer.ok())
    return {{"supported", false}, {"why", inspection.tokenizer.error().message()}};
  const Tokenizer& tokenizer = **inspection.tokenizer;
  Json ends = Json::array();
  for (const TokenId id : tokenizer.end_of_generation_ids())
    ends.push_back(static_cast<int32_t>(id));
  return {{"supported", true},
          {"tokens", tokenizer.vocab()},
          {"end_tokens", ends},
          {"notes", tokenizer.warnings()}};
}

Json memory_json(const Inspection& inspection) {
  if (!inspection.memory) return nullptr;
  const MemoryPlan& plan = *inspection.memory;
  const auto share = [](const MemoryShare& bytes) {
    return Json{{"trunk", bytes.trunk}, {"draft_head", bytes.draft_head}};
  };
  return {{"context", inspection.context.tokens},
          {"kv_type", dtype_info(inspection.context.kv_dtype).name},
          {"drafts", inspection.context.draft_tokens_max},
          {"weights_bytes", share(plan.weights)},
          {"kv_bytes", share(plan.kv)},
          {"recurrent_bytes", plan.recurrent},
          {"log_bytes", plan.log},
          {"log_bytes_per_token", plan.log_per_token},
          {"hidden_bytes", plan.hidden},
          {"total_bytes", plan.total()},
          {"draft_head_percent", 100 * plan.draft_head_share()}};
}

}  // namespace

std::string inspection_json(const Inspection& inspection) {
  const Json object = {{"file", inspection.file->name()},
                       {"bytes", inspection.file->bytes()},
                       {"metadata", metadata_json(*inspection.file)},
                       {"tensors", tensors_json(*inspection.file)},
                       {"model", model_json(inspection)},
                       {"tokenizer", tokenizer_json(inspection)},
                       {"memory", memory_json(inspection)}};
  // Strings of a file may be any bytes.
  return object.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace troika::cli
