#include "text/tokenizer_spec.h"

#include <limits>

#include "gguf/metadata.h"

namespace troika {
namespace {

// A value that may be missing: nothing then, an error only if it is there and of another type.
Result<std::optional<int64_t>> integer_if(const gguf::Metadata& metadata, std::string_view key) {
  if (!metadata.has(key)) return std::optional<int64_t>();
  TROIKA_TRY(int64_t value, metadata.integer(key));
  return std::optional<int64_t>(value);
}

Result<std::optional<bool>> boolean_if(const gguf::Metadata& metadata, std::string_view key) {
  if (!metadata.has(key)) return std::optional<bool>();
  TROIKA_TRY(bool value, metadata.boolean(key));
  return std::optional<bool>(value);
}

// Each role with its key; old files use the second one.
struct RoleKeys {
  std::optional<int64_t> SpecialIds::*role;
  std::string_view key, old_key;
};
constexpr RoleKeys kRoleKeys[] = {
    {&SpecialIds::bos, "tokenizer.ggml.bos_token_id", ""},
    {&SpecialIds::eos, "tokenizer.ggml.eos_token_id", ""},
    {&SpecialIds::eot, "tokenizer.ggml.eot_token_id", ""},
    {&SpecialIds::eom, "tokenizer.ggml.eom_token_id", ""},
    {&SpecialIds::unknown, "tokenizer.ggml.unknown_token_id", ""},
    {&SpecialIds::padding, "tokenizer.ggml.padding_token_id", ""},
    {&SpecialIds::fim_prefix, "tokenizer.ggml.fim_pre_token_id", "tokenizer.ggml.prefix_token_id"},
    {&SpecialIds::fim_suffix, "tokenizer.ggml.fim_suf_token_id", "tokenizer.ggml.suffix_token_id"},
    {&SpecialIds::fim_middle, "tokenizer.ggml.fim_mid_token_id", "tokenizer.ggml.middle_token_id"},
    {&SpecialIds::fim_padding, "tokenizer.ggml.fim_pad_token_id", ""},
    {&SpecialIds::fim_repository, "tokenizer.ggml.fim_rep_token_id", ""},
    {&SpecialIds::fim_separator, "tokenizer.ggml.fim_sep_token_id", ""},
};

Status read_lists(const gguf::Metadata& metadata, TokenizerSpec& spec) {
  TROIKA_TRY(spec.tokens, metadata.strings("tokenizer.ggml.tokens"));
  if (metadata.has("tokenizer.ggml.merges")) {
    TROIKA_TRY(spec.merges, metadata.strings("tokenizer.ggml.merges"));
  }
  if (metadata.has("tokenizer.ggml.scores")) {
    TROIKA_TRY(std::vector<double> scores, metadata.reals("tokenizer.ggml.scores"));
    spec.scores.assign(scores.begin(), scores.end());
  }
  if (metadata.has("tokenizer.ggml.token_type")) {
    TROIKA_TRY(std::vector<int64_t> types, metadata.integers("tokenizer.ggml.token_type"));
    spec.types.reserve(types.size());
    for (const int64_t type : types)  // what does not fit is no type, either
      spec.types.push_back(type == static_cast<int32_t>(type) ? static_cast<int32_t>(type) : -1);
  }
  return ok();
}

}  // namespace

Result<TokenizerSpec> read_tokenizer_spec(const gguf::Metadata& metadata) {
  TokenizerSpec spec;
  TROIKA_TRY(spec.model, metadata.string("tokenizer.ggml.model"));
  TROIKA_TRY(spec.pre, metadata.string_or("tokenizer.ggml.pre", ""));
  TROIKA_TRY(spec.name, metadata.string_or("general.name", ""));
  TROIKA_RETURN_IF_ERROR(read_lists(metadata, spec));
  for (const RoleKeys& row : kRoleKeys) {
    TROIKA_TRY(spec.special.*row.role, integer_if(metadata, row.key));
    if (!(spec.special.*row.role) && !row.old_key.empty()) {
      TROIKA_TRY(spec.special.*row.role, integer_if(metadata, row.old_key));
    }
  }
  TROIKA_TRY(spec.add_bos, boolean_if(metadata, "tokenizer.ggml.add_bos_token"));
  TROIKA_TRY(spec.add_eos, boolean_if(metadata, "tokenizer.ggml.add_eos_token"));
  TROIKA_TRY(spec.add_space_prefix, boolean_if(metadata, "tokenizer.ggml.add_space_prefix"));
  return spec;
}

}  // namespace troika
