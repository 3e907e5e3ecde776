#include "engine/session.h"

#include <algorithm>
#include <variant>

#include "core/printable.h"
#include "engine/sequence_units.h"

namespace troika {
namespace {

/// What a session of so many computed tokens consists of, state by state.
std::vector<SessionSection> sections_of(const Forward& forward, int64_t computed) {
  std::vector<SessionSection> sections;
  for (size_t i = 0; i < forward.states().size(); i++) {
    const StateInfo& state = forward.states()[i];
    const bool pages = std::holds_alternative<KvState>(state.spec);
    sections.push_back({.name = state.name,
                        .units = pages ? (computed + kPageTokens - 1) / kPageTokens : 1,
                        .unit_bytes = forward.unit_bytes(i)});
  }
  return sections;
}

/// The first section that is not as it should be.
Status check_sections(const std::vector<SessionSection>& wanted, const SessionFile& file) {
  const auto& got = file.header().sections;
  for (size_t i = 0; i < std::max(wanted.size(), got.size()); i++) {
    if (i >= got.size())
      return fail(ErrorCode::invalid_argument, "{}: \"{}\" is missing", file.name(),
                  wanted[i].name);
    if (i >= wanted.size() || got[i].name != wanted[i].name)
      return fail(ErrorCode::invalid_argument, "{}: \"{}\" is a state that is not kept here",
                  file.name(), printable(got[i].name));
    if (got[i] != wanted[i])
      return fail(ErrorCode::invalid_argument,
                  "{}: \"{}\" has {} units of {} bytes, wanted {} of {}; the same number of drafts "
                  "at most?",
                  file.name(), wanted[i].name, got[i].units, got[i].unit_bytes, wanted[i].units,
                  wanted[i].unit_bytes);
  }
  return ok();
}

}  // namespace

Status save_session(Forward& forward, const Sequence& s, bool draft_head, uint64_t model,
                    const std::string& path) {
  if (!s.answering())
    return fail(ErrorCode::invalid_argument,
                "{}: {} of {} tokens of the prompt are read, wanted all before it is saved", path,
                s.computed, s.prompt_tokens);
  TROIKA_TRY(SessionWriter writer,
             SessionWriter::create(path, {.model = model,
                                          .layout = forward.layout(),
                                          .tokens = s.tokens,
                                          .computed = s.computed,
                                          .replay = s.replay,
                                          .draft_head = draft_head,
                                          .sections = sections_of(forward, s.computed)}));
  std::vector<std::byte> bytes;
  const UnitCall write = [&](size_t state, int64_t unit) -> Status {
    bytes.resize(static_cast<size_t>(forward.unit_bytes(state)));
    TROIKA_RETURN_IF_ERROR(forward.read_unit(state, unit, bytes));
    return writer.write(bytes);
  };
  TROIKA_RETURN_IF_ERROR(for_each_unit(forward, s, s.computed, write));
  return writer.commit();
}

Status check_session(const Forward& forward, const SessionFile& file, bool wants_head,
                     uint64_t model) {
  const SessionHeader& header = file.header();
  if (header.model != model)
    return fail(ErrorCode::invalid_argument, "{}: of model {:016x}, wanted {:016x}", file.name(),
                header.model, model);
  if (header.layout != forward.layout())
    return fail(ErrorCode::invalid_argument, "{}: made with {}, wanted {}", file.name(),
                printable(header.layout), forward.layout());
  if (header.replay > forward.options().draft_tokens_max)
    return fail(ErrorCode::invalid_argument, "{}: {} logged tokens, wanted at most {}", file.name(),
                header.replay, forward.options().draft_tokens_max);
  TROIKA_RETURN_IF_ERROR(check_sections(sections_of(forward, header.computed), file));
  if (wants_head && !header.draft_head)
    return fail(ErrorCode::invalid_argument,
                "{}: written without the draft head, wanted no drafts of it", file.name());
  return ok();
}

Status restore_session(Forward& forward, SequenceMemory& memory, Sequence& s,
                       const SessionFile& file) {
  const SessionHeader& header = file.header();
  TROIKA_RETURN_IF_ERROR(memory.cover(s, header.computed));
  s.computed = header.computed;
  s.replay = header.replay;
  s.cached_tokens = header.computed;
  s.head_computed = header.draft_head ? header.computed : 0;
  size_t state_before = forward.states().size();
  size_t offset = 0;  // in the section
  return for_each_unit(forward, s, s.computed, [&](size_t state, int64_t unit) {
    if (state != state_before) offset = 0;
    state_before = state;
    const auto bytes = static_cast<size_t>(forward.unit_bytes(state));
    const auto source = file.section(state).subspan(offset, bytes);
    offset += bytes;
    return forward.write_unit(state, unit, source);
  });
}

}  // namespace troika
