// What a request used and how long it took, as usage and timings of its answer.
#pragma once

#include <cstdint>

#include "serve/api/delivery.h"
#include "serve/http/json.h"

namespace troika::serve {

class Tally {
 public:
  /// Takes in what a continuation told. @param choices  of each prompt, which counts once.
  void add(const Told& told, int32_t choices);

  /// All prompts, once a continuation has begun: as Account counts them.
  int64_t prompt_tokens() const { return begun_ ? prompts_tokens : 0; }
  int64_t cached_tokens() const { return cached_tokens_; }
  int64_t answer_tokens() const { return answer_tokens_; }
  int64_t reasoning_tokens() const { return reasoning_tokens_; }
  void add_reasoning_tokens(int64_t count) { reasoning_tokens_ += count; }

  /// OpenAI's `usage`.
  Json usage() const;
  /// As llama-server has them: cache_n, prompt_n, prompt_ms, predicted_n ..., draft_n ...
  Json timings() const;

  /// When the request came: milliseconds on the clock of Told::time_ms.
  double start_ms = 0;
  int64_t prompts_tokens = 0;  // of all prompts, each once

 private:
  bool begun_ = false;
  int64_t cached_tokens_ = 0;
  int64_t answer_tokens_ = 0;
  int64_t reasoning_tokens_ = 0;
  int64_t drafted_ = 0;
  int64_t accepted_ = 0;
  double first_ms_ = 0;  // the first token of all
  double last_ms_ = 0;
};

/// Milliseconds on the clock of Told::time_ms.
double clock_ms();

}  // namespace troika::serve
