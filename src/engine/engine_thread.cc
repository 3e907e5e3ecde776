#include "engine/engine_thread.h"

#include <utility>

namespace troika {

EngineThread::EngineThread(std::unique_ptr<Engine> engine, const EngineThreadOptions& options)
    : engine_(std::move(engine)), options_(options) {
  publish(true);
}

Result<std::unique_ptr<EngineThread>> EngineThread::start(std::unique_ptr<Engine> engine,
                                                          const EngineThreadOptions& options) {
  if (options.requests_max < 1)
    return fail(ErrorCode::invalid_argument, "the most requests at a time is {}, wanted at least 1",
                options.requests_max);
  if (!(options.statistics_ms >= 0))
    return fail(ErrorCode::invalid_argument, "statistics_ms is {}, wanted 0 or more",
                options.statistics_ms);
  std::unique_ptr<EngineThread> made(new EngineThread(std::move(engine), options));
  made->thread_ = std::thread([self = made.get()] { self->run(); });
  return made;
}

EngineThread::~EngineThread() {
  stop();
}

void EngineThread::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
  // What tasks hold goes here, while what they borrow is still there.
  taken_tasks_.clear();
  std::vector<std::function<void(Engine&)>> unheard;
  const std::lock_guard lock(mutex_);
  unheard.swap(tasks_);
}

Status EngineThread::submit(RequestId id, Request request, OnEnd on_end) {
  TROIKA_RETURN_IF_ERROR(engine_->check(request));
  {
    const std::lock_guard lock(mutex_);
    if (!failure_.ok()) return failure_.error();
    if (draining_ || stopping_)
      return fail(ErrorCode::cancelled, "the engine takes no more requests: it is about to stop");
    const int64_t open = statistics_.waiting + statistics_.running;
    if (open >= options_.requests_max)
      return fail(ErrorCode::exhausted, "{} requests are not ended yet, at most {} may be", open,
                  options_.requests_max);
    submissions_.push_back({id, std::move(request), std::move(on_end), Clock::now()});
    statistics_.waiting++;
  }
  wake_.notify_one();
  return ok();
}

void EngineThread::cancel(RequestId id) {
  {
    const std::lock_guard lock(mutex_);
    cancellations_.push_back(id);
  }
  wake_.notify_one();
}

void EngineThread::call(std::function<void(Engine&)> task) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    tasks_.push_back(std::move(task));
  }
  wake_.notify_one();
}

void EngineThread::drain() {
  std::unique_lock lock(mutex_);
  draining_ = true;
  drained_.wait(lock, [this] { return statistics_.waiting + statistics_.running == 0; });
}

EngineThreadStatistics EngineThread::statistics() const {
  const std::lock_guard lock(mutex_);
  return statistics_;
}

std::shared_ptr<const EngineStatistics> EngineThread::engine_statistics() const {
  const std::lock_guard lock(mutex_);
  return engine_statistics_;
}

/// Lays out what the engine says of itself, if the last was long ago.
void EngineThread::publish(bool now) {
  const Clock::time_point at = Clock::now();
  const std::chrono::duration<double, std::milli> since = at - published_;
  if (!now && since.count() < options_.statistics_ms) return;
  published_ = at;
  auto statistics = std::make_shared<const EngineStatistics>(engine_->statistics());
  const std::lock_guard lock(mutex_);
  engine_statistics_ = std::move(statistics);
}

void EngineThread::run() {
  while (take_commands()) {
    for (const auto& task : taken_tasks_) task(*engine_);
    for (Submission& submission : taken_) begin(submission);
    for (const RequestId id : taken_back_)
      if (const auto found = running_.find(id); found != running_.end())
        engine_->cancel(found->second.sequence);
    reap();
    if (!running_.empty()) step();
    if (options_.on_step) options_.on_step();
    publish(running_.empty());  // it may rest from now on
  }
  for (const auto& [id, running] : running_) engine_->cancel(running.sequence);
  reap();
  if (options_.on_step) options_.on_step();
}

