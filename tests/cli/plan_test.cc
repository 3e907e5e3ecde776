// troika plan, end to end: what it predicts, refuses and simulates.

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/program.h"
#include "support/shared.h"

namespace troika::testing {
namespace {

using Json = nlohmann::json;
using Strings = std::vector<std::string>;

Outcome plan(const std::string& model, const Strings& flags) {
  Strings arguments = {"plan", model};
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  return troika(arguments);
}

Json plan_of(const std::string& model, Strings flags) {
  flags.push_back("--json");
  const Outcome outcome = plan(model, flags);
  EXPECT_EQ(outcome.status, 0) << outcome.error;
  return outcome.status == 0 ? Json::parse(outcome.out) : Json::object();
}

const Strings kTwo = {"--device", "cpu,cpu", "-c", "512", "--users", "3", "--depth", "100"};

TEST(CliPlan, PredictsMemoryAndSpeedByMember) {
  const Folder folder;
  const Json report = plan_of(chat_model(folder), kTwo);
  ASSERT_EQ(report["members"].size(), 2U);
  for (const Json& member : report["members"])
    for (const char* speed : {"bytes_per_s", "int8_per_s", "f32_per_s", "op_us"})
      EXPECT_GT(member[speed], 0) << speed;
  EXPECT_GT(report["exchange_us"], 0);
  const Json& predicted = report["predicted"];
  EXPECT_EQ(predicted["split"], (Json{1, 1}));
  ASSERT_EQ(predicted["memory"].size(), 2U);
  EXPECT_GT(predicted["memory"][0]["kv_bytes"], 0);
  for (const char* rate : {"prompt", "one_user", "all_users"}) {
    EXPECT_GT(predicted[rate]["tokens_per_s"], 0) << rate;
    EXPECT_GT(predicted[rate]["exchanges"], 0) << rate;
  }
  EXPECT_GE(predicted["drafts"]["high_tokens_per_s"], predicted["drafts"]["low_tokens_per_s"]);
  EXPECT_EQ(report["recommended_split"].size(), 2U);
}

TEST(CliPlan, MembersHoldWhatWasPredicted) {
  const Folder folder;
  for (const Strings& device :
       {Strings{"--device", "cpu", "-t", "2"}, kTwo,
        Strings{"--device", "cpu,cpu", "--split", "3,1", "--chunk", "64"}}) {
    Strings flags = device;
    flags.insert(flags.end(), {"--measure", "-r", "1"});
    const Json report = plan_of(chat_model(folder), flags);
    const Json& predicted = report["predicted"]["memory"];
    const Json& held = report["measured"]["memory"];
    ASSERT_EQ(predicted.size(), held.size());
    for (size_t m = 0; m < held.size(); m++) {
      // Ranges of weights are whole pages, which a model this small feels.
      EXPECT_LE(predicted[m]["weights_bytes"], held[m]["weights_bytes"]);
      EXPECT_EQ(static_cast<int64_t>(predicted[m]["kv_bytes"]) +
                    static_cast<int64_t>(predicted[m]["states_bytes"]),
                held[m]["states_bytes"]);
      const auto work = static_cast<double>(held[m]["work_bytes"]);
      EXPECT_NEAR(static_cast<double>(predicted[m]["work_bytes"]), work, 0.5 * work);
    }
    EXPECT_GT(report["measured"]["one_user_tokens_per_s"]["median"], 0);
  }
}

TEST(CliPlan, WhatCannotFitIsRefusedByMember) {
  const Folder folder;
  const Outcome outcome =
      plan(chat_model(folder), {"--device", "cpu,cpu", "-c", "4000000000", "--users", "64"});
  expect_refusal(outcome, 1, "member 0 of 2 (cpu) needs");
  EXPECT_NE(outcome.error.find("are there"), std::string::npos) << outcome.error;
}

TEST(CliPlan, WrongUsageIsTold) {
  const Folder folder;
  const std::string model = chat_model(folder);
  expect_refusal(plan(model, {"--device", "cpu,cpu", "--split", "1,2,3"}), 1,
                 "3 shares for 2 devices");
  expect_refusal(plan(model, {"--measure", "--simulate", "2"}), 2, "wanted no --simulate");
  expect_refusal(plan(model, {"--device", "cpu,cpu", "--simulate", "2"}), 1, "wanted one");
  EXPECT_EQ(plan(model, {"--simulate", "65"}).status, 2);
  EXPECT_EQ(plan(model, {"--users", "0"}).status, 2);
}

TEST(CliPlan, ASimulationFollowsFromItsFigures) {
  const Folder folder;
  const Strings flags = {"--simulate",    "2,4,64", "--link-latency-us", "5",
                         "--link-gbps",   "1",      "--member-gbps",     "0.01",
                         "--member-tops", "100",    "--member-op-us",    "0",
                         "--spec-type",   "none"};
  const Json report = plan_of(chat_model(folder), flags);
  const Json& groups = report["groups"];
  ASSERT_EQ(groups.size(), 4U);
  const auto memory_s = [&](size_t i) {
    return static_cast<double>(groups[i]["one_user"]["memory_s"]);
  };
  const auto exchange_s = [&](size_t i) {
    return static_cast<double>(groups[i]["one_user"]["exchange_s"]);
  };
  const auto exchanges = static_cast<double>(groups[1]["one_user"]["exchanges"]);
  EXPECT_EQ(groups[0]["members"], 1);
  EXPECT_EQ(exchange_s(0), 0);
  EXPECT_LT(memory_s(1), memory_s(0));
  // One round of 5 us for two members, two for four, six for 64; and a little for the bytes.
  EXPECT_GT(exchange_s(1), exchanges * 5e-6);
  EXPECT_LT(exchange_s(1), exchanges * 10e-6);
  EXPECT_GT(exchange_s(2), exchanges * 10e-6);
  EXPECT_GT(exchange_s(3), exchanges * 30e-6);
  EXPECT_LE(groups[3]["members_at_work"], 8);

  const Outcome text = plan(chat_model(folder), flags);
  EXPECT_NE(text.out.find("at work"), std::string::npos) << text.out;
}

}  // namespace
}  // namespace troika::testing
