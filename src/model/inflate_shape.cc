#include "model/inflate_shape.h"

#include <algorithm>
#include <set>

#include "model/delta_net.h"
#include "model/keys.h"
#include "model/registry.h"
#include "model/transformer.h"

namespace troika {
namespace {

constexpr int64_t kHidden = 2048;  // with the rest, 1.5 billion parameters of the demo model
constexpr int64_t kLayers = 24;
constexpr int64_t kVocab = 65536;
constexpr int64_t kLayersMax = 500;
constexpr int64_t kHeadsMax = 4096;
constexpr int64_t kVocabMax = int64_t{1} << 22;

struct SizeRule {
  std::string_view name;
  int64_t from, to, max;
};

Status check_growth(const Growth& growth) {
  const auto& [from, to] = growth;
  const SizeRule rules[] = {{"layers", from.layers, to.layers, kLayersMax},
                            {"hidden", from.hidden, to.hidden, kCountMax},
                            {"feed-forward", from.ffn, to.ffn, kCountMax},
                            {"heads", from.heads, to.heads, kHeadsMax},
                            {"KV heads", from.kv_heads, to.kv_heads, kHeadsMax},
                            {"key heads", from.key_heads, to.key_heads, kHeadsMax},
                            {"value heads", from.value_heads, to.value_heads, kHeadsMax},
                            {"vocabulary", from.vocab, to.vocab, kVocabMax}};
  for (const SizeRule& rule : rules)
    if (rule.to < rule.from || rule.to > rule.max)
      return fail(ErrorCode::invalid_argument, "{} of {}, wanted {} (as the source) to {}",
                  rule.name, rule.to, rule.from, rule.max);
  const auto fits = [](int64_t of, int64_t in, int64_t of_from, int64_t in_from) {
    return of % in == 0 && of / in >= of_from / in_from;
  };
  if (!fits(to.heads, to.kv_heads, from.heads, from.kv_heads))
    return fail(ErrorCode::invalid_argument,
                "{} heads over {} KV heads, wanted a multiple of at least {} for each", to.heads,
                to.kv_heads, from.heads / from.kv_heads);
  if (from.key_heads > 0 && !fits(to.value_heads, to.key_heads, from.value_heads, from.key_heads))
    return fail(ErrorCode::invalid_argument,
                "{} value heads over {} key heads, wanted a multiple of at least {} for each",
                to.value_heads, to.key_heads, from.value_heads / from.key_heads);
  return ok();
}

Status read_hybrid_source(const Keys& keys, float epsilon, SourceModel& source) {
  TROIKA_TRY(const DeltaNetSizes delta, read_delta_net_sizes(keys, source.shape.hidden, epsilon));
  source.shape.key_heads = delta.key_heads;
  source.shape.value_heads = delta.value_heads;
  source.shape.state_dim = delta.state_dim;
  TROIKA_TRY(source.draft_blocks, keys.count_or_zero("nextn_predict_layers"));
  const int64_t blocks = source.shape.layers;
  source.shape.layers -= source.draft_blocks;
  TROIKA_TRY(source.interval, keys.count_or("full_attention_interval", 4));
  for (int64_t i = 0; i < source.shape.layers; i++)
    source.recurrent.push_back((i + 1) % source.interval != 0);
  if (keys.has("attention.recurrent_layers")) {
    TROIKA_TRY(source.recurrent, keys.flags("attention.recurrent_layers", blocks));
    source.recurrent.resize(static_cast<size_t>(source.shape.layers));
  }
  return ok();
}

/// Whether layer `layer` of a model of any length is recurrent: as the source goes on.
bool is_recurrent(const SourceModel& source, int64_t layer) {
  if (source.recurrent.empty()) return false;
  if (layer < source.shape.layers) return source.recurrent[static_cast<size_t>(layer)];
  return (layer + 1) % source.interval != 0;
}

/// The source's tokens, then one unused token for each added row.
Status grow_tokens(const gguf::Metadata& metadata, int64_t count, gguf::PairList& pairs) {
  if (!metadata.has("tokenizer.ggml.tokens")) return ok();
  constexpr int32_t kNormal = 1, kUnused = 5;
  TROIKA_TRY(std::vector<std::string_view> texts, metadata.strings("tokenizer.ggml.tokens"));
  const size_t known = texts.size();
  const auto all = std::max(static_cast<size_t>(count), known);
  const std::set<std::string_view> taken(texts.begin(), texts.end());
  std::vector<std::string> added;
  added.reserve(all - known);  // views into them stay valid
  for (size_t id = known; id < all; id++) {
    std::string text = fmt::format("<|unused_{}|>", id);
    while (taken.contains(text)) text += "_";
    added.push_back(std::move(text));
    texts.push_back(added.back());
  }
  pairs.set_strings("tokenizer.ggml.tokens", texts);
  std::vector<int32_t> types(known, kNormal);
  if (metadata.has("tokenizer.ggml.token_type")) {
    TROIKA_TRY(const std::vector<int64_t> given, metadata.integers("tokenizer.ggml.token_type"));
    types.assign(given.begin(), given.end());
  }
  types.resize(all, kUnused);
  pairs.set_array<int32_t>("tokenizer.ggml.token_type", types);
  if (!metadata.has("tokenizer.ggml.scores")) return ok();
  TROIKA_TRY(const std::vector<double> given, metadata.reals("tokenizer.ggml.scores"));
  std::vector<float> scores(given.begin(), given.end());
  scores.resize(all, -1e9f);
  pairs.set_array<float>("tokenizer.ggml.scores", scores);
  return ok();
}

}  // namespace

Result<SourceModel> read_source(const gguf::File& file) {
  TROIKA_TRY(const Model model, make_model(file, {}));
  SourceModel source{.architecture = model.info.architecture};
  if (!can_grow(source.architecture))
    return fail(ErrorCode::unsupported, "{}: models of \"{}\" cannot be widened", file.name(),
                source.architecture);
  const Keys keys(file, source.architecture);
  TROIKA_TRY(const int64_t experts, keys.count_or_zero("expert_count"));
  if (experts > 0)
    return fail(ErrorCode::unsupported, "{}: {} experts, wanted a dense model to widen",
                file.name(), experts);
  TROIKA_TRY(const TransformerSizes sizes, read_sizes(keys));
  TROIKA_TRY(const int64_t ffn, keys.uniform_count("feed_forward_length", sizes.blocks));
  source.shape = {.layers = sizes.blocks,
                  .hidden = sizes.hidden,
                  .ffn = ffn,
                  .vocab = sizes.vocab,
                  .heads = sizes.heads,
                  .kv_heads = sizes.kv_heads,
                  .head_dim = sizes.head_dim};
  source.rope_dims = sizes.rope_dims;
  if (model.info.recurrent) TROIKA_RETURN_IF_ERROR(read_hybrid_source(keys, sizes.epsilon, source));
  return source;
}

Result<ModelShape> choose_shape(const SourceModel& source, const InflateOptions& options) {
  const ModelShape& from = source.shape;
  ModelShape to = from;
  to.layers = options.layers.value_or(std::max(from.layers, kLayers));
  to.hidden = options.hidden.value_or(std::max(from.hidden, kHidden));
  to.ffn = options.ffn.value_or(std::max(from.ffn, 3 * to.hidden));
  to.vocab = options.vocab.value_or(std::max(from.vocab, kVocab));
  const int64_t times = std::max<int64_t>(1, to.hidden / from.hidden);
  to.heads = options.heads.value_or(std::min(from.heads * times, kHeadsMax));
  to.kv_heads = options.kv_heads.value_or(std::min(from.kv_heads * times, to.heads));
  to.key_heads = options.key_heads.value_or(from.key_heads * times);
  to.value_heads = options.value_heads.value_or(from.value_heads * times);
  if (from.key_heads == 0 && (options.key_heads || options.value_heads))
    return fail(ErrorCode::invalid_argument,
                "key heads or value heads given, but the source has no delta nets");
  if (to.kv_heads < 1 || (from.key_heads > 0 && to.key_heads < 1))
    return fail(ErrorCode::invalid_argument, "{} KV heads and {} key heads, wanted at least 1",
                to.kv_heads, to.key_heads);
  TROIKA_RETURN_IF_ERROR(check_growth({from, to}));
  return to;
}

Result<std::vector<int64_t>> choose_layers(const SourceModel& source, int64_t layers) {
  std::vector<int64_t> sources;
  const int64_t known = source.shape.layers;
  for (int64_t layer = 0; layer < layers; layer++) {
    const bool recurrent = is_recurrent(source, layer);
    int64_t from = layer % known;
    for (int64_t tried = 0; is_recurrent(source, from) != recurrent; tried++) {
      if (tried == known)
        return fail(ErrorCode::invalid_argument,
                    "layer {} is {}, and the source has no such layer to take weights from", layer,
                    recurrent ? "a delta net" : "full attention");
      from = (from + 1) % known;
    }
    sources.push_back(from);
  }
  return sources;
}

Result<gguf::PairList> grow_pairs(const gguf::File& file, const SourceModel& source,
                                  const ModelShape& to, uint32_t file_type) {
  gguf::PairList pairs;
  const gguf::Metadata& metadata = file.metadata();
  for (const gguf::Value& value : metadata.values())
    if (!value.key.starts_with("split.")) pairs.set_value(value);
  pairs.erase("general.parameter_count");
  pairs.erase("general.size_label");
  TROIKA_TRY(const std::string_view name, metadata.string_or("general.name", "model"));
  pairs.set_string("general.name", fmt::format("{} inflated", name));
  pairs.set<uint32_t>("general.file_type", file_type);
  const auto set = [&](std::string_view key, int64_t value) {
    pairs.set(fmt::format("{}.{}", source.architecture, key), static_cast<uint32_t>(value));
  };
  set("block_count", to.layers + source.draft_blocks);
  set("embedding_length", to.hidden);
  set("feed_forward_length", to.ffn);
  set("attention.head_count", to.heads);
  set("attention.head_count_kv", to.kv_heads);
  set("attention.key_length", to.head_dim);  // no longer hidden / heads
  set("attention.value_length", to.head_dim);
  set("rope.dimension_count", source.rope_dims);
  const std::string prefix = source.architecture + ".";
  if (metadata.has(prefix + "vocab_size")) set("vocab_size", to.vocab);
  if (to.key_heads > 0) {
    set("ssm.group_count", to.key_heads);
    set("ssm.time_step_rank", to.value_heads);
    set("ssm.inner_size", to.value_heads * to.state_dim);
  }
  if (metadata.has(prefix + "attention.recurrent_layers")) {
    std::vector<bool> flags;
    for (int64_t layer = 0; layer < to.layers + source.draft_blocks; layer++)
      flags.push_back(layer < to.layers && is_recurrent(source, layer));
    pairs.set_flags(prefix + "attention.recurrent_layers", flags);
  }
  TROIKA_RETURN_IF_ERROR(grow_tokens(metadata, to.vocab, pairs));
  return pairs;
}

}  // namespace troika
