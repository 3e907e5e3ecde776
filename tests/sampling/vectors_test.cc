// Every step and chain of the sampler against vectors computed elsewhere:
// tests/sampling/samplers.jsonl always, the larger set in ../shared/fixtures/sampling where that
// folder is present. Lines of samplers that Troika lacks are passed over.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "engine/sampler_chain.h"
#include "engine/sampler_history.h"

namespace troika {
namespace {

using Json = nlohmann::json;

constexpr double kRelative = 1e-5;  // what the vectors promise
constexpr double kRounding = 1e-7;  // they have 7 decimals

const std::map<std::string, SamplerStep> kSteps = {{"top_k", SamplerStep::top_k},
                                                   {"typical", SamplerStep::typical_p},
                                                   {"top_p", SamplerStep::top_p},
                                                   {"min_p", SamplerStep::min_p},
                                                   {"temperature", SamplerStep::temperature}};

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
  return o;
}

// The steps of a case, or nothing where it needs a sampler that Troika lacks. Penalties are no
// step: they come first.
std::optional<std::vector<SamplerStep>> steps_of(const Json& test) {
  std::string rest = test.at("sampler");
  if (rest == "chain") rest = test.at("params").at("order");
  std::vector<SamplerStep> steps;
  for (size_t start = 0; start <= rest.size();) {
    const size_t end = std::min(rest.find(';', start), rest.size());
    const std::string name = rest.substr(start, end - start);
    const bool first = start == 0;
    start = end + 1;
    if (name == "penalties" && first) continue;
    if (!kSteps.contains(name)) return std::nullopt;
    steps.push_back(kSteps.at(name));
  }
  return steps;
}

Candidates run(const Json& test, const std::vector<SamplerStep>& steps) {
  const SamplingOptions options = options_of(test.at("params"));
  SamplerHistory history(options.repeat_last_n);
  for (const int32_t id : test.value("history", std::vector<int32_t>())) history.push(TokenId{id});
  Candidates candidates;
  candidates.load(test.at("logits").get<std::vector<float>>(), options, history.counts(),
                  Candidates::kAll);
  run_steps(steps, options, candidates);
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
    const auto steps = steps_of(test);
    if (!steps) continue;
    SCOPED_TRACE(path.filename().string() + ":" + std::to_string(number) + " " +
                 test.at("sampler").get<std::string>() + " " + test.at("params").dump());
    expect_probabilities(run(test, *steps), test.at("expect"));
    cases++;
  }
  return cases;
}

const std::filesystem::path kSource = TROIKA_SOURCE_DIR;

TEST(SamplerVectors, CommittedCases) {
  EXPECT_EQ(run_file(kSource / "tests/sampling/samplers.jsonl"), 32);
}

TEST(SamplerVectors, SharedCases) {
  const std::filesystem::path path = kSource / "../shared/fixtures/sampling/samplers.jsonl";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "no ../shared/fixtures/sampling here";
  EXPECT_EQ(run_file(path), 96);
}

}  // namespace
}  // namespace troika
