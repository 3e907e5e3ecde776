// Flags of sampling and of speculation, under the names that users of llama.cpp know. Defaults are
// those of SamplingOptions and SpeculationOptions.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "core/result.h"
#include "engine/sampling_options.h"
#include "engine/speculation_options.h"

namespace troika::cli {

struct SamplingFlags {
  SamplingOptions options;                // without seed and logit bias until resolve()
  int64_t seed = -1;                      // -1: another one each time
  std::vector<std::string> logit_bias;    // "ID+VALUE" or "ID-VALUE"
  std::vector<std::string> dry_breakers;  // none: the default's; "none": none
  std::string samplers, sampler_letters;  // at most one of them; empty: the default order
};

/// Adds all sampling flags.
void add_sampling_flags(CLI::App& app, SamplingFlags& flags);

/// Adds --spec-type, --spec-draft-n-max, --spec-ngram-min and --spec-ngram-max.
void add_speculation_flags(CLI::App& app, SpeculationOptions& options);

/// The options that `flags` ask for, with a seed drawn where none is given.
/// Errors: invalid_argument — a value out of its range, a logit bias that does not parse.
Result<SamplingOptions> resolve(const SamplingFlags& flags);

}  // namespace troika::cli
