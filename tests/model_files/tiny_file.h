// Tiny model files as editable lists of keys and tensors, all values zero: what a loader accepts
// and refuses.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "gguf/file.h"
#include "support/gguf_builder.h"

namespace troika::testing {

struct TinyTensor {
  std::vector<int64_t> shape;  // outermost first
  DType dtype = DType::f32;
};

struct TinyFile {
  std::string architecture;
  std::map<std::string, std::variant<int, double, std::string, std::vector<int>>>
      keys;  // without the prefix
  std::map<std::string, TinyTensor> tensors;

  std::vector<std::byte> bytes() const {
    GgufBuilder builder;
    builder.string("general.architecture", architecture);
    for (const auto& [key, value] : keys) {
      const std::string name = architecture + "." + key;
      if (const auto* number = std::get_if<int>(&value))
        builder.number(name, gguf::ValueType::i32, *number);
      else if (const auto* real = std::get_if<double>(&value))
        builder.f32(name, static_cast<float>(*real));
      else if (const auto* text = std::get_if<std::string>(&value))
        builder.string(name, *text);
      else
        builder.numbers(name, gguf::ValueType::i32, std::get<std::vector<int>>(value));
    }
    for (const auto& [name, tensor] : tensors) {
      std::vector<uint64_t> dims;
      int64_t elements = 1;
      for (auto length = tensor.shape.rbegin(); length != tensor.shape.rend(); ++length) {
        dims.push_back(static_cast<uint64_t>(*length));
        elements *= *length;
      }
      const std::vector<std::byte> data(static_cast<size_t>(dtype_bytes(tensor.dtype, elements)));
      builder.tensor(name, dims, dtype_info(tensor.dtype).gguf_id, data);
    }
    return builder.bytes();
  }
};

/// Two blocks: hidden 64, 4 heads of 16 over 2 KV heads, feed-forward 96, vocabulary 50.
inline TinyFile tiny_llama() {
  TinyFile f{.architecture = "llama"};
  f.keys = {{"block_count", 2},
            {"embedding_length", 64},
            {"attention.head_count", 4},
            {"context_length", 128},
            {"attention.head_count_kv", 2},
            {"feed_forward_length", 96},
            {"rope.dimension_count", 16},
            {"attention.layer_norm_rms_epsilon", 1e-5}};
  f.tensors = {{"token_embd.weight", {{50, 64}}},
               {"output_norm.weight", {{64}}},
               {"output.weight", {{50, 64}}}};
  for (const std::string at : {"blk.0.", "blk.1."}) {
    f.tensors[at + "attn_norm.weight"] = {{64}};
    f.tensors[at + "attn_q.weight"] = {{64, 64}};
    f.tensors[at + "attn_k.weight"] = {{32, 64}};
    f.tensors[at + "attn_v.weight"] = {{32, 64}};
    f.tensors[at + "attn_output.weight"] = {{64, 64}};
    f.tensors[at + "ffn_norm.weight"] = {{64}};
    f.tensors[at + "ffn_gate.weight"] = {{96, 64}};
    f.tensors[at + "ffn_up.weight"] = {{96, 64}};
    f.tensors[at + "ffn_down.weight"] = {{64, 96}};
  }
  return f;
}

/// A recurrent block, a full-attention block and a draft head: hidden 64, 2 heads of 32, 2 key and
/// 4 value heads of 32.
inline TinyFile tiny_qwen35() {
  TinyFile f{.architecture = "qwen35"};
  f.keys = {{"block_count", 3},
            {"nextn_predict_layers", 1},
            {"full_attention_interval", 2},
            {"embedding_length", 64},
            {"context_length", 128},
            {"attention.head_count", 2},
            {"attention.head_count_kv", 1},
            {"attention.key_length", 32},
            {"attention.value_length", 32},
            {"feed_forward_length", 96},
            {"rope.dimension_count", 16},
            {"attention.layer_norm_rms_epsilon", 1e-6},
            {"ssm.conv_kernel", 4},
            {"ssm.state_size", 32},
            {"ssm.group_count", 2},
            {"ssm.time_step_rank", 4},
            {"ssm.inner_size", 128}};
  f.tensors = {{"token_embd.weight", {{50, 64}}}, {"output_norm.weight", {{64}}}};
  for (const std::string at : {"blk.0.", "blk.1.", "blk.2."}) {
    f.tensors[at + "attn_norm.weight"] = {{64}};
    f.tensors[at + "post_attention_norm.weight"] = {{64}};
    f.tensors[at + "ffn_gate.weight"] = {{96, 64}};
    f.tensors[at + "ffn_up.weight"] = {{96, 64}};
    f.tensors[at + "ffn_down.weight"] = {{64, 96}};
    if (at == "blk.0.") continue;
    f.tensors[at + "attn_q.weight"] = {{128, 64}};
    f.tensors[at + "attn_k.weight"] = {{32, 64}};
    f.tensors[at + "attn_v.weight"] = {{32, 64}};
    f.tensors[at + "attn_output.weight"] = {{64, 64}};
    f.tensors[at + "attn_q_norm.weight"] = {{32}};
    f.tensors[at + "attn_k_norm.weight"] = {{32}};
  }
  f.tensors["blk.0.attn_qkv.weight"] = {{256, 64}};
  f.tensors["blk.0.attn_gate.weight"] = {{128, 64}};
  f.tensors["blk.0.ssm_conv1d.weight"] = {{256, 4}};
  f.tensors["blk.0.ssm_alpha.weight"] = {{4, 64}};
  f.tensors["blk.0.ssm_beta.weight"] = {{4, 64}};
  f.tensors["blk.0.ssm_a"] = {{4}};
  f.tensors["blk.0.ssm_dt.bias"] = {{4}};
  f.tensors["blk.0.ssm_norm.weight"] = {{32}};
  f.tensors["blk.0.ssm_out.weight"] = {{64, 128}};
  f.tensors["blk.2.nextn.eh_proj.weight"] = {{64, 128}};
  f.tensors["blk.2.nextn.enorm.weight"] = {{64}};
  f.tensors["blk.2.nextn.hnorm.weight"] = {{64}};
  f.tensors["blk.2.nextn.shared_head_norm.weight"] = {{64}};
  return f;
}

}  // namespace troika::testing
