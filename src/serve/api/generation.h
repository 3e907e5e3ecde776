// One request's continuations at work in the engine.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "core/result.h"
#include "serve/api/served_model.h"

namespace troika::serve {

inline constexpr int64_t kContinuationsMax = 128;  // of one request

/// What to write: for each prompt, `choices` continuations.
struct GenerationSpec {
  std::vector<std::vector<TokenId>> prompts;
  int32_t choices = 1;
  Request request;  // of each, without prompt, choice and callbacks
  bool logprobs = false;

  int64_t continuations() const { return std::ssize(prompts) * choices; }
};

/// Continuations are numbered prompt by prompt. Of each prompt the first is submitted at once, and
/// the others when it has written its first token: they begin behind the prompt that it left in
/// the prefix cache.
class Generation : public std::enable_shared_from_this<Generation> {
 public:
  /// Checks all and submits what can begin. `model` is borrowed. Each continuation ends exactly
  /// once, told to `listener`. Errors: those of EngineThread::submit(); nobody is told anything
  /// then.
  static Result<std::shared_ptr<Generation>> start(ServedModel& model, Delivery& delivery,
                                                   GenerationSpec spec,
                                                   std::shared_ptr<Listener> listener);

  /// Ends all continuations. Thread: any.
  void cancel();

 private:
  Generation(ServedModel& model, Delivery& delivery, GenerationSpec spec,
             std::shared_ptr<Listener> listener);
  Status submit(int32_t number);
  void submit_others(int32_t first);

  ServedModel& model_;
  Delivery& delivery_;
  GenerationSpec spec_;
  std::shared_ptr<Listener> listener_;
  std::mutex mutex_;  // guards the rest
  std::vector<RequestId> ids_;
  bool cancelled_ = false;
};

}  // namespace troika::serve
