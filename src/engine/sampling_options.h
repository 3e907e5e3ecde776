// What a request may say about sampling, with the defaults that users of llama.cpp know. The one
// place of these defaults: help texts, the library and requests read them here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/ids.h"
#include "core/result.h"

namespace troika {

/// Added to the logit of one token; -infinity forbids it.
struct LogitBias {
  TokenId id;
  double bias;
};

/// A step of the sampler chain; each is a field or several of SamplingOptions.
enum class SamplerStep : uint8_t {
  penalties,
  dry,
  top_n_sigma,
  top_k,
  typical_p,
  top_p,
  min_p,
  xtc,
  temperature,
  adaptive_p,  // chooses in place of the plain draw, so it is the last wherever it stands
};

/// The order that users of llama.cpp expect.
inline constexpr SamplerStep kSamplerOrder[] = {
    SamplerStep::penalties, SamplerStep::dry,       SamplerStep::top_n_sigma,
    SamplerStep::top_k,     SamplerStep::typical_p, SamplerStep::top_p,
    SamplerStep::min_p,     SamplerStep::xtc,       SamplerStep::temperature};

/// The steps that `names` lists, with ";" between them: "top_k;top_p;temperature". Hyphens may
/// stand for underscores; temp, typ_p, typical and nucleus are known too.
/// Errors: invalid_argument — an unknown name, an empty list, too many.
Result<std::vector<SamplerStep>> parse_samplers(std::string_view names);

/// The same from letters: d dry, k top_k, y typ_p, p top_p, s top_n_sigma, m min_p, x xtc,
/// t temperature, e penalties, a adaptive_p.
Result<std::vector<SamplerStep>> parse_sampler_letters(std::string_view letters);

/// The step's name as parse_samplers() takes it.
std::string_view sampler_name(SamplerStep step);

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
  double frequency_penalty = 0;  // taken off a logit for each time the history has the token
  double presence_penalty = 0;   // taken off a logit if the history has the token
  int32_t repeat_last_n = 64;    // tokens of history; 0: none, so no penalties; -1: all
  double top_n_sigma = -1;  // logits within so many standard deviations of the largest; <= 0: off
  double xtc_probability = 0;      // how often the most likely tokens are left out; 0: off
  double xtc_threshold = 0.1;      // what is likely enough for that; above 0.5: off
  double dry_multiplier = 0;       // strength against what would repeat the text; 0: off
  double dry_base = 1.75;          // it grows so with each further token of the repetition
  int32_t dry_allowed_length = 2;  // tokens that may be repeated for nothing
  int32_t dry_last_n = -1;         // tokens looked back on; 0: none, -1: all
  std::vector<std::string> dry_breakers = {"\n", ":", "\"", "*"};  // no repetition spans them
  int32_t mirostat = 0;  // 1, 2: aims at a surprise, in place of all steps but temperature; 0: off
  double mirostat_tau = 5;      // that surprise in bits
  double mirostat_eta = 0.1;    // how fast it gets there
  double adaptive_target = -1;  // adaptive_p: the probability that draws shall have; < 0: off
  double adaptive_decay = 0.9;  // how long it remembers
  std::vector<SamplerStep> samplers = {std::begin(kSamplerOrder), std::end(kSamplerOrder)};
  bool ignore_eos = false;            // never draw a token that ends the text
  std::vector<LogitBias> logit_bias;  // added before anything else; a token listed twice gets both

  /// Whether the history of tokens has any effect through penalties; through DRY.
  bool penalises() const;
  bool avoids_repeats() const;
  /// Whether a step is in the list.
  bool has(SamplerStep step) const;
  /// Whether adaptive_p is in the list and on.
  bool adapts() const;
  /// Checks every field, for a vocabulary of `vocab` tokens.
  /// Errors: invalid_argument — names the field, its value and what it may be. NaN is refused
  /// everywhere.
  Status validate(int64_t vocab) const;
};

inline constexpr double kStrengthMax = 1e6;  // of what is added to logits, and of shape parameters
inline constexpr int32_t kRepeatLastNMax = 1 << 20;   // tokens
inline constexpr int64_t kLogitBiasCountMax = 65536;  // entries
inline constexpr int64_t kSamplersMax = 32;           // steps
inline constexpr int64_t kDryBreakersMax = 32;
inline constexpr int64_t kDryBreakerBytesMax = 40;  // of one
inline constexpr int32_t kDryLengthMax = 1 << 20;   // tokens
inline constexpr double kMirostatTauMax = 100;      // bits

}  // namespace troika
