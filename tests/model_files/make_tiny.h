// A tiny file made into a model, or refused.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "model/registry.h"
#include "model_files/tiny_file.h"

namespace troika::testing {

/// The model without its weights' bytes, which die with this function.
inline Result<Model> make(const TinyFile& tiny, ModelOptions options = {}) {
  const std::vector<std::byte> bytes = tiny.bytes();
  TROIKA_TRY(const gguf::File file, gguf::File::parse(bytes, "tiny.gguf"));
  Result<Model> model = make_model(file, options);
  if (model.ok())
    for (WeightInfo& weight : model->weights) weight.data = {};
  return model;
}

/// Expects a refusal whose message has `text` and names the file.
inline void expect_refused(const TinyFile& tiny, ErrorCode code, std::string_view text) {
  const Result<Model> model = make(tiny);
  ASSERT_FALSE(model.ok()) << "wanted: " << text;
  EXPECT_EQ(model.error().code(), code) << model.error().message();
  EXPECT_NE(model.error().message().find(text), std::string::npos) << model.error().message();
  EXPECT_NE(model.error().message().find("tiny.gguf"), std::string::npos)
      << model.error().message();
}

/// The weight `name` of the model, which has it.
inline const WeightInfo& weight(const Model& model, std::string_view name) {
  return *std::ranges::find(model.weights, name, &WeightInfo::name);
}

/// Replaces the feed-forward of block `at` by `experts` experts of `ffn`, hidden 64.
inline void put_experts(TinyFile& f, const std::string& at, int64_t experts, int64_t ffn) {
  for (const char* name : {"ffn_gate", "ffn_up", "ffn_down"})
    f.tensors.erase(at + name + ".weight");
  f.tensors[at + "ffn_gate_inp.weight"] = {{experts, 64}};
  f.tensors[at + "ffn_gate_exps.weight"] = {{experts, ffn, 64}};
  f.tensors[at + "ffn_up_exps.weight"] = {{experts, ffn, 64}};
  f.tensors[at + "ffn_down_exps.weight"] = {{experts, 64, ffn}};
}

/// The options of the first router of `graph`, which has one.
inline const RouterOptions& router_of(const Graph& graph) {
  const auto node = std::ranges::find_if(
      graph.nodes(), [](const Node& n) { return std::holds_alternative<RouterTopK>(n.op); });
  return std::get<RouterTopK>(node->op).options;
}

}  // namespace troika::testing
