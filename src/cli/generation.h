// One answer: the engine stepped to its end, with text handed out as it comes.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/progress.h"
#include "core/result.h"
#include "engine/choices.h"
#include "engine/engine.h"
#include "text/tokenizer.h"

namespace troika::cli {

/// A token with its own text and its log-probability.
struct TextLogprob {
  TokenId id{};
  std::string bytes;  // may be part of a character
  double logprob = 0;
};

/// A chosen token and the likeliest ones.
struct GeneratedLogprob {
  TextLogprob token;
  std::vector<TextLogprob> top;
};

/// An answer and what it took.
struct Generation {
  std::vector<TokenId> tokens;  // end tokens included
  std::string text;             // end tokens, control tokens and the stop string left out
  std::vector<GeneratedLogprob> logprobs;  // of each token, only if asked for
  int64_t prompt_tokens = 0;
  int64_t cached_tokens = 0;                 // of the prompt, which were not computed
  FinishReason finish = FinishReason::none;  // cancelled: by Ctrl-C
  int32_t stop_string = -1;                  // as Sequence has it
  std::optional<double> mean_logprob;        // of its tokens, where it is the best of several
  DraftStatistics drafts;
  std::vector<double> step_ms;  // with 0, 1, 2 ... drafts, as the engine learned; empty: it did not
  double prompt_ms = 0;         // until the first token was chosen
  double generate_ms = 0;       // from then to the end
  uint64_t logits_xxh64 = 0;    // only if asked for
};

struct GenerateOptions {
  /// Gets whole characters as soon as they are certain; an error ends the generation.
  std::function<Status(std::string_view)> on_text;
  bool logprobs = false;     // with Request::top_logprobs alternatives
  bool hash_logits = false;  // XXH64, seed 0, over the float32 bytes of each row that chose a token
  Progress* progress = nullptr;  // for the prompt; may be null
  std::string save_to = {};      // path of a session file for the text in the end; empty: none
};

/// Carries out `request`, whose callbacks are set here, on an engine that knows texts and does
/// nothing else. Ctrl-C ends the answer early, which is no error: see Generation::finish.
Result<Generation> generate(Engine& engine, const Tokenizer& tokenizer, Request request,
                            const GenerateOptions& options);

/// As generate(), for several continuations of one prompt: those to tell, in the order of
/// Choices::best(). Their text is not handed out before, nothing is saved, and the milliseconds of
/// each are those beside the others.
Result<std::vector<Generation>> generate_choices(Engine& engine, const Tokenizer& tokenizer,
                                                 Request request, const ChoiceOptions& choices,
                                                 const GenerateOptions& options);

/// Milliseconds on a clock that only goes forward.
double clock_ms();

/// `count` things in `ms` milliseconds, as things a second; 0 where nothing was measured.
double per_second(int64_t count, double ms);

}  // namespace troika::cli
