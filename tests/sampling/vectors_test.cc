// Every step and chain of the sampler against vectors computed elsewhere:
// tests/sampling/samplers.jsonl always, the larger set in ../shared/fixtures/sampling where that
// folder is present.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/sampler_chain.h"
#include "engine/sampler_history.h"

namespace troika {
namespace {

using Json = nlohmann::json;

constexpr double kRelative = 1e-5;  // what the vectors promise
constexpr double kRounding = 1e-7;  // they have 7 decimals

SamplingOptions options_of(const Json& params) {
  SamplingOptions o;
  o.temperature = params.value("temperature", o.temperature);
  o.dynatemp_range = params.value("dynatemp_range", o.dynatemp_range);
  o.dynatemp_exponent = params.value("dynatemp_exponent", o.dynatemp_exponent);
  o.top_k = params.value("top_k", o.top_k);
  o.typical_p = params.value("typical_p", o.typical_p);
  o.top_p = params.value("top_p", o.top_p);
  o.min_p = params.value("min_p", o.min_p);
  o.min_keep = params.value("min_keep", o.min_keep);
  o.repeat_penalty = params.value("repeat_penalty", o.repeat_penalty);
  o.frequency_penalty = params.value("frequency_penalty", o.frequency_penalty);
  o.presence_penalty = params.value("presence_penalty", o.presence_penalty);
  o.repeat_last_n = params.value("repeat_last_n", o.repeat_last_n);
  o.top_n_sigma = params.value("top_n_sigma", o.top_n_sigma);
  o.xtc_probability = params.value("xtc_probability", o.xtc_probability);
  o.xtc_threshold = params.value("xtc_threshold", o.xtc_threshold);
  o.dry_multiplier = params.value("dry_multiplier", o.dry_multiplier);
  o.dry_base = params.value("dry_base", o.dry_base);
  o.dry_allowed_length = params.value("dry_allowed_length", o.dry_allowed_length);
  o.dry_last_n = params.value("dry_penalty_last_n", o.dry_last_n);
  EXPECT_TRUE(o.validate(1 << 20).ok());
  return o;
}

std::vector<TokenId> ids_of(const Json& list) {
  std::vector<TokenId> ids;
  for (const int32_t id : list) ids.push_back(TokenId{id});
  return ids;
}

DryBreakers breakers_of(const Json& lists) {
  DryBreakers breakers;
  for (const Json& list : lists) {
    const std::vector<TokenId> ids = ids_of(list);
    breakers.add(ids.front(), {ids.begin() + 1, ids.end()});
  }
  return breakers;
}

// The part of the history that counts, as a sampler keeps it.
std::vector<TokenId> dry_history(const std::vector<TokenId>& history, int32_t last_n) {
  DryHistory kept(last_n);
  for (const TokenId id : history) kept.push(id);
  return {kept.tokens().begin(), kept.tokens().end()};
}

Candidates run(const Json& test) {
  const Json& params = test.at("params");
  const std::string name = test.at("sampler");
  const SamplingOptions options = options_of(params);
  const auto history = ids_of(test.value("history", Json::array()));
  const DryBreakers breakers = breakers_of(test.value("breakers", Json::array()));
  SamplerHistory counts(options.repeat_last_n);
  for (const TokenId id : history) counts.push(id);
  DryPenalties dry;
  Candidates candidates;
  const Adjustments adjustments{
      {}, counts.counts(), dry.find(dry_history(history, options.dry_last_n), &breakers, options)};
  const auto logits = test.at("logits").get<std::vector<float>>();
  candidates.load(logits, adjustments, Candidates::kAll);
  if (name == "mirostat") {
    candidates.mirostat(params.at("mu"), params.at("n_vocab"));
  } else if (name == "mirostat_v2") {
    candidates.mirostat2(params.at("mu"));
  } else if (name == "adaptive_p") {
    const double target = params.at("target");
    const double mean = params.value("weighted_sum", target) / params.value("total_weight", 1.0);
    candidates.adapt(std::clamp(2 * target - mean, 0.0, 1.0));
  } else {
    const std::string order = name == "chain" ? params.at("order") : Json(name);
    run_steps(parse_samplers(order).value(), {options, adjustments}, candidates);
  }
  return candidates;
}

void expect_probabilities(const Candidates& candidates, const Json& expect) {
  std::map<int32_t, double> got, want;
  for (const auto& [id, p] : candidates.probabilities()) got[static_cast<int32_t>(id)] = p;
  for (const Json& entry : expect) want[entry.at(0)] = entry.at(1);
  for (const auto& [id, p] : got)
    EXPECT_NEAR(p, want.contains(id) ? want.at(id) : 0, kRelative * p + kRounding)
        << "token " << id;
  for (const auto& [id, p] : want) EXPECT_TRUE(got.contains(id)) << "token " << id << " is missing";
}

// Returns how many cases ran.
int run_file(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::string line;
  int cases = 0;
  for (int number = 1; std::getline(file, line); number++) {
    const Json test = Json::parse(line);
    SCOPED_TRACE(path.filename().string() + ":" + std::to_string(number) + " " +
                 test.at("sampler").get<std::string>() + " " + test.at("params").dump());
    expect_probabilities(run(test), test.at("expect"));
    cases++;
  }
  return cases;
}

const std::filesystem::path kSource = TROIKA_SOURCE_DIR;

TEST(SamplerVectors, CommittedCases) {
  EXPECT_EQ(run_file(kSource / "tests/sampling/samplers.jsonl"), 54);
}

TEST(SamplerVectors, SharedCases) {
  const std::filesystem::path path = kSource / "../shared/fixtures/sampling/samplers.jsonl";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "no ../shared/fixtures/sampling here";
  EXPECT_EQ(run_file(path), 174);
}

}  // namespace
}  // namespace troika
