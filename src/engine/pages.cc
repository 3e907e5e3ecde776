#include "engine/pages.h"

#include "graph/state.h"

namespace troika {

Pages::Pages(int64_t count) : count_(count) {
  free_.reserve(static_cast<size_t>(count));
  for (int64_t i = count - 1; i >= 0; i--) free_.push_back(static_cast<PageId>(i));
}

Status Pages::cover(std::vector<PageId>& held, int64_t tokens) {
  const int64_t wanted = (tokens + kPageTokens - 1) / kPageTokens;
  const int64_t missing = wanted - std::ssize(held);
  if (missing > free())
    return fail(ErrorCode::exhausted, "{} pages of {} tokens are free, {} more wanted", free(),
                kPageTokens, missing);
  for (int64_t i = 0; i < missing; i++) {
    held.push_back(free_.back());
    free_.pop_back();
  }
  return ok();
}

void Pages::release(std::vector<PageId>& held) {
  while (!held.empty()) {
    free_.push_back(held.back());
    held.pop_back();
  }
}

}  // namespace troika
