#include "serve/api/delivery.h"

#include <utility>

#include "serve/api/tally.h"

namespace troika::serve {
Delivery::Delivery(DeliveryOptions options)
    : options_(std::move(options)), thread_([this] { run(); }) {}

Delivery::~Delivery() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

/// What the continuation tells in this step.
Told& Delivery::now(const std::shared_ptr<Track>& track) {
  if (!std::exchange(track->in_batch_, true)) touched_.push_back(track);
  return track->told_;
}

EngineThread::OnEnd Delivery::listen(const std::shared_ptr<Track>& track, bool logprobs,
                                     Request& request) {
  request.on_token = [this, track](TokenId id) {
    Told& told = now(track);
    told.tokens.push_back(id);
    // A step verifies drafts and chooses one token behind them: text follows its token.
    told.drafted_bytes = told.text.size();
  };
  request.on_text = [this, track](std::string_view text) { now(track).text += text; };
  if (logprobs)
    request.on_logprob = [this, track](const ChosenLogprob& chosen) {
      now(track).logprobs.push_back({chosen.token, {chosen.top.begin(), chosen.top.end()}});
    };
  return [this, track](const Ending& ending) { now(track).ending = ending; };
}

void Delivery::step_over() {
  if (touched_.empty()) return;
  std::vector<Told> batch;
  batch.reserve(touched_.size());
  const double time_ms = clock_ms();
  for (const std::shared_ptr<Track>& track : touched_) {
    Told next{.listener = track->told_.listener, .choice = track->told_.choice};
    track->told_.time_ms = time_ms;
    batch.push_back(std::exchange(track->told_, std::move(next)));
    track->in_batch_ = false;
  }
  touched_.clear();
  push(std::move(batch), true);
}

void Delivery::tell(Told told) {
  told.time_ms = clock_ms();
  std::vector<Told> batch;
  batch.push_back(std::move(told));
  push(std::move(batch), false);
}

void Delivery::push(std::vector<Told> batch, bool wait) {
  std::unique_lock lock(mutex_);
  if (wait) changed_.wait(lock, [this] { return std::ssize(batches_) < options_.batches_max; });
  batches_.push_back(std::move(batch));
  changed_.notify_all();
}

void Delivery::write_down(LedgerUpdate update, std::function<void(const Status&)> then) {
  const std::lock_guard lock(mutex_);
  updates_.push_back({std::move(update), std::move(then)});
  changed_.notify_all();
}

void Delivery::wait_until_told() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return batches_.empty() && updates_.empty() && !telling_; });
}

void Delivery::run() {
  for (;;) {
    std::vector<Told> batch;
    std::vector<Update> updates;
    {
      std::unique_lock lock(mutex_);
      telling_ = false;
      changed_.notify_all();
      changed_.wait(lock, [this] { return !batches_.empty() || !updates_.empty() || stopping_; });
      if (batches_.empty() && updates_.empty()) break;
      if (!batches_.empty()) {
        batch = std::move(batches_.front());
        batches_.pop_front();
      }
      updates.swap(updates_);
      telling_ = true;
      changed_.notify_all();
    }
    tell_all(batch, updates);
  }
  // What could not be written so far has one more chance.
  if (options_.write_down) (void)options_.write_down({}).ok();
}

void Delivery::tell_all(std::vector<Told>& batch, std::vector<Update>& updates) {
  std::vector<LedgerUpdate> usage;
  for (const Told& told : batch) told.listener->note(told, usage);
  for (const Update& one : updates) usage.push_back(one.update);
  const Status written = options_.write_down ? options_.write_down(std::move(usage)) : ok();
  for (Told& told : batch) {
    // What is not written down is not told.
    if (!written.ok())
      told = {.listener = told.listener,
              .choice = told.choice,
              .ending = Ending{.status = written},
              .time_ms = told.time_ms};
    told.listener->heard(told);
  }
  for (const Told& told : batch) told.listener->flush();
  for (const Update& one : updates) one.then(written);
}

}  // namespace troika::serve
