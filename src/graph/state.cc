#include "graph/state.h"

namespace troika {
namespace {

constexpr int64_t kFloatBytes = 4;

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

int64_t state_unit_bytes(const StateSpec& spec, const StateOptions& options) {
  return std::visit(UnitBytes{options}, spec);
}

int64_t state_log_bytes(const StateSpec& spec) {
  return std::visit(LogBytes{}, spec);
}

}  // namespace troika
