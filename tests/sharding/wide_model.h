// Models of every family with eight units or more on every axis that members can share: KV heads,
// key heads, rows of feed-forwards and of experts, blocks of the vocabulary. Weights are random.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/dtype.h"
#include "support/gguf_builder.h"
#include "support/random_blocks.h"

namespace troika::testing {

/// Writes one model file.
class WideModel {
 public:
  /// @param dtype  of matrices; sums over eight leaves need eight blocks of it.
  WideModel(std::string family, DType dtype)
      : family_(std::move(family)),
        dtype_(dtype),
        unit_(dtype_info(dtype).block == 256 ? 256 : 32) {
    hidden_ = unit_ == 256 ? 256 : 128;
    ffn_ = 8 * unit_;
  }

  void write(const std::filesystem::path& path) {
    file_.string("general.architecture", family_);
    key("block_count", hybrid() ? 3 : 2);
    key("context_length", 1024);
    key("embedding_length", hidden_);
    key("feed_forward_length", ffn_);
    key("attention.head_count", kHeads);
    key("attention.head_count_kv", kKvHeads);
    key("attention.key_length", unit_);
    key("attention.value_length", unit_);
    file_.f32(family_ + ".attention.layer_norm_rms_epsilon", 1e-5F);
    if (experts()) add_expert_keys();
    if (hybrid()) add_hybrid_keys();
    matrix("token_embd.weight", kVocab, hidden_);
    vector("output_norm.weight", hidden_);
    if (family_ != "qwen2") matrix("output.weight", kVocab, hidden_);  // there they are tied
    add_block("blk.0.", hybrid());
    add_block("blk.1.", false);
    if (hybrid()) add_draft_head("blk.2.");
    file_.write(path);
  }

 private:
  static constexpr int64_t kHeads = 16, kKvHeads = 8, kVocab = 320, kExperts = 4;
  static constexpr int64_t kKeyHeads = 8, kValueHeads = 16, kTaps = 4;

  bool hybrid() const { return family_.starts_with("qwen35"); }
  bool experts() const { return family_.ends_with("moe"); }

  void add_expert_keys() {
    key("expert_count", kExperts);
    key("expert_used_count", 2);
    key("expert_feed_forward_length", ffn_);
    if (hybrid()) key("expert_shared_feed_forward_length", ffn_);
  }

  void add_hybrid_keys() {
    key("nextn_predict_layers", 1);
    key("full_attention_interval", 2);
    key("ssm.conv_kernel", kTaps);
    key("ssm.state_size", unit_);
    key("ssm.group_count", kKeyHeads);
    key("ssm.time_step_rank", kValueHeads);
    key("ssm.inner_size", kValueHeads * unit_);
  }

  void add_block(const std::string& at, bool recurrent) {
    vector(at + "attn_norm.weight", hidden_);
    if (recurrent)
      add_delta_net(at);
    else
      add_attention(at);
    vector(at + (hybrid() ? "post_attention_norm.weight" : "ffn_norm.weight"), hidden_);
    if (experts()) return add_experts(at);
    matrix(at + "ffn_gate.weight", ffn_, hidden_);
    matrix(at + "ffn_up.weight", ffn_, hidden_);
    matrix(at + "ffn_down.weight", hidden_, ffn_);
  }

  void add_attention(const std::string& at) {
    matrix(at + "attn_q.weight", kHeads * unit_ * (hybrid() ? 2 : 1), hidden_);
    matrix(at + "attn_k.weight", kKvHeads * unit_, hidden_);
    matrix(at + "attn_v.weight", kKvHeads * unit_, hidden_);
    matrix(at + "attn_output.weight", hidden_, kHeads * unit_);
    if (family_ == "qwen2") {
      vector(at + "attn_q.bias", kHeads * unit_);
      vector(at + "attn_k.bias", kKvHeads * unit_);
      vector(at + "attn_v.bias", kKvHeads * unit_);
    }
    if (family_ == "llama" || family_ == "qwen2") return;
    vector(at + "attn_q_norm.weight", unit_);
    vector(at + "attn_k_norm.weight", unit_);
  }

  void add_delta_net(const std::string& at) {
    const int64_t channels = (2 * kKeyHeads + kValueHeads) * unit_;
    matrix(at + "attn_qkv.weight", channels, hidden_);
    matrix(at + "attn_gate.weight", kValueHeads * unit_, hidden_);
    floats(at + "ssm_conv1d.weight", {channels, kTaps}, 0, 1);
    matrix(at + "ssm_alpha.weight", kValueHeads, hidden_);
    matrix(at + "ssm_beta.weight", kValueHeads, hidden_);
    floats(at + "ssm_a", {kValueHeads}, -1, 0.1F);
    floats(at + "ssm_dt.bias", {kValueHeads}, 0, 0.1F);
    vector(at + "ssm_norm.weight", unit_);
    matrix(at + "ssm_out.weight", hidden_, kValueHeads * unit_);
  }

  void add_experts(const std::string& at) {
    floats(at + "ffn_gate_inp.weight", {kExperts, hidden_}, 0, 0.1F);
    tensor(at + "ffn_gate_exps.weight", {kExperts, ffn_, hidden_});
    tensor(at + "ffn_up_exps.weight", {kExperts, ffn_, hidden_});
    tensor(at + "ffn_down_exps.weight", {kExperts, hidden_, ffn_});
    if (!hybrid()) return;
    floats(at + "ffn_gate_inp_shexp.weight", {hidden_}, 0, 0.1F);
    matrix(at + "ffn_gate_shexp.weight", ffn_, hidden_);
    matrix(at + "ffn_up_shexp.weight", ffn_, hidden_);
    matrix(at + "ffn_down_shexp.weight", hidden_, ffn_);
  }

  void add_draft_head(const std::string& at) {
    add_block(at, false);
    vector(at + "nextn.enorm.weight", hidden_);
    vector(at + "nextn.hnorm.weight", hidden_);
    matrix(at + "nextn.eh_proj.weight", hidden_, 2 * hidden_);
  }

  void key(const std::string& name, int64_t value) {
    file_.u32(family_ + "." + name, static_cast<uint32_t>(value));
  }

  void matrix(const std::string& name, int64_t rows, int64_t columns) {
    tensor(name, {rows, columns});
  }

  void tensor(const std::string& name, const std::vector<int64_t>& shape) {
    file_.tensor(name, dims(shape), dtype_info(dtype_).gguf_id,
                 random_blocks(dtype_, elements(shape), ++seed_));
  }

  /// Numbers near 1.
  void vector(const std::string& name, int64_t length) { floats(name, {length}, 1, 0.1F); }

  void floats(const std::string& name, const std::vector<int64_t>& shape, float mean,
              float deviation) {
    std::vector<float> values = random_floats(elements(shape), ++seed_);
    for (float& value : values) value = mean + deviation * value;
    file_.tensor(name, dims(shape), values);
  }

  static std::vector<uint64_t> dims(const std::vector<int64_t>& shape) {
    return {shape.rbegin(), shape.rend()};
  }

  static int64_t elements(const std::vector<int64_t>& shape) {
    int64_t count = 1;
    for (const int64_t length : shape) count *= length;
    return count;
  }

  std::string family_;
  DType dtype_;
  int64_t unit_;  // columns of a head: whole blocks
  int64_t hidden_ = 0;
  int64_t ffn_ = 0;
  uint32_t seed_ = 0;
  GgufBuilder file_;
};

}  // namespace troika::testing
