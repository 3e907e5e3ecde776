// From the engine's thread to those who wait for answers: what all requests told in one step goes
// over as one batch, to a thread that puts it into words.
//
//   engine's thread            Delivery                       its own thread
//   callbacks ── Track ── step_over() ── bounded queue ──► Listener::note()    one for each
//                                                          write_down()        usage is safe
//                                                          Listener::heard()
//                                                          Listener::flush()   bytes go out
//
// Each step is a batch and a commit of its own: were several written down together, a process that
// dies before it tells them would have charged for more than one. The engine waits where the queue
// is full: nobody computes what cannot be told.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "engine/engine_thread.h"
#include "engine/logprobs.h"
#include "serve/ledger/ledger.h"

namespace troika::serve {

class Listener;

/// A token with what could have been in its place.
struct ToldLogprob {
  TokenLogprob token;
  std::vector<TokenLogprob> top;
};

/// What one continuation told in one step.
struct Told {
  std::shared_ptr<Listener> listener;
  int32_t choice = 0;
  std::string text;
  std::vector<TokenId> tokens;
  size_t drafted_bytes = 0;           // of `text`: those of accepted drafts, which stand in front
  std::vector<ToldLogprob> logprobs;  // where they were asked for: one for each token
  std::optional<Ending> ending;       // if this is the last of it
  double time_ms = 0;                 // on the engine's clock, when the step was over
};

/// Who waits for an answer of one or several continuations. Called on the delivery's thread.
class Listener {
 public:
  virtual ~Listener() = default;
  /// A continuation told something: of one step, in the order of steps.
  virtual void heard(Told& told) = 0;
  /// Adds what a batch's usage is to be written down as; before heard().
  virtual void note(const Told& told, std::vector<LedgerUpdate>& updates) = 0;
  /// After all of a batch that concerns it was heard, and after its usage was noted.
  virtual void flush() = 0;
};

/// The engine's side of one continuation: its callbacks. Used on the engine's thread alone.
class Track {
 public:
  Track(std::shared_ptr<Listener> listener, int32_t choice) {
    told_.listener = std::move(listener);
    told_.choice = choice;
  }

 private:
  friend class Delivery;
  Told told_;
  bool in_batch_ = false;
};

struct DeliveryOptions {
  int64_t batches_max = 64;  // that wait to be told
  /// Writes down what a batch used before any of it is told. Where it fails, the requests do.
  /// Called with nothing when the delivery goes, for what could not be written so far.
  std::function<Status(std::vector<LedgerUpdate>)> write_down = {};
};

class Delivery {
 public:
  explicit Delivery(DeliveryOptions options = {});
  /// Tells what is there and joins. The engine is gone by then.
  ~Delivery();
  Delivery(const Delivery&) = delete;
  Delivery& operator=(const Delivery&) = delete;

  /// Makes a request tell through `track`; its callbacks for tokens, text and log-probabilities are
  /// set, those that were there are gone. @return what to submit it with.
  EngineThread::OnEnd listen(const std::shared_ptr<Track>& track, bool logprobs, Request& request);

  /// Tells what `told` says, from any thread, without an engine: for endings that never began.
  void tell(Told told);

  /// Writes one update down, in the next commit, then calls `then` on the delivery's thread. For
  /// requests that tell nothing in steps. Thread: any.
  void write_down(LedgerUpdate update, std::function<void(const Status&)> then);

  /// On the engine's thread, after a step: hands over what was told since the last call.
  void step_over();

  /// Returns when all that was handed over until now has been told.
  void wait_until_told();

 private:
  struct Update {
    LedgerUpdate update;
    std::function<void(const Status&)> then;
  };
  Told& now(const std::shared_ptr<Track>& track);
  void push(std::vector<Told> batch, bool wait);
  void run();
  void tell_all(std::vector<Told>& batch, std::vector<Update>& updates);

  const DeliveryOptions options_;
  std::vector<std::shared_ptr<Track>> touched_;  // of the engine's thread

  std::mutex mutex_;  // guards the rest
  std::condition_variable changed_;
  std::deque<std::vector<Told>> batches_;
  std::vector<Update> updates_;
  bool telling_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace troika::serve
