// What a request may say about sampling, with the defaults that users of llama.cpp know. The one
// place of these defaults: help texts, the library and requests read them here.
#pragma once

#include <cstdint>
#include <vector>

#include "core/ids.h"
#include "core/result.h"

namespace troika {

/// Added to the logit of one token; -infinity forbids it.
struct LogitBias {
  TokenId id;
  double bias;
};

struct SamplingOptions {
  uint64_t seed = 0;          // equal seed, equal text; whoever wants another each time draws one
  double temperature = 0.8;   // <= 0: greedy, the most likely token
  double dynatemp_range = 0;  // temperature moves by so much with the entropy; 0: off
  double dynatemp_exponent = 1;  // how it moves: (entropy / largest entropy)^exponent
  int32_t top_k = 40;            // the k most likely; <= 0: off
  double typical_p = 1;          // the most typical, up to this probability; 1: off
  double top_p = 0.95;           // the most likely, up to this probability; 1: off
  double min_p =
      0.05;  // those with at least this share of the most likely one's probability; 0: off
  int32_t min_keep = 0;  // no step leaves fewer than this
  double repeat_penalty =
      1;  // divides (or multiplies, below zero) the logit of a token of the history; 1: off
  double frequency_penalty = 0;       // taken off a logit for each time the history has the token
  double presence_penalty = 0;        // taken off a logit if the history has the token
  int32_t repeat_last_n = 64;         // tokens of history; 0: none, so no penalties; -1: all
  bool ignore_eos = false;            // never draw a token that ends the text
  std::vector<LogitBias> logit_bias;  // added before anything else; a token listed twice gets both

  /// Whether the history of tokens has any effect.
  bool penalises() const;
  /// Checks every field, for a vocabulary of `vocab` tokens.
  /// Errors: invalid_argument — names the field, its value and what it may be. NaN is refused
  /// everywhere.
  Status validate(int64_t vocab) const;
};

inline constexpr double kStrengthMax = 1e6;  // of what is added to logits, and of shape parameters
inline constexpr int32_t kRepeatLastNMax = 1 << 20;   // tokens
inline constexpr int64_t kLogitBiasCountMax = 65536;  // entries

}  // namespace troika
