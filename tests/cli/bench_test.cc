// troika bench, end to end on tiny models: every test has its results, and wrong usage its refusal.

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "cli/program.h"
#include "support/npy.h"

namespace troika::testing {
namespace {

using Json = nlohmann::json;
using Strings = std::vector<std::string>;

constexpr const char* kPrompts =
    R"([{"class":"inn","user":"the inn"},{"class":"raw","user":"","prompt":"in the inn"}])";

/// The results of `troika bench` with `flags` on a small hybrid model, by test.
std::map<std::string, std::vector<Json>> results_of(const std::string& model,
                                                    const Strings& flags) {
  Strings arguments = {"bench",       "--json", "-r", "2",    "-t", "2",
                       "--probe-mib", "4",      "-p", "8,16", model};
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  const Outcome outcome = troika(arguments);
  EXPECT_EQ(outcome.status, 0) << outcome.error;
  std::map<std::string, std::vector<Json>> results;
  std::istringstream lines(outcome.out);
  for (std::string line; std::getline(lines, line);) {
    const Json object = Json::parse(line);
    if (object["record"] == "machine") {
      EXPECT_GT(object["read_bytes_per_s"], 0);
      EXPECT_GE(object["peaks"].size(), 1u);
      continue;
    }
    EXPECT_GT(object["median"], 0) << line;
    EXPECT_FALSE(object["probes_bytes_per_s"].empty()) << line;
    results[object["test"]].push_back(object);
  }
  return results;
}

std::vector<int64_t> values(const std::vector<Json>& results, const char* key) {
  std::vector<int64_t> found;
  for (const Json& result : results) found.push_back(result.at(key));
  return found;
}

TEST(CliBench, ComparesMembersWithOneDevice) {
  const Folder folder;
  const auto results =
      results_of(chat_model(folder), {"--tests", "members", "--device", "cpu,cpu", "-n", "8"});
  const std::vector<Json>& rows = results.at("members");
  ASSERT_EQ(rows.size(), 8U);
  EXPECT_EQ(rows[2]["unit"], "x");
  EXPECT_EQ(rows[2]["values"].size(), 2U);
  EXPECT_EQ(rows[6]["unit"], "%");
  EXPECT_GT(rows[6]["exchanges"], 0);
  EXPECT_EQ(rows[6]["by_exchange_us"].size(), rows[6]["exchanges"]);
  EXPECT_GT(rows[7]["median"], 0);
}

TEST(CliBench, MembersWantsSeveralDevices) {
  const Folder folder;
  expect_refusal(troika({"bench", chat_model(folder), "--tests", "members"}), 2,
                 "wanted them in --device");
}

TEST(CliBench, MeasuresEveryTest) {
  const Folder folder;
  auto results = results_of(chat_model(folder), {"--tests",
                                                 "all",
                                                 "-n",
                                                 "4",
                                                 "--curve",
                                                 "2,1",
                                                 "--depths",
                                                 "0,70",
                                                 "--context",
                                                 "5",
                                                 "--sequences",
                                                 "1,3",
                                                 "--prompts",
                                                 folder.write("prompts.json", kPrompts),
                                                 "--answer",
                                                 "12",
                                                 "--spec-type",
                                                 "mtp",
                                                 "--spec-draft-n-max",
                                                 "2"});
  EXPECT_EQ(values(results["pp"], "tokens"), (std::vector<int64_t>{8, 16}));
  EXPECT_EQ(values(results["tg"], "tokens"), (std::vector<int64_t>{4}));
  EXPECT_EQ(values(results["curve"], "tokens"), (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(values(results["depth"], "depth"), (std::vector<int64_t>{0, 70}));
  EXPECT_EQ(values(results["batch"], "sequences"), (std::vector<int64_t>{1, 3}));
  EXPECT_GE(results["load"].size(), 2u);
  EXPECT_EQ(results["curve"][0]["ratio_to_first"], 1.0);
  for (const char* test : {"pp", "tg", "curve", "depth", "batch"})
    for (const Json& result : results[test]) {
      EXPECT_EQ(result["values"].size(), 2u);
      EXPECT_GT(result["limit"], 0) << result;
      EXPECT_GT(result["weight_bytes"], 0) << result;
    }
  ASSERT_EQ(results["mtp"].size(), 3u);  // two classes and all together
  for (const Json& result : results["mtp"]) {
    EXPECT_EQ(result["identical"], true);
    EXPECT_GT(result["acceptance"], 0);
    EXPECT_LE(result["acceptance"], 1);
  }
  EXPECT_EQ(results["mtp"][2]["class"], "all classes");
  EXPECT_EQ(values(results["engine"], "users"), (std::vector<int64_t>{1, 3}));
  for (const Json& result : results["engine"]) EXPECT_GT(result["ratio_to_bare_passes"], 0);
  ASSERT_EQ(results["fairness"].size(), 2u);  // first tokens, and the share
  for (const Json& result : results["fairness"]) {
    EXPECT_EQ(result["others"], 12);
    EXPECT_GT(result["tokens_per_s"], 0);
    EXPECT_GT(result["fair_share"], 0);
  }
  EXPECT_EQ(values(results["users"], "users"), (std::vector<int64_t>{1, 3}));
  for (const Json& result : results["users"]) {
    EXPECT_EQ(result["identical"], true);
    EXPECT_GT(result["acceptance"], 0);
  }
}

TEST(CliBench, TableAndPlot) {
  const Folder folder;
  const std::string svg = folder / "curve.svg";
  const std::string other = folder.write(
      "other.jsonl", "{\"engine\":\"other\",\"test\":\"curve\",\"tokens\":2,\"median\":7}\n");
  const Outcome outcome = troika({"bench", model_file("llama-f32"), "--device", "reference",
                                  "--tests", "curve", "-r", "1", "--curve", "1,2", "--context", "4",
                                  "--probe-mib", "4", "--svg", svg, "--plot-with", other});
  ASSERT_EQ(outcome.status, 0) << outcome.error;
  EXPECT_NE(outcome.out.find("GB/s"), std::string::npos);
  EXPECT_NE(outcome.out.find("2 tokens, "), std::string::npos);
  const std::string drawn = read_text(svg);
  EXPECT_TRUE(drawn.starts_with("<svg "));
  EXPECT_NE(drawn.find(">other "), std::string::npos);
}

TEST(CliBench, RefusesWrongUsage) {
  const auto bench = [](const Strings& flags) {
    Strings arguments = {"bench", model_file("llama-f32")};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    return troika(arguments);
  };
  expect_refusal(bench({"-r", "0"}), 2, "--repetitions");
  expect_refusal(bench({"--tests", "pp,gallop"}), 2, "gallop");
  expect_refusal(bench({"--tests", ""}), 2, "--tests");
  expect_refusal(bench({"--tests", "mtp"}), 2, "--prompts");
  expect_refusal(bench({"--tests", "users"}), 2, "--prompts");
  expect_refusal(bench({"-p", "512,0"}), 2, "--n-prompt");
  expect_refusal(bench({"--curve", "65"}), 2, "--curve");
  expect_refusal(bench({"--depths", "-1"}), 2, "--depths");
  expect_refusal(bench({"--sequences", "many"}), 2, "--sequences");
  expect_refusal(bench({"--probe-mib", "-1"}), 2, "--probe-mib");
  expect_refusal(bench({"--plot-with", "a"}), 2, "--svg");
  expect_refusal(bench({"--svg", "a.svg", "--tests", "pp"}), 2, "curve");
}

TEST(CliBench, FailsBeforeItMeasuresWhatCannotBeReported) {
  const Folder folder;
  const auto bench = [](const Strings& flags) {
    Strings arguments = {"bench", model_file("llama-f32"), "--device", "reference", "-r", "1"};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    return troika(arguments);
  };
  expect_refusal(bench({"--svg", folder / "none/a.svg"}), 1, "none");
  expect_refusal(bench({"--svg", folder / "a.svg", "--plot-with", folder / "none.jsonl"}), 1,
                 "none.jsonl");
  expect_refusal(
      troika({"bench", chat_model(folder), "--tests", "mtp", "--prompts", folder / "none.json"}), 1,
      "none.json");
  const std::string prompts = folder.write("prompts.json", kPrompts);
  expect_refusal(bench({"--tests", "mtp", "--prompts", prompts}), 1, "draft head");
}

}  // namespace
}  // namespace troika::testing
