// An engine on a thread of its own, for callers on any thread: requests go through a bounded queue,
// answers come back through callbacks on the engine's thread.
//
//   submit ──┐                             ┌── Request::on_token, on_text ...
//   cancel ──┼── queue ── engine's thread ─┤
//   drain  ──┘    (step, step, step ...)   └── on_end, once a request
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "core/ids.h"
#include "core/result.h"
#include "engine/engine.h"

namespace troika {

struct EngineThreadOptions {
  int64_t requests_max = 4096;  // not ended yet, in all; more are refused
  /// Called on the engine's thread after each step, when all callbacks of the step were called, and
  /// whenever requests ended without one: what they told may be handed on as one piece.
  std::function<void()> on_step = {};
  /// Called on the engine's thread after a step that computed: how long it took, and its rows.
  std::function<void(double seconds, int64_t rows)> on_worked = {};
  double statistics_ms = 200;  // how old engine_statistics() may be, beside the running step
};

/// How a request ended.
struct Ending {
  Status status = ok();  // not ok: the engine could not go on, or refused it; the rest is as it was
  FinishReason finish = FinishReason::none;
  bool begun = false;  // it had a place
  int64_t prompt_tokens = 0;
  int64_t cached_tokens = 0;  // of the prompt, which were not computed
  int64_t answer_tokens = 0;
  int32_t stop_string = -1;  // the number of that which ended it
  double queue_ms = 0;       // from submit() until it had a place, or ended without
  double prompt_ms = 0;      // from then until the first token
  double answer_ms = 0;      // from then until the last
  DraftStatistics drafts;
  double retry_after_s = 0;  // where status is exhausted: when to try again
};

/// What an engine's thread has done so far.
struct EngineThreadStatistics {
  int64_t waiting = 0;  // submitted, not seen by the engine yet
  int64_t running = 0;  // seen and not ended
  int64_t ended = 0;    // of any reason
  int64_t failed = 0;   // of these, with an error
  int64_t steps = 0;
  int64_t prompt_tokens = 0;  // of requests that ended
  int64_t answer_tokens = 0;
};

class EngineThread {
 public:
  using OnEnd = std::function<void(const Ending&)>;

  /// Starts the thread, which owns `engine` from now on. What the engine borrows must outlive this.
  /// Errors: invalid_argument — an option out of its range.
  static Result<std::unique_ptr<EngineThread>> start(std::unique_ptr<Engine> engine,
                                                     const EngineThreadOptions& options);

  /// stop().
  ~EngineThread();
  EngineThread(const EngineThread&) = delete;
  EngineThread& operator=(const EngineThread&) = delete;

  /// A number for a request, known to its callbacks before it is submitted.
  RequestId new_id() { return static_cast<RequestId>(next_id_++); }

  /// Takes a request. Its callbacks and `on_end` are called on the engine's thread, must return
  /// soon, and may call submit() and cancel(). `on_end` is called exactly once, and last.
  /// Errors: those that the request itself deserves (Engine::check); exhausted — requests_max;
  /// cancelled — after drain(); the engine's own error after it failed.
  /// @param id  from new_id(), used once.
  Status submit(RequestId id, Request request, OnEnd on_end);

  /// Ends a request after the current step; nothing if it has ended.
  void cancel(RequestId id);

  /// Calls `task` on the engine's thread between two steps: for what only its owner may do. Tasks
  /// are called in order, must return soon, and are dropped unheard once the thread stops.
  void call(std::function<void(Engine&)> task);

  /// Refuses new requests and returns when all have ended.
  void drain();

  /// Cancels what is not ended, calls its on_end and joins. Not on the engine's thread. Behind it,
  /// submit() refuses, cancel() and call() do nothing.
  void stop();

  EngineThreadStatistics statistics() const;

  /// What the engine said of itself not long ago. Waits for no step.
  std::shared_ptr<const EngineStatistics> engine_statistics() const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Submission {
    RequestId id{};
    Request request;
    OnEnd on_end;
    Clock::time_point submitted;
  };
  struct Running {
    SeqId sequence{};
    OnEnd on_end;
    double waited_ms = 0;  // until the engine heard of it
  };

  EngineThread(std::unique_ptr<Engine> engine, const EngineThreadOptions& options);
  void run();
  void publish(bool now);
  bool take_commands();
  void begin(Submission& submission);
  void step();
  void reap();
  void fail_all(const Status& status);
  void end(const OnEnd& on_end, const Ending& ending, bool waited);

  std::unique_ptr<Engine> engine_;
  const EngineThreadOptions options_;
  std::atomic<int64_t> next_id_ = 0;
  std::unordered_map<RequestId, Running> running_;  // of the engine's thread
  Clock::time_point published_{};                   // the same

  mutable std::mutex mutex_;  // guards the rest
  std::condition_variable wake_, drained_;
  std::vector<Submission> submissions_;
  std::vector<RequestId> cancellations_;
  std::vector<std::function<void(Engine&)>> tasks_;
  std::shared_ptr<const EngineStatistics> engine_statistics_;
  EngineThreadStatistics statistics_;
  Status failure_ = ok();
  bool draining_ = false;
  bool stopping_ = false;

  std::vector<Submission> taken_;      // of the engine's thread
  std::vector<RequestId> taken_back_;  // the same
  std::vector<std::function<void(Engine&)>> taken_tasks_;
  std::thread thread_;
};

}  // namespace troika
