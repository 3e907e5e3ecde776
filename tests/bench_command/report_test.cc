// Results as rows and as JSON, curves read back from it, the plot, and the file of prompts.

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "cli/bench_plot.h"
#include "cli/bench_prompts.h"
#include "cli/bench_result.h"

namespace troika::cli {
namespace {

using Json = nlohmann::json;

const BenchMachine kMachine{.model = "folder/a.gguf",
                            .device = "cpu",
                            .threads = 2,
                            .read_bytes_per_s = 3e10,
                            .peaks = {{Isa::portable, 1e9, 2e9}, {Isa::avx512, 1e12, 1e11}},
                            .repetitions = 3};

BenchResult curve_result(int64_t tokens, double ms) {
  return {.test = "curve",
          .what = "some tokens",
          .unit = "ms",
          .series = {{ms, ms + 1, ms - 1}},
          .limit = ms / 2,
          .probes = {3e10, 2e10},
          .details = {{"tokens", tokens}}};
}

TEST(BenchReport, JsonIsOneObjectALine) {
  const std::string head = machine_json(kMachine);
  EXPECT_EQ(std::ranges::count(head, '\n'), 1);
  const Json machine = Json::parse(head);
  EXPECT_EQ(machine["record"], "machine");
  EXPECT_EQ(machine["peaks"][1]["isa"], "avx512");
  EXPECT_EQ(machine["read_bytes_per_s"], 3e10);

  const std::string line = result_json(kMachine, curve_result(4, 20));
  EXPECT_EQ(std::ranges::count(line, '\n'), 1);
  const Json result = Json::parse(line);
  EXPECT_EQ(result["record"], "result");
  EXPECT_EQ(result["test"], "curve");
  EXPECT_EQ(result["tokens"], 4);
  EXPECT_EQ(result["median"], 20.0);
  EXPECT_EQ(result["values"], (Json{20.0, 21.0, 19.0}));
  EXPECT_EQ(result["limit"], 10.0);
  EXPECT_EQ(result["share_percent"], 50.0);
  EXPECT_EQ(result["probes_bytes_per_s"], (Json{3e10, 2e10}));
  EXPECT_EQ(result["steady"], false);
}

TEST(BenchReport, RowsMarkAMachineThatChanged) {
  EXPECT_NE(row_text(curve_result(4, 20)).find("20.0-30.0 !"), std::string::npos);
  BenchResult steady = curve_result(4, 20);
  steady.probes = {3e10};
  EXPECT_EQ(row_text(steady).find('!'), std::string::npos);
  EXPECT_NE(row_text(steady).find("50 %"), std::string::npos);
  EXPECT_NE(head_text(kMachine).find("30.0 GB/s"), std::string::npos);
}

TEST(BenchPlot, CurvesComeBackFromTheirJson) {
  std::string lines = machine_json(kMachine);
  for (const int64_t tokens : {8, 1, 4})
    lines += result_json(kMachine, curve_result(tokens, 10.0 * static_cast<double>(tokens)));
  lines += "\n{\"test\":\"curve\",\"engine\":\"other\",\"tokens\":2,\"median\":7}\n";
  const auto curves = parse_curves(lines, "lines");
  ASSERT_TRUE(curves.ok()) << curves.error().message();
  ASSERT_EQ(curves->size(), 2u);
  EXPECT_EQ(curves->front().name, "troika a.gguf");
  ASSERT_EQ(curves->front().points.size(), 3u);
  EXPECT_EQ(curves->front().points[1].tokens, 4);
  EXPECT_EQ(curves->front().points[1].ms, 40);
  EXPECT_EQ(curves->back().points.front().ms, 7);
}

TEST(BenchPlot, RefusesLinesThatAreNoCurve) {
  for (const char* lines : {"", "{}\n", "curve\n", "[1]\n", "{\"test\":\"curve\"}\n",
                            "{\"test\":\"curve\",\"tokens\":0,\"median\":1}\n",
                            "{\"test\":\"curve\",\"tokens\":\"a\",\"median\":1}\n"}) {
    const auto curves = parse_curves(lines, "that.jsonl");
    ASSERT_FALSE(curves.ok()) << lines;
    EXPECT_NE(curves.error().message().find("that.jsonl"), std::string::npos);
  }
}

/// Whether every tag of `text` is closed in order and every attribute quoted.
bool well_formed(std::string_view text) {
  std::vector<std::string> open;
  for (size_t at = text.find('<'); at != std::string_view::npos; at = text.find('<', at)) {
    const size_t end = text.find('>', at);
    if (end == std::string_view::npos) return false;
    std::string_view tag = text.substr(at + 1, end - at - 1);
    at = end;
    if (std::ranges::count(tag, '"') % 2 != 0 || tag.find('<') != std::string_view::npos)
      return false;
    const bool closes = tag.starts_with('/'), alone = tag.ends_with('/');
    if (closes) tag.remove_prefix(1);
    const std::string name(tag.substr(0, tag.find_first_of(" /")));
    if (closes && (open.empty() || open.back() != name)) return false;
    if (closes)
      open.pop_back();
    else if (!alone)
      open.push_back(name);
  }
  return open.empty();
}

TEST(BenchPlot, SvgIsWellFormedWhateverTheNamesAre) {
  const std::vector<BenchResult> results = {curve_result(1, 10), curve_result(4, 12)};
  std::vector<Curve> curves = curves_of(results, "a <b> & \"c\"\n");
  ASSERT_EQ(curves.size(), 2u);
  EXPECT_TRUE(curves[1].dashed);
  curves.push_back({.name = "empty", .dashed = false, .points = {}});
  const std::string svg = plot_svg("<title>", curves);
  EXPECT_TRUE(well_formed(svg)) << svg;
  EXPECT_TRUE(svg.starts_with("<svg xmlns="));
  EXPECT_NE(svg.find("a &lt;b&gt; &amp; &quot;c&quot;"), std::string::npos);
  EXPECT_EQ(svg.find("empty"), std::string::npos);
  const auto count = [&svg](std::string_view text) {
    int found = 0;
    for (size_t at = svg.find(text); at != std::string::npos; at = svg.find(text, at + 1)) found++;
    return found;
  };
  EXPECT_EQ(count("<polyline"), 2);
  EXPECT_EQ(count("<circle"), 2);
  EXPECT_EQ(count("nan") + count("inf"), 0);
  EXPECT_TRUE(well_formed(plot_svg("none", {})));
}

TEST(BenchPrompts, AreGroupedByClassInOrder) {
  const auto classes = parse_bench_prompts(
      R"([{"class":"b","user":"one"},{"class":"a","user":"x","prompt":"raw"},
          {"class":"b","user":"two","expected":3}])",
      "prompts.json");
  ASSERT_TRUE(classes.ok()) << classes.error().message();
  ASSERT_EQ(classes->size(), 2u);
  EXPECT_EQ((*classes)[0].name, "b");
  ASSERT_EQ((*classes)[0].prompts.size(), 2u);
  EXPECT_EQ((*classes)[0].prompts[1].text, "two");
  EXPECT_FALSE((*classes)[0].prompts[1].raw);
  EXPECT_EQ((*classes)[1].prompts[0].text, "raw");
  EXPECT_TRUE((*classes)[1].prompts[0].raw);
}

TEST(BenchPrompts, RefuseWhatIsNoListOfPrompts) {
  for (const char* json : {"", "[]", "{}", "[1]", "[{\"class\":\"a\"}]", "[{\"user\":\"a\"}]",
                           "[{\"class\":1,\"user\":\"a\"}]", "[{\"class\":\"a\",\"user\":\"\"}]"}) {
    const auto classes = parse_bench_prompts(json, "prompts.json");
    ASSERT_FALSE(classes.ok()) << json;
    EXPECT_NE(classes.error().message().find("prompts.json"), std::string::npos);
  }
}

}  // namespace
}  // namespace troika::cli
