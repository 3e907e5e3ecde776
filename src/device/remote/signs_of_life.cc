#include "device/remote/signs_of_life.h"

#include "device/remote/messages.h"

namespace troika::remote {

SignsOfLife::SignsOfLife(Channel& leader, std::chrono::milliseconds every)
    : leader_(leader), every_(every), thread_([this] { run(); }) {}

SignsOfLife::~SignsOfLife() {
  {
    const std::lock_guard lock(mutex_);
    quits_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void SignsOfLife::begin_work() {
  // Nobody is woken: the thread looks anyway when it is time for the next sign.
  const std::lock_guard lock(mutex_);
  working_ = true;
}

void SignsOfLife::end_work() {
  const std::lock_guard lock(mutex_);
  working_ = false;
}

void SignsOfLife::run() {
  const std::vector<std::byte> sign = encoded(Answer{.kind = AnswerKind::alive, .text = {}});
  std::unique_lock lock(mutex_);
  while (!quits_) {
    changed_.wait_for(lock, every_, [this] { return quits_; });
    // Under the lock: no sign may follow the answer, which nobody waits behind.
    if (!quits_ && working_) (void)leader_.send(sign);
  }
}

}  // namespace troika::remote
