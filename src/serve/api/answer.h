// An answer on its way to a client: what every text API shares. It hears the continuations of one
// request, and what an API makes of them goes out as one JSON object or as a stream of events.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "serve/api/answer_fields.h"
#include "serve/api/call.h"
#include "serve/api/generation.h"
#include "serve/api/tally.h"
#include "serve/http/exchange.h"

namespace troika::serve {

/// Used on the delivery's thread once it is started.
class Answer : public Listener, public std::enable_shared_from_this<Answer> {
 public:
  Answer(std::shared_ptr<http::Exchange> exchange, const ServedModel& model, AnswerOptions options);

  /// Submits what the request asks for; the client hears what becomes of it, refusals included.
  static void start(const std::shared_ptr<Answer>& answer, const Call& call, GenerationSpec spec);

  void note(const Told& told, std::vector<LedgerUpdate>& updates) final;
  void heard(Told& told) final;
  void flush() final;

 protected:
  // What an API does.

  /// A continuation went on.
  virtual void progress(Told& told) = 0;
  /// All have ended: the last events, or the object.
  virtual void complete() = 0;
  virtual http::Response refusal(const Refusal& refusal) const;
  /// Tells of a failure where events were sent already.
  virtual void send_failure(const Refusal& refusal);

  // What it does it with.

  /// Adds an event to the stream.
  void send(const Json& event);
  void send_named(std::string_view name, const Json& event);
  void send_text(std::string_view bytes) { pending_ += bytes; }
  /// The answer, where it is no stream.
  void respond(const Json& object);

  const ServedModel& model() const { return model_; }
  const AnswerOptions& options() const { return options_; }
  const GenerationSpec& spec() const { return spec_; }
  Tally& tally() { return tally_; }
  int64_t created_s() const { return created_s_; }

 private:
  void fail_with(const Refusal& refusal);

  const std::shared_ptr<http::Exchange> exchange_;
  const ServedModel& model_;
  const AnswerOptions options_;
  const int64_t created_s_;
  GenerationSpec spec_;  // without prompts
  int64_t continuations_ = 0;
  int64_t ended_ = 0;
  Tally tally_;
  std::string pending_;  // events that were not sent yet
  bool begun_ = false;
  bool done_ = false;
  std::shared_ptr<Account> account_;
  std::mutex mutex_;  // guards the rest: set where the answer is started
  std::weak_ptr<Generation> generation_;
  bool cancelled_ = false;
};

/// "stop" or "length", as OpenAI's APIs call them, or "cancelled": the client left, and reads on.
std::string_view finish_name(FinishReason reason);

/// A token of an answer as logprobs show it: {token, logprob, bytes}.
Json logprob_json(const Tokenizer& tokenizer, const TokenLogprob& token);

}  // namespace troika::serve
