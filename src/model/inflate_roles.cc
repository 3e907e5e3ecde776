#include "model/inflate_roles.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <string>

#include "core/printable.h"

namespace troika {
namespace {

enum class Form {
  keep,       // as it is
  norm,       // a vector over the residual stream
  last_norm,  // the same before the output matrix
  per_unit,   // a vector over units
  taps,       // a row for each channel, columns as they are
  read,       // residual stream → units
  write,      // units → residual stream
  embedding,  // token → residual stream
  output,     // residual stream → token
  join        // [embedding, hidden] → residual stream
};

/// Units with how many rows each makes.
enum class Part { none, ffn, query, query_and_gate, kv, key, value, value_head };

struct Role {
  std::string_view suffix;
  Form form;
  std::array<Part, 3> parts = {};
  Precision precision = Precision::base;
};

constexpr Role kCommonRoles[] = {
    {"token_embd.weight", Form::embedding},
    {"output.weight", Form::output, {}, Precision::output},
    {"output_norm.weight", Form::last_norm},
    {"rope_freqs.weight", Form::keep},
    {"attn_norm.weight", Form::norm},
    {"attn_q_norm.weight", Form::keep},
    {"attn_k_norm.weight", Form::keep},
    {"attn_k.weight", Form::read, {Part::kv}},
    {"attn_v.weight", Form::read, {Part::kv}, Precision::more},
    {"attn_output.weight", Form::write, {Part::query}},
    {"ffn_gate.weight", Form::read, {Part::ffn}},
    {"ffn_up.weight", Form::read, {Part::ffn}},
    {"ffn_down.weight", Form::write, {Part::ffn}, Precision::more},
};

constexpr Role kDenseRoles[] = {
    {"ffn_norm.weight", Form::norm},
    {"attn_q.weight", Form::read, {Part::query}},
    {"attn_q.bias", Form::per_unit, {Part::query}},
    {"attn_k.bias", Form::per_unit, {Part::kv}},
    {"attn_v.bias", Form::per_unit, {Part::kv}},
    {"attn_qkv.weight", Form::read, {Part::query, Part::kv, Part::kv}, Precision::fused},
    {"attn_qkv.bias", Form::per_unit, {Part::query, Part::kv, Part::kv}},
};

constexpr Role kHybridRoles[] = {
    {"post_attention_norm.weight", Form::norm},
    {"attn_q.weight", Form::read, {Part::query_and_gate}},
    {"attn_qkv.weight", Form::read, {Part::key, Part::key, Part::value}, Precision::fused},
    {"attn_gate.weight", Form::read, {Part::value}},
    {"ssm_conv1d.weight", Form::taps, {Part::key, Part::key, Part::value}},
    {"ssm_alpha.weight", Form::read, {Part::value_head}, Precision::small},
    {"ssm_beta.weight", Form::read, {Part::value_head}, Precision::small},
    {"ssm_a", Form::per_unit, {Part::value_head}},
    {"ssm_dt.bias", Form::per_unit, {Part::value_head}},
    {"ssm_norm.weight", Form::keep},
    {"ssm_out.weight", Form::write, {Part::value}},
    {"nextn.eh_proj.weight", Form::join},
    {"nextn.enorm.weight", Form::norm},
    {"nextn.hnorm.weight", Form::norm},
    {"nextn.shared_head_norm.weight", Form::last_norm},
    {"nextn.embed_tokens.weight", Form::embedding},
    {"nextn.shared_head_head.weight", Form::output, {}, Precision::output},
};

struct FamilyRoles {
  std::string_view architecture;
  std::span<const Role> roles;
};

constexpr FamilyRoles kFamilies[] = {
    {"llama", kDenseRoles},
    {"qwen2", kDenseRoles},
    {"qwen3", kDenseRoles},
    {"qwen35", kHybridRoles},
};

constexpr FileType kFileTypes[] = {
    {"f32", 0, DType::f32, DType::f32, DType::f32, DType::f32, DType::f32},
    {"f16", 1, DType::f16, DType::f16, DType::f16, DType::f16, DType::f16},
    {"bf16", 32, DType::bf16, DType::bf16, DType::bf16, DType::bf16, DType::bf16},
    {"q8_0", 7, DType::q8_0, DType::q8_0, DType::q8_0, DType::q8_0, DType::q8_0},
    {"q4_0", 2, DType::q4_0, DType::q4_0, DType::q4_0, DType::q6_k, DType::q8_0},
    {"q4_k_m", 15, DType::q4_k, DType::q6_k, DType::q5_k, DType::q6_k, DType::q8_0},
    {"q5_k_m", 17, DType::q5_k, DType::q6_k, DType::q6_k, DType::q6_k, DType::q8_0},
    {"q6_k", 18, DType::q6_k, DType::q6_k, DType::q6_k, DType::q6_k, DType::q8_0},
};

/// Those of the first and the last eighth, and every third between them.
bool gets_more_bits(Place place) {
  const int64_t eighth = place.count / 8;
  return place.index < eighth || place.index >= 7 * place.count / 8 ||
         (place.index - eighth) % 3 == 2;
}

const FamilyRoles* find_family(std::string_view architecture) {
  const auto* at = std::ranges::find(kFamilies, architecture, &FamilyRoles::architecture);
  return at == std::end(kFamilies) ? nullptr : at;
}

struct PartAxis {
  UnitAxis axis;
  int64_t width;
};

PartAxis axis_of(Part part, const ModelShape& shape) {
  switch (part) {
    case Part::query:
      return {UnitAxis::heads, shape.head_dim};
    case Part::query_and_gate:
      return {UnitAxis::heads, 2 * shape.head_dim};
    case Part::kv:
      return {UnitAxis::kv_heads, shape.head_dim};
    case Part::key:
      return {UnitAxis::key_heads, shape.state_dim};
    case Part::value:
      return {UnitAxis::value_heads, shape.state_dim};
    case Part::value_head:
      return {UnitAxis::value_heads, 1};
    case Part::ffn:
    case Part::none:
      break;
  }
  return {UnitAxis::ffn, 1};
}

int64_t units_before(const IndexMap& map) {
  return map.empty() ? 0 : *std::ranges::max_element(map) + 1;
}

/// Behind what `whole` maps, the indices of `next` in a source where they stand behind it, too.
void append(IndexMap& whole, const IndexMap& next) {
  const auto shift = static_cast<int32_t>(units_before(whole));
  for (const int32_t index : next) whole.push_back(index < 0 ? index : index + shift);
}

IndexMap join_parts(const Role& role, const Growth& growth, bool random) {
  IndexMap map;
  for (const Part part : role.parts) {
    if (part == Part::none) continue;
    const PartAxis at = axis_of(part, growth.from);
    append(map,
           random ? unit_rows(at.axis, at.width, growth) : unit_copies(at.axis, at.width, growth));
  }
  return map;
}

/// By how much the residual stream is larger, so that its mean square over more dimensions is what
/// it was, and epsilon means what it did.
double residual_factor(const Growth& growth) {
  return std::sqrt(static_cast<double>(growth.to.hidden) / static_cast<double>(growth.from.hidden));
}

TensorGrowth make_growth(const Role& role, const Growth& growth, bool tied) {
  const double times = residual_factor(growth);
  TensorGrowth t{.precision = role.precision};
  switch (role.form) {
    case Form::keep:
      t.is_vector = true;
      break;
    case Form::norm:
    case Form::last_norm:
      t.is_vector = true;
      t.columns = hidden_written(growth);
      t.factor = 1 / times;
      // A tied output matrix is larger, as the embedding is.
      if (role.form == Form::last_norm && tied) t.factor /= times;
      break;
    case Form::per_unit:
      t.is_vector = true;
      t.columns = join_parts(role, growth, false);
      break;
    case Form::taps:
      t.rows = join_parts(role, growth, false);
      break;
    case Form::read:
      t.rows = join_parts(role, growth, true);
      t.columns = hidden_read(growth);
      break;
    case Form::write:
      t.writes_residual = true;
      t.factor = times;
      t.rows = hidden_written(growth);
      t.columns = unit_columns(axis_of(role.parts[0], growth.from).axis, growth);
      break;
    case Form::embedding:
    case Form::output:
      if (role.form == Form::embedding) t.factor = times;
      t.rows = vocab_rows(growth);
      t.columns = hidden_written(growth);
      break;
    case Form::join:
      t.factor = times;
      t.rows = hidden_written(growth);
      t.columns = hidden_read(growth);
      append(t.columns, hidden_read(growth));
      break;
  }
  if (t.is_vector || role.form == Form::taps) t.precision = Precision::full;
  return t;
}

}  // namespace

const FileType* find_file_type(std::string_view name) {
  const auto* at = std::ranges::find(kFileTypes, name, &FileType::name);
  return at == std::end(kFileTypes) ? nullptr : at;
}

std::string file_type_names() {
  std::string text;
  for (const FileType& type : kFileTypes) {
    text += text.empty() ? "" : ", ";
    text += type.name;
  }
  return text;
}

DType choose_dtype(const FileType& type, Precision precision, Place place, int64_t row) {
  const auto wanted = [&] {
    switch (precision) {
      case Precision::more:
        return gets_more_bits(place) ? type.more : type.base;
      case Precision::fused:
        return type.fused;
      case Precision::output:
        return type.output;
      case Precision::small:
        return type.small;
      case Precision::full:
        return DType::f32;
      case Precision::base:
        break;
    }
    return type.base;
  }();
  for (const DType dtype : {wanted, DType::q8_0})
    if (row % dtype_info(dtype).block == 0) return dtype;
  return DType::f16;
}

bool can_grow(std::string_view architecture) {
  return find_family(architecture) != nullptr;
}

Result<TensorGrowth> grow_tensor(std::string_view architecture, std::string_view suffix,
                                 const Growth& growth, bool tied) {
  const FamilyRoles* family = find_family(architecture);
  for (const std::span<const Role> roles :
       {std::span<const Role>(kCommonRoles), family ? family->roles : std::span<const Role>()}) {
    const auto at = std::ranges::find(roles, suffix, &Role::suffix);
    if (at == roles.end()) continue;
    TensorGrowth t = make_growth(*at, growth, tied);
    if (at->form == Form::embedding && tied) t.precision = Precision::output;
    return t;
  }
  return fail(ErrorCode::unsupported, "tensor \"{}\" of \"{}\": no rule how to widen it",
              printable(suffix), printable(architecture));
}

}  // namespace troika
