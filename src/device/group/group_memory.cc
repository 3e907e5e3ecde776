#include "device/group/group_memory.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace troika::group {
namespace {

constexpr float kNotHere = -std::numeric_limits<float>::infinity();

struct SameSpec {
  const StateSpec& other;
  bool operator()(const KvState& a) const {
    const auto& b = std::get<KvState>(other);
    return a.kv_heads == b.kv_heads && a.key_dim == b.key_dim && a.value_dim == b.value_dim;
  }
  bool operator()(const ConvState& a) const {
    const auto& b = std::get<ConvState>(other);
    return a.channels == b.channels && a.taps == b.taps;
  }
  bool operator()(const DeltaState& a) const {
    const auto& b = std::get<DeltaState>(other);
    return a.heads == b.heads && a.key_dim == b.key_dim && a.value_dim == b.value_dim;
  }
  bool operator()(const HiddenState& a) const {
    return a.width == std::get<HiddenState>(other).width;
  }
};

bool same(const StateSpec& a, const StateSpec& b) {
  return a.index() == b.index() && std::visit(SameSpec{b}, a);
}

bool same(const std::optional<StateSpec>& a, const std::optional<StateSpec>& b) {
  return a.has_value() == b.has_value() && (!a || same(*a, *b));
}

}  // namespace

int64_t ShownLogits::width() const {
  return form == LogitsForm::units ? std::accumulate(widths.begin(), widths.end(), int64_t{0})
                                   : *std::ranges::max_element(widths);
}

void join_logits(const ShownLogits& logits, std::span<const std::vector<float>> parts,
                 std::span<float> to) {
  const int64_t width = logits.width();
  const int64_t rows = std::ssize(to) / width;
  for (int64_t row = 0; row < rows; row++) {
    float* out = to.data() + row * width;
    if (logits.form == LogitsForm::scatter) std::fill_n(out, width, kNotHere);
    for (size_t m = 0; m < parts.size(); m++) {
      const int64_t count = logits.widths[m];
      const float* const part = parts[m].data() + row * count;
      if (logits.form == LogitsForm::units) {
        out = std::copy_n(part, count, out);
      } else {
        for (int64_t i = 0; i < count; i++)
          if (part[i] != kNotHere) out[i] = part[i];
      }
    }
  }
}

Status place_state(GroupBuffer& state, std::span<const std::optional<StateSpec>> parts,
                   std::span<const std::unique_ptr<Device>> members) {
  if (!state.parts.empty()) {
    const auto is_same = [](const auto& a, const auto& b) { return same(a, b); };
    if (std::ranges::equal(parts, state.part_specs, is_same)) return ok();
    return fail(ErrorCode::unsupported, "a state is wanted in other units than by graphs before");
  }
  std::vector<std::unique_ptr<Buffer>> buffers;
  std::vector<int64_t> part_bytes;
  for (size_t m = 0; m < members.size(); m++) {
    part_bytes.push_back(parts[m] ? state_unit_bytes(*parts[m], state.options) : 0);
    auto& buffer = buffers.emplace_back();
    if (!parts[m]) continue;
    TROIKA_TRY(buffer, members[m]->allocate_state(*parts[m], state.options, state.units));
  }
  state.whole = std::ranges::all_of(
      parts, [&](const auto& part) { return part && same(*part, *state.spec); });
  state.part_specs.assign(parts.begin(), parts.end());
  state.part_bytes = std::move(part_bytes);
  state.parts = std::move(buffers);
  return ok();
}

Result<UnitRange> units_at(const GroupBuffer& state, int64_t offset, int64_t bytes) {
  if (state.parts.empty()) return fail(ErrorCode::invalid_argument, "a state that no graph uses");
  if (offset % state.unit_bytes != 0 || bytes % state.unit_bytes != 0)
    return fail(ErrorCode::invalid_argument,
                "{} bytes at {} of a state that members share, wanted whole units of {}", bytes,
                offset, state.unit_bytes);
  return UnitRange{offset / state.unit_bytes, bytes / state.unit_bytes};
}

}  // namespace troika::group
