#include "serve/metrics/serve_metrics.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>

namespace troika::serve {
namespace {

TEST(ServeMetrics, TenantsHaveTheirSeriesFromTheBeginning) {
  ServeMetrics metrics;
  TenantMetrics& clinic = metrics.of("clinic", "demo");
  EXPECT_EQ(&clinic, &metrics.of("clinic", "demo"));
  EXPECT_NE(&clinic, &metrics.of("lab", "demo"));
  clinic.answer_tokens.add(17);
  DraftCounts counts;
  counts.add(3, 2);
  clinic.add_drafts(counts);
  metrics.count_end("clinic", "demo", "stop");
  metrics.count_refusal("lab", "tokens_per_day");
  metrics.count_http("/v1/models", 200);
  const std::string text = metrics.registry.text();
  for (const char* line :
       {"troika_answer_tokens_total{tenant=\"clinic\",model=\"demo\"} 17\n",
        "troika_answer_tokens_total{tenant=\"lab\",model=\"demo\"} 0\n",
        "troika_drafts_proposed_total{tenant=\"clinic\",model=\"demo\",depth=\"3\"} 1\n",
        "troika_drafts_accepted_total{tenant=\"clinic\",model=\"demo\",depth=\"2\"} 1\n",
        "troika_drafts_accepted_total{tenant=\"clinic\",model=\"demo\",depth=\"3\"} 0\n",
        "troika_requests_total{tenant=\"clinic\",model=\"demo\",outcome=\"stop\"} 1\n",
        "troika_refusals_total{tenant=\"lab\",reason=\"tokens_per_day\"} 1\n",
        "troika_http_requests_total{route=\"/v1/models\",status=\"200\"} 1\n"})
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
}

/// The names in the text of all metrics, and those that `text` uses.
std::set<std::string> names_in(const std::string& text) {
  std::set<std::string> names;
  const std::regex pattern("troika_[a-z_]+");
  for (std::sregex_iterator at(text.begin(), text.end(), pattern); at != std::sregex_iterator();
       ++at)
    names.insert(at->str());
  return names;
}

std::string read(const std::string& path) {
  std::ifstream file(std::string(TROIKA_SOURCE_DIR) + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(ServeMetrics, DashboardAndPageNameWhatThereIs) {
  ServeMetrics metrics;
  metrics.of("clinic", "demo");
  std::set<std::string> families;
  const std::string text = metrics.registry.text();
  const std::regex help("# HELP (troika_[a-z_]+)");
  for (std::sregex_iterator at(text.begin(), text.end(), help); at != std::sregex_iterator(); ++at)
    families.insert((*at)[1]);
  ASSERT_GT(families.size(), 25U);

  const std::string dashboard = read("/deploy/grafana/troika.json");
  ASSERT_TRUE(nlohmann::json::parse(dashboard, nullptr, false).is_object());
  for (std::string name : names_in(dashboard)) {
    for (const char* suffix : {"_bucket", "_count", "_sum"})
      if (name.ends_with(suffix) && !families.contains(name))
        name.resize(name.size() - std::string(suffix).size());
    EXPECT_TRUE(families.contains(name)) << name << " of deploy/grafana/troika.json";
  }
  const std::set<std::string> explained = names_in(read("/docs/watching.md"));
  for (const std::string& name : families)
    EXPECT_TRUE(explained.contains(name)) << name << " is not in docs/watching.md";
}

}  // namespace
}  // namespace troika::serve
