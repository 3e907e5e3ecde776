#include <nlohmann/json.hpp>
#include <string>

#include "cli/plan_report.h"

namespace troika::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string line_of(const Json& object) {
  return object.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Json request_json(const std::string& model, const PlanRequest& request) {
  const EngineOptions& engine = request.engine;
  return {{"model", model},
          {"context", engine.context},
          {"users", engine.sequences_max},
          {"kv_type", dtype_info(engine.kv_dtype).name},
          {"chunk", engine.chunk_tokens},
          {"drafts", engine.draft_tokens_max},
          {"depth", request.depth}};
}

Json speed_json(const MemberSpeed& speed) {
  return {{"bytes_per_s", speed.bytes_per_s},
          {"int8_per_s", speed.int8_per_s},
          {"f32_per_s", speed.f32_per_s},
          {"op_us", speed.op_s * 1e6}};
}

Json memory_json(const MemberMemory& memory) {
  return {{"weights_bytes", memory.weights}, {"kv_bytes", memory.kv},
          {"states_bytes", memory.states},   {"work_bytes", memory.work},
          {"own_bytes", memory.own},         {"total_bytes", memory.total()}};
}

Json rate_json(const Rate& rate) {
  return {{"tokens_per_s", rate.tokens_per_s},
          {"memory_s", rate.time.memory_s},
          {"compute_s", rate.time.compute_s},
          {"ops_s", rate.time.ops_s},
          {"exchange_s", rate.time.exchange_s},
          {"exchanges", rate.time.exchanges},
          {"exchange_percent", 100 * rate.time.exchange_share()}};
}

Json prediction_json(const Prediction& prediction) {
  Json memory = Json::array();
  for (const MemberMemory& member : prediction.memory) memory.push_back(memory_json(member));
  Json object = {{"split", prediction.shares},
                 {"memory", memory},
                 {"prompt", rate_json(prediction.prompt)},
                 {"one_user", rate_json(prediction.one_user)},
                 {"all_users", rate_json(prediction.all_users)}};
  if (prediction.drafts)
    object["drafts"] = {{"low_tokens_per_s", prediction.drafts->low_tokens_per_s},
                        {"high_tokens_per_s", prediction.drafts->high_tokens_per_s},
                        {"depth", prediction.drafts->depth}};
  return object;
}

Json series_json(const Series& series) {
  return {{"median", series.median()}, {"values", series.values}};
}

Json measured_json(const PlanMeasured& measured) {
  Json memory = Json::array();
  for (const HeldMemory& held : measured.memory)
    memory.push_back({{"weights_bytes", held.weights},
                      {"states_bytes", held.states},
                      {"work_bytes", held.work},
                      {"total_bytes", held.total()}});
  return {{"memory", memory},
          {"prompt_tokens_per_s", series_json(measured.prompt)},
          {"one_user_tokens_per_s", series_json(measured.one_user)},
          {"all_users_tokens_per_s", series_json(measured.all_users)}};
}

}  // namespace

std::string plan_json(const PlanReport& report) {
  Json object = request_json(report.model, report.request);
  Json members = Json::array();
  for (size_t m = 0; m < report.members.names.size(); m++) {
    Json member = {{"device", report.members.names[m]}};
    member.update(speed_json(report.members.speeds[m]));
    members.push_back(member);
  }
  object["members"] = members;
  object["exchange_us"] = report.members.link.latency_s * 1e6;
  object["exchange_bytes_per_s"] = report.members.link.bytes_per_s;
  object["available_bytes"] = report.members.available_bytes;
  object["predicted"] = prediction_json(report.prediction);
  object["recommended_split"] = report.recommended;
  object["recommended_tokens_per_s"] = report.recommended_tokens_per_s;
  if (report.measured) object["measured"] = measured_json(*report.measured);
  return line_of(object);
}

std::string simulation_json(const SimulationReport& report) {
  Json object = request_json(report.model, report.request);
  object["member"] = speed_json(report.member);
  object["link"] = {{"latency_us", report.latency_s * 1e6},
                    {"bytes_per_s", report.link_bytes_per_s}};
  object["layers"] = report.layers;
  Json groups = Json::array();
  for (const SimulatedGroup& group : report.groups) {
    Json row = {{"members", group.members},
                {"members_at_work", members_at_work(group.prediction.shares)}};
    row.update(prediction_json(group.prediction));
    groups.push_back(row);
  }
  object["groups"] = groups;
  return line_of(object);
}

}  // namespace troika::cli
