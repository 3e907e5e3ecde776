// What a request may say about drafts. It changes the speed of a text, never a bit of it.
#pragma once

#include <cstdint>

#include "core/result.h"
#include "engine/draft_statistics.h"

namespace troika {

/// Who drafts, and whether the number of drafts is decided from step to step.
enum class SpecType : uint8_t {
  none,       // never draft
  mtp,        // the model's head drafts exactly depth_max tokens a step (less at the end of a text)
  automatic,  // whoever is there, as many as make all texts fastest, up to depth_max; 0 included
  ngram,      // what followed the same words earlier: depth_max tokens wherever there is a match
  model,      // the draft model drafts exactly depth_max tokens a step
  combined,   // depth_max tokens a step: n-grams where the match is long, else the head, else the
              // draft model
};

struct SpeculationOptions {
  SpecType type = SpecType::automatic;
  int64_t depth_max = 6;  // 0 ... kDraftTokensMax
  /// Tokens at the end of the text that an n-gram match has at least, and beyond which a longer one
  /// is no better. 1 <= min <= max <= kNgramTokensMax.
  int64_t ngram_min = 2;
  int64_t ngram_max = 12;

  bool operator==(const SpeculationOptions&) const = default;
};

inline constexpr int64_t kNgramTokensMax = 64;

/// Whether drafts of this class may be used. Pure.
bool allows(SpecType type, DraftClass drafts);

/// Errors: invalid_argument — a value out of its range, by name; depth_max above `depth_max`.
Status validate(const SpeculationOptions& options, int64_t depth_max);

}  // namespace troika
