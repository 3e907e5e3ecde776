#include "graph/state.h"

#include <algorithm>

#include "core/printable.h"

namespace troika {
namespace {

constexpr int64_t kFloatBytes = 4;
constexpr DType kKvTypes[] = {DType::f16, DType::bf16, DType::q8_0, DType::f32};

struct LogBytes {
  int64_t operator()(const KvState&) const { return 0; }
  int64_t operator()(const ConvState& s) const { return s.channels * kFloatBytes; }
  int64_t operator()(const DeltaState& s) const {
    return s.heads * (1 + s.key_dim + s.value_dim) * kFloatBytes;
  }
  int64_t operator()(const HiddenState&) const { return 0; }
};

struct UnitBytes {
  const StateOptions& options;
  int64_t operator()(const KvState& s) const {
    return dtype_bytes(options.kv_dtype, s.kv_heads * (s.key_dim + s.value_dim) * kPageTokens);
  }
  int64_t operator()(const ConvState& s) const {
    return (s.taps - 1) * s.channels * kFloatBytes + options.log_tokens * LogBytes{}(s);
  }
  int64_t operator()(const DeltaState& s) const {
    return s.heads * s.key_dim * s.value_dim * kFloatBytes + options.log_tokens * LogBytes{}(s);
  }
  int64_t operator()(const HiddenState& s) const { return s.width * kFloatBytes; }
};

}  // namespace

std::span<const DType> kv_dtypes() {
  return kKvTypes;
}

bool is_kv_dtype(DType dtype) {
  return std::ranges::count(kKvTypes, dtype) > 0;
}

std::string kv_dtype_names() {
  std::string names;
  for (const DType dtype : kKvTypes) {
    if (!names.empty()) names += dtype == std::end(kKvTypes)[-1] ? " or " : ", ";
    names += dtype_info(dtype).name;
  }
  return names;
}

Result<DType> kv_dtype_named(std::string_view name) {
  for (const DType dtype : kKvTypes)
    if (dtype_info(dtype).name == name) return dtype;
  return fail(ErrorCode::invalid_argument, "the KV type is {}, wanted {}", printable(name),
              kv_dtype_names());
}

Status check_state(const StateSpec& spec, const StateOptions& options) {
  const DTypeInfo& type = dtype_info(options.kv_dtype);
  if (!is_kv_dtype(options.kv_dtype))
    return fail(ErrorCode::unsupported, "keys and values as {}, wanted {}", type.name,
                kv_dtype_names());
  const auto* kv = std::get_if<KvState>(&spec);
  if (kv == nullptr || (kv->key_dim % type.block == 0 && kv->value_dim % type.block == 0))
    return ok();
  return fail(
      ErrorCode::invalid_argument,
      "keys of {} and values of {} numbers a head cannot be stored as {}, whose blocks have "
      "{}; wanted the KV type f16, bf16 or f32",
      kv->key_dim, kv->value_dim, type.name, type.block);
}

int64_t state_unit_bytes(const StateSpec& spec, const StateOptions& options) {
  return std::visit(UnitBytes{options}, spec);
}

int64_t state_log_bytes(const StateSpec& spec) {
  return std::visit(LogBytes{}, spec);
}

}  // namespace troika
