// What all text APIs let a request say about its answer: sampling, length, stops, drafts.
#pragma once

#include <cstdint>
#include <string>

#include "serve/api/call.h"
#include "serve/api/fields.h"
#include "serve/api/generation.h"
#include "serve/api/served_model.h"

namespace troika::serve {

inline constexpr int64_t kStopStringsMax = 64;
inline constexpr int64_t kChoicesAskedMax = 32;  // `n`

/// How the answer is told.
struct AnswerOptions {
  bool stream = false;
  bool include_usage = false;  // a last chunk with the usage
  bool timings = false;        // `timings` beside the usage
  bool show_drafts = false;    // chunks say which text was drafted
  std::string model;           // as the request called it, for the answer
};

/// What a request says about its answer.
struct AnswerRequest {
  GenerationSpec spec;  // without prompts
  AnswerOptions options;
};

/// Reads, over the model's defaults: temperature, top_p, top_k, min_p, typical_p, dynatemp_range,
/// dynatemp_exponent, repeat_penalty, repeat_last_n, presence_penalty, frequency_penalty, seed,
/// logit_bias, ignore_eos, n, max_tokens (also max_completion_tokens, max_output_tokens,
/// n_predict), stop, speculative, cache_prompt; model, stream, stream_options, timings_per_token
/// and troika.show_drafts. Another model than there is, is refused with 404.
AnswerRequest read_answer(Fields& fields, const Call& call);

/// Reads the strings that end an answer from a field of this name.
void read_stop(Fields& fields, std::string_view name, Request& request);

/// Reads model alone, in the same way.
void read_model_name(Fields& fields, const ServedModel& model);

/// A number that nobody guesses, for seeds and ids.
uint64_t random_number();

/// "chatcmpl-" and 24 characters.
std::string new_answer_id(std::string_view prefix);

}  // namespace troika::serve
