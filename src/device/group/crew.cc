#include "device/group/crew.h"

#include <exception>

#include "core/wait.h"

namespace troika::group {

Result<std::unique_ptr<Crew>> Crew::create(int64_t members) {
  std::unique_ptr<Crew> crew(new Crew);
  try {
    for (int64_t member = 1; member < members; member++)
      crew->threads_.emplace_back([raw = crew.get(), member] { raw->serve(member); });
  } catch (const std::exception& e) {
    return fail(ErrorCode::exhausted, "the thread of member {} could not be started: {}",
                crew->threads_.size() + 1, e.what());
  }
  return crew;
}

Crew::~Crew() {
  quits_ = true;
  runs_.fetch_add(1, std::memory_order_release);
  runs_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void Crew::run(const std::function<void(int64_t)>& work) {
  work_ = &work;
  working_.store(static_cast<uint32_t>(threads_.size()), std::memory_order_relaxed);
  runs_.fetch_add(1, std::memory_order_release);
  runs_.notify_all();
  work(0);
  wait_until(working_, [](uint32_t working) { return working == 0; });
}

void Crew::serve(int64_t member) {
  for (uint32_t seen = 0;; seen++) {
    wait_until(runs_, [&](uint32_t runs) { return runs != seen; });
    if (quits_) return;
    (*work_)(member);
    if (working_.fetch_sub(1, std::memory_order_acq_rel) == 1) working_.notify_all();
  }
}

}  // namespace troika::group