/// Moves what was asked for to taken_ and taken_back_, waiting while there is nothing to do at all.
/// False: it is time to stop; what was not begun has been told so.
bool EngineThread::take_commands() {
  taken_.clear();
  taken_back_.clear();
  taken_tasks_.clear();
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [this] {
    return stopping_ || !running_.empty() || !submissions_.empty() || !cancellations_.empty() ||
           !tasks_.empty();
  });
  taken_.swap(submissions_);
  taken_back_.swap(cancellations_);
  taken_tasks_.swap(tasks_);
  if (!stopping_) return true;
  lock.unlock();
  for (const Submission& submission : taken_)
    end(submission.on_end, {.finish = FinishReason::cancelled}, true);
  return false;
}

void EngineThread::begin(Submission& submission) {
  Result<SeqId> sequence = engine_->submit(std::move(submission.request));
  if (!sequence.ok()) {
    const double retry_after_s =
        sequence.error().code() == ErrorCode::exhausted ? engine_->retry_after_s() : 0;
    return end(submission.on_end,
               {.status = std::move(sequence).error(), .retry_after_s = retry_after_s}, true);
  }
  const std::chrono::duration<double, std::milli> waited = Clock::now() - submission.submitted;
  running_.emplace(submission.id, Running{*sequence, std::move(submission.on_end), waited.count()});
  const std::lock_guard lock(mutex_);
  statistics_.waiting--;
  statistics_.running++;
}

void EngineThread::step() {
  const Clock::time_point start = Clock::now();
  const int64_t rows_before = engine_->rows();
  const Result<bool> worked = engine_->step();
  if (!worked.ok()) return fail_all(worked.error());
  if (!*worked)
    return fail_all(fail(ErrorCode::internal, "the engine has nothing to do beside {} requests",
                         running_.size()));
  {
    const std::lock_guard lock(mutex_);
    statistics_.steps++;
  }
  const std::chrono::duration<double> took = Clock::now() - start;
  if (options_.on_worked) options_.on_worked(took.count(), engine_->rows() - rows_before);
  reap();
}

/// Ends what the engine has finished. Callbacks may submit: running_ changes on this thread only
/// between steps, so the walk is safe.
void EngineThread::reap() {
  for (auto at = running_.begin(); at != running_.end();) {
    const Sequence& sequence = engine_->sequence(at->second.sequence);
    if (sequence.finish == FinishReason::none) {
      ++at;
      continue;
    }
    const Ending ending{.finish = sequence.finish,
                        .begun = sequence.times.started_ms >= 0,
                        .prompt_tokens = sequence.prompt_tokens,
                        .cached_tokens = sequence.cached_tokens,
                        .answer_tokens = std::ssize(sequence.tokens) - sequence.prompt_tokens,
                        .stop_string = sequence.stop_string,
                        .queue_ms = at->second.waited_ms + sequence.times.queue_ms(),
                        .prompt_ms = sequence.times.prompt_ms(),
                        .answer_ms = sequence.times.answer_ms(),
                        .drafts = sequence.drafts};
    engine_->release(at->second.sequence);
    const OnEnd on_end = std::move(at->second.on_end);
    at = running_.erase(at);
    end(on_end, ending, false);
  }
}

void EngineThread::fail_all(const Status& status) {
  {
    const std::lock_guard lock(mutex_);
    failure_ = status;
  }
  for (auto& [id, running] : running_) {
    engine_->cancel(running.sequence);
    engine_->release(running.sequence);
    end(running.on_end, {.status = status}, false);
  }
  running_.clear();
}

void EngineThread::end(const OnEnd& on_end, const Ending& ending, bool waited) {
  if (on_end) on_end(ending);
  const std::lock_guard lock(mutex_);
  (waited ? statistics_.waiting : statistics_.running)--;
  statistics_.ended++;
  statistics_.failed += ending.status.ok() ? 0 : 1;
  statistics_.prompt_tokens += ending.prompt_tokens;
  statistics_.answer_tokens += ending.answer_tokens;
  drained_.notify_all();
}

}  // namespace troika
