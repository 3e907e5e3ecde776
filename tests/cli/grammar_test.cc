// troika run held to a grammar or a JSON schema.

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/program.h"

namespace troika::testing {
namespace {

using Strings = std::vector<std::string>;

constexpr int kFailed = 1;
constexpr int kUsage = 2;
constexpr const char* kSchema =
    R"({"properties": {"n": {"type": "integer", "maximum": 99, "minimum": 0}}, "required": ["n"]})";

Outcome run_with(const Strings& flags) {
  const std::string model = std::string(TROIKA_SOURCE_DIR) + "/models/troika-demo.gguf";
  Strings arguments = {"run", model, "-p", "What is 47 + 54?", "--seed", "1", "-n", "60"};
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  return troika(arguments);
}

TEST(CliGrammar, AnswersAreWhatIsAsked) {
  const Folder folder;
  const std::string gbnf = "root ::= \"<\" [a-c]{4} \">\"";
  for (const Strings& flags :
       {Strings{"--grammar", gbnf}, Strings{"--grammar-file", folder.write("g", gbnf)}}) {
    const Outcome outcome = run_with(flags);
    EXPECT_EQ(outcome.status, 0) << outcome.error;
    EXPECT_EQ(outcome.out.size(), 7U) << outcome.out;
    EXPECT_EQ(outcome.out.substr(0, 1) + outcome.out.substr(5), "<>\n");
  }
  for (const Strings& flags :
       {Strings{"-j", kSchema}, Strings{"--json-schema-file", folder.write("s", kSchema)}}) {
    const Outcome outcome = run_with(flags);
    EXPECT_EQ(outcome.status, 0) << outcome.error;
    const nlohmann::json object = nlohmann::json::parse(outcome.out, nullptr, false);
    ASSERT_TRUE(object.is_object()) << outcome.out;
    EXPECT_TRUE(object["n"].is_number_integer()) << outcome.out;
  }
}

TEST(CliGrammar, WhatIsWrongIsNamed) {
  const Folder folder;
  expect_refusal(run_with({"--grammar", "root ::= \"a\"", "-j", "{}"}), kUsage, "grammar");
  expect_refusal(run_with({"--grammar", "root ::= (\"a\""}), kFailed, "line 1, column 14");
  expect_refusal(run_with({"-j", R"({"not": {}})"}), kFailed, "\"not\" at #/not");
  expect_refusal(run_with({"--grammar-file", folder.write("g", "x")}), kFailed, "/g: the grammar");
  expect_refusal(run_with({"--json-schema-file", folder / "none"}), kFailed, "none");
}

}  // namespace
}  // namespace troika::testing
