// Every family that there is, divided among members in many ways: which splits happen, and that
// nothing is lost or computed twice that need not be.
#include <gtest/gtest.h>

#include <set>
#include <string_view>

#include "graph/sharding.h"
#include "model/registry.h"
#include "support/models.h"

namespace troika::testing {
namespace {

const std::vector<Shares> kShares = {{1},
                                     {1, 1},
                                     {3, 1},
                                     {5, 3},
                                     {0, 1},
                                     {1, 1, 1},
                                     {1, 0, 2},
                                     {1, 1, 1, 1},
                                     {4, 2, 1, 1},
                                     {1, 1, 1, 1, 1, 1, 1, 1},
                                     {0, 5, 0, 0, 1, 0, 2, 0}};

struct Opened {
  gguf::File file;
  Model model;
};

Opened open(const std::string& name) {
  Result<gguf::File> file = gguf::File::open(model_folder() / (name + ".gguf"));
  EXPECT_TRUE(file.ok()) << file.error().message();
  Result<Model> model = make_model(*file, {.draft_rows = 32});
  EXPECT_TRUE(model.ok()) << model.error().message();
  return {std::move(*file), std::move(*model)};
}

/// Names of all fixtures of families that this build knows.
std::vector<std::string> known_models() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(model_folder())) {
    if (entry.path().extension() != ".gguf") continue;
    const Result<gguf::File> file = gguf::File::open(entry.path());
    if (file.ok() && make_model(*file, {}).ok()) names.push_back(entry.path().stem().string());
  }
  std::ranges::sort(names);
  return names;
}

/// "attn_q" of "blk.3.attn_q.weight".
std::string role_of(const std::string& name) {
  std::string role = name;
  for (const std::string_view suffix : {".weight", ".bias"})
    if (role.ends_with(suffix)) role.resize(role.size() - suffix.size());
  if (role.starts_with("blk.")) role = role.substr(role.find('.', 4) + 1);
  return role;
}

/// What each op of one kind counts, added up.
template <typename Kind, typename Count>
int64_t added_up(const Graph& graph, Count count) {
  int64_t sum = 0;
  for (const Node& node : graph.nodes())
    if (const auto* op = std::get_if<Kind>(&node.op)) sum += count(*op);
  return sum;
}

template <typename Kind, typename Count>
void expect_dealt_out(const Graph& whole, const ShardedGraph& sharded, Count count) {
  int64_t sum = 0;
  for (const MemberGraph& member : sharded.members) sum += added_up<Kind>(member.graph, count);
  EXPECT_EQ(sum, added_up<Kind>(whole, count));
}

/// How many layers of a graph end in a sum over leaves, twice each at most.
int64_t exchanges_at_most(const Graph& graph, const Model& model) {
  const int64_t layers = &graph == &model.trunk ? model.info.layers : 1;
  return 2 * layers + 1;  // and the argmax
}

void expect_sound(const Graph& graph, const Model& model, const Shares& shares) {
  const Result<ShardedGraph> sharded = shard(graph, model.weights, model.states, shares);
  ASSERT_TRUE(sharded.ok()) << sharded.error().message();
  EXPECT_LE(sharded->exchanges, exchanges_at_most(graph, model));
  for (const MemberGraph& member : sharded->members) {
    int64_t exchanges = 0;
    for (const Node& node : member.graph.nodes())
      exchanges += std::holds_alternative<Exchange>(node.op) ? 1 : 0;
    EXPECT_EQ(exchanges, sharded->exchanges) << "every member keeps step";
  }
  expect_dealt_out<Attention>(graph, *sharded, [](const auto& op) { return op.q.spec.units; });
  expect_dealt_out<GatedDeltaRule>(graph, *sharded, [](const auto& op) { return op.v.spec.units; });
  expect_dealt_out<GatedDeltaRule>(graph, *sharded, [](const auto& op) { return op.k.spec.units; });
  expect_dealt_out<CausalConv>(graph, *sharded, [](const auto& op) { return op.taps.rows(); });
  expect_dealt_out<SwiGlu>(graph, *sharded, [](const auto& op) { return op.gate.spec.elements(); });
  expect_dealt_out<ExpertSum>(graph, *sharded, [](const auto& op) { return op.w.inputs; });
  expect_dealt_out<ExpertMatMul>(graph, *sharded, [](const auto& op) { return op.w.units; });
}

TEST(FamiliesTest, EveryModelIsDividedAmongAnyMembers) {
  std::set<std::string> families;
  for (const std::string& name : known_models()) {
    const Opened opened = open(name);
    families.insert(opened.model.info.architecture);
    for (const Shares& shares : kShares) {
      SCOPED_TRACE(::testing::Message() << name << " by " << ::testing::PrintToString(shares));
      expect_sound(opened.model.trunk, opened.model, shares);
      if (opened.model.draft) expect_sound(*opened.model.draft, opened.model, shares);
    }
  }
  const std::set<std::string> all = {"llama", "qwen2", "qwen3", "qwen3moe", "qwen35", "qwen35moe"};
  EXPECT_EQ(families, all);
}

TEST(FamiliesTest, MatricesAreSplitByTheirRoles) {
  const std::set<std::string> by_columns = {"attn_output", "ffn_down", "ffn_down_exps",
                                            "ffn_down_shexp", "ssm_out"};
  const std::set<std::string> by_rows = {
      "attn_q",        "attn_k",         "attn_v",
      "attn_qkv",      "ffn_gate",       "ffn_up",
      "ffn_gate_exps", "ffn_up_exps",    "attn_gate",
      "ssm_alpha",     "ssm_beta",       "ssm_a",
      "ssm_dt",        "ssm_conv1d",     "output",
      "ffn_up_shexp",  "ffn_gate_shexp", "nextn.shared_head_head"};
  std::set<std::string> seen;
  for (const std::string& name : known_models()) {
    const Opened opened = open(name);
    for (const WeightInfo& weight : opened.model.weights) {
      const std::string role = role_of(weight.name);
      SCOPED_TRACE(name + ": " + weight.name);
      EXPECT_EQ(weight.sharing.columns, by_columns.contains(role));
      const bool tied = weight.use == WeightUse::matmul_lookup;
      EXPECT_EQ(!weight.sharing.rows.empty(), by_rows.contains(role) || tied);
      if (weight.sharing.columns || !weight.sharing.rows.empty()) seen.insert(role);
    }
  }
  for (const char* role : {"attn_output", "ffn_down", "ffn_down_exps", "ffn_down_shexp", "ssm_out",
                           "attn_q", "attn_qkv", "ssm_conv1d", "ffn_up_exps", "output"})
    EXPECT_TRUE(seen.contains(role)) << role;
}

TEST(FamiliesTest, MembersTakeTheBytesOfTheirShares) {
  for (const std::string& name : known_models()) {
    const Opened opened = open(name);
    for (const Shares& shares : kShares) {
      for (const WeightInfo& weight : opened.model.weights) {
        const Weight& whole = weight.weight;
        int64_t elements = 0;
        for (int64_t m = 0; m < std::ssize(shares); m++) {
          const WeightCut cut = cut_weight(weight, shares, m);
          if (cut.weight.present()) elements += cut.weight.rows() * cut.weight.inputs;
        }
        const bool divided = weight.sharing.columns || !weight.sharing.rows.empty();
        EXPECT_EQ(elements, whole.rows() * whole.inputs * (divided ? 1 : std::ssize(shares)))
            << name << ": " << weight.name << " by " << ::testing::PrintToString(shares);
      }
    }
  }
}

}  // namespace
}  // namespace troika::testing
