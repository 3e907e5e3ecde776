// troika embed: a vector for each text, whatever way the texts come.

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/program.h"

namespace troika::testing {
namespace {

using Json = nlohmann::json;
using Strings = std::vector<std::string>;

std::vector<Json> embed(Strings flags) {
  flags.insert(flags.begin(), {"embed", model_file("llama-f32"), "-t", "1"});
  const Outcome outcome = troika(flags);
  EXPECT_EQ(outcome.status, 0) << outcome.error;
  std::vector<Json> lines;
  for (size_t at = 0; at < outcome.out.size();) {
    const size_t end = outcome.out.find('\n', at);
    lines.push_back(Json::parse(outcome.out.substr(at, end - at)));
    at = end + 1;
  }
  return lines;
}

double length(const Json& line) {
  double squares = 0;
  for (const double x : line["embedding"].get<std::vector<double>>()) squares += x * x;
  return std::sqrt(squares);
}

TEST(CliEmbed, WritesAVectorForEachText) {
  const Folder folder;
  const auto lines = embed({"-p", "the inn", "-p", "a river and the sea"});
  ASSERT_EQ(lines.size(), 2u);
  for (size_t i = 0; i < 2; i++) {
    EXPECT_EQ(lines[i]["index"], i);
    EXPECT_GT(lines[i]["tokens"], 0);
    EXPECT_NEAR(length(lines[i]), 1, 1e-5);
  }
  EXPECT_NE(lines[0]["embedding"], lines[1]["embedding"]);
  const auto file = embed({"-f", folder.write("texts", "the inn\n\na river and the sea\n")});
  EXPECT_EQ(file, lines);
  EXPECT_EQ(embed({"-p", "a river and the sea", "--chunk", "3"})[0]["embedding"],
            lines[1]["embedding"]);
}

TEST(CliEmbed, PoolingAndLengthAreTheCallersChoice) {
  const Json standard = embed({"-p", "the inn"})[0];
  EXPECT_EQ(embed({"-p", "the inn", "--pooling", "mean"})[0], standard);
  EXPECT_NE(embed({"-p", "the inn", "--pooling", "last"})[0], standard);
  EXPECT_GT(std::abs(length(embed({"-p", "the inn", "--no-normalize"})[0]) - 1), 1e-3);
}

TEST(CliEmbed, Refusals) {
  const std::string model = model_file("llama-f32");
  expect_refusal(troika({"embed", model}), 2, "no text given");
  expect_refusal(troika({"embed", model, "-p", "a", "--pooling", "max"}), 2, "--pooling");
  expect_refusal(troika({"embed", model, "-f", "/none.txt"}), 1, "none.txt");
  expect_refusal(troika({"embed", "/none.gguf", "-p", "a"}), 1, "none.gguf");
}

}  // namespace
}  // namespace troika::testing
