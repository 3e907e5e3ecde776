#include "engine/sequence_units.h"

#include <variant>

namespace troika {
namespace {

/// Which unit a sequence has of a state that is not pages.
int64_t unit_of(const Forward& forward, const StateInfo& state, const Sequence& s) {
  if (!std::holds_alternative<HiddenState>(state.spec)) return s.slot;
  return s.answering() ? forward.hidden().kept(s.slot, s.computed - 1)
                       : forward.hidden().pending(s.slot);
}

}  // namespace

Status for_each_unit(const Forward& forward, const Sequence& s, int64_t tokens,
                     const UnitCall& call) {
  const auto pages = static_cast<size_t>((tokens + kPageTokens - 1) / kPageTokens);
  for (size_t i = 0; i < forward.states().size(); i++) {
    const StateInfo& state = forward.states()[i];
    if (!std::holds_alternative<KvState>(state.spec)) {
      TROIKA_RETURN_IF_ERROR(call(i, unit_of(forward, state, s)));
      continue;
    }
    for (size_t page = 0; page < pages; page++)
      TROIKA_RETURN_IF_ERROR(call(i, static_cast<int64_t>(s.pages[page])));
  }
  return ok();
}

}  // namespace troika
