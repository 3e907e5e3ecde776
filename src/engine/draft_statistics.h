// Where drafts come from, and how often they were proposed and accepted.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace troika {

/// The most tokens that a step may draft for one sequence.
inline constexpr int64_t kDraftTokensMax = 16;

/// Who drafts.
enum class DraftClass : uint8_t {
  mtp,    // the model's own head
  model,  // a separate draft model
  ngram,  // what followed the same words earlier in the text
};
inline constexpr int kDraftClasses = 3;

/// "mtp", "model", "ngram".
constexpr std::string_view draft_class_name(DraftClass drafts) {
  constexpr std::string_view kNames[kDraftClasses] = {"mtp", "model", "ngram"};
  return kNames[static_cast<size_t>(drafts)];
}

/// Who drafts, and how sure it is by itself: acceptance is remembered for each source alone.
enum class DraftSource : uint8_t { mtp, model, ngram_short, ngram_medium, ngram_long };
inline constexpr int kDraftSources = 5;

constexpr DraftClass class_of(DraftSource source) {
  if (source == DraftSource::mtp) return DraftClass::mtp;
  return source == DraftSource::model ? DraftClass::model : DraftClass::ngram;
}

/// Counts of drafts, in all and at each depth (0: the first draft of a step).
struct DraftCounts {
  int64_t proposed = 0;
  int64_t accepted = 0;
  int64_t steps = 0;  // forward passes of the trunk that counted
  std::array<int64_t, kDraftTokensMax> proposed_at{};
  std::array<int64_t, kDraftTokensMax> accepted_at{};

  /// Takes in one step.
  void add(int64_t step_proposed, int64_t step_accepted) {
    steps++;
    proposed += step_proposed;
    accepted += step_accepted;
    for (size_t i = 0; i < static_cast<size_t>(step_proposed); i++) proposed_at[i]++;
    for (size_t i = 0; i < static_cast<size_t>(step_accepted); i++) accepted_at[i]++;
  }

  DraftCounts& operator+=(const DraftCounts& other) {
    proposed += other.proposed;
    accepted += other.accepted;
    steps += other.steps;
    for (size_t i = 0; i < proposed_at.size(); i++) {
      proposed_at[i] += other.proposed_at[i];
      accepted_at[i] += other.accepted_at[i];
    }
    return *this;
  }

  /// The most that a step proposed.
  int64_t depth() const {
    int64_t depth = kDraftTokensMax;
    while (depth > 0 && proposed_at[static_cast<size_t>(depth - 1)] == 0) depth--;
    return depth;
  }
};

/// Of all drafters together, `steps` being those that chose tokens after the first; and of each
/// class alone, `steps` being those that it drafted for.
struct DraftStatistics : DraftCounts {
  std::array<DraftCounts, kDraftClasses> by_class{};

  const DraftCounts& of(DraftClass drafts) const { return by_class[static_cast<size_t>(drafts)]; }

  /// Takes in one step that `drafts` drafted for, if anyone did.
  void add_step(int64_t step_proposed, int64_t step_accepted, DraftClass drafts) {
    add(step_proposed, step_accepted);
    if (step_proposed > 0) by_class[static_cast<size_t>(drafts)].add(step_proposed, step_accepted);
  }

  DraftStatistics& operator+=(const DraftStatistics& other) {
    DraftCounts::operator+=(other);
    for (size_t i = 0; i < by_class.size(); i++) by_class[i] += other.by_class[i];
    return *this;
  }
};

}  // namespace troika
