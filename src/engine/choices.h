// Several continuations of one prompt, and the best of them. Each is a sequence with noise of its
// own (Request::choice) and writes what it would write alone; the first reads the prompt, and the
// others begin behind what it left in the prefix cache, where there is one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "core/result.h"
#include "engine/engine.h"

namespace troika {

inline constexpr int32_t kChoicesMax = 1024;

struct ChoiceOptions {
  int32_t choices = 1;  // to be told
  int32_t best_of = 1;  // to be written; those with the best mean log-probability are told
};

/// Errors: invalid_argument — names the field.
Status validate(const ChoiceOptions& options);

/// One continuation that has ended.
struct Choice {
  int32_t number = 0;           // Request::choice
  std::vector<TokenId> tokens;  // of the answer
  FinishReason finish = FinishReason::none;
  int32_t stop_string = -1;
  int64_t cached_tokens = 0;  // of the prompt
  double logprob_sum = 0;     // over the tokens; only where there are more than are told
  DraftStatistics drafts;

  /// Of a token; 0 without tokens.
  double mean_logprob() const {
    return tokens.empty() ? 0 : logprob_sum / static_cast<double>(tokens.size());
  }
};

/// Thread: the engine's.
class Choices {
 public:
  /// Sets the callbacks of the continuation `number`. Those of the request that is handed in are
  /// the start.
  using Listen = std::function<void(Request& request, int32_t number)>;

  /// Submits the first of them. `engine` is borrowed; callbacks may come until all are done or this
  /// is destroyed, which releases what is at work. Errors: those of validate() and
  /// Engine::submit().
  static Result<std::unique_ptr<Choices>> begin(Engine& engine, Request request,
                                                const ChoiceOptions& options, Listen listen);
  ~Choices();
  Choices(const Choices&) = delete;
  Choices& operator=(const Choices&) = delete;

  /// After each step of the engine: takes in what has ended, and submits what can begin now; a full
  /// engine is no error, the next call tries again. Errors: those of Engine::submit().
  Status advance();

  /// Whether all have ended.
  bool done() const { return ended_.size() == static_cast<size_t>(options_.best_of); }

  /// Ends all: none begins any more, those at work are cancelled. advance() takes them in.
  void cancel();

  /// What to tell once done(): the best first, of equals the lowest number; in the order of their
  /// numbers where all are told.
  std::vector<const Choice*> best() const;

 private:
  struct Running {
    SeqId id{};
    int32_t number = 0;
  };
  Choices(Engine& engine, Request request, const ChoiceOptions& options, Listen listen);
  Status submit_next();
  bool prompt_read() const;
  void collect(const Running& running);

  Engine& engine_;
  Request request_;
  ChoiceOptions options_;
  Listen listen_;
  int32_t submitted_ = 0;
  std::vector<Running> running_;
  std::vector<double> logprob_sums_;  // by number
  std::vector<Choice> ended_;
};

}  // namespace troika
