#include "engine/pages.h"

#include "core/check.h"
#include "graph/state.h"

namespace troika {

Pages::Pages(int64_t count) : pages_(static_cast<size_t>(count)) {
  free_.reserve(static_cast<size_t>(count));
  for (int64_t i = count - 1; i >= 0; i--) free_.push_back(static_cast<PageId>(i));
}

int64_t Pages::missing(const std::vector<PageId>& held, int64_t tokens) {
  return (tokens + kPageTokens - 1) / kPageTokens - std::ssize(held);
}

Status Pages::cover(std::vector<PageId>& held, int64_t tokens, ScopeId scope,
                    std::vector<PageId>& foreign) {
  const int64_t wanted = missing(held, tokens);
  if (wanted > free())
    return fail(ErrorCode::exhausted, "{} pages of {} tokens are free, {} more wanted", free(),
                kPageTokens, wanted);
  for (int64_t i = 0; i < wanted; i++) {
    const PageId id = free_.back();
    free_.pop_back();
    Page& page = at(id);
    if (page.scope != scope && page.scope != kNobody) foreign.push_back(id);
    page = {.scope = scope, .holders = 1};
    held.push_back(id);
  }
  return ok();
}

Status Pages::cover(std::vector<PageId>& held, int64_t tokens) {
  ignored_.clear();
  return cover(held, tokens, ScopeId{0}, ignored_);
}

template <typename Change>
void Pages::change(PageId id, Change change) {
  Page& page = at(id);
  TROIKA_CHECK(page.holders > 0);
  only_cached_ -= page.only_cached() ? 1 : 0;
  change(page);
  only_cached_ += page.only_cached() ? 1 : 0;
  if (page.holders == 0) free_.push_back(id);
}

void Pages::share(PageId id) {
  change(id, [](Page& page) { page.holders++; });
}

void Pages::drop(PageId id) {
  change(id, [](Page& page) { page.holders--; });
}

void Pages::set_cached(PageId id, bool cached) {
  change(id, [cached](Page& page) { page.cached = cached; });
}

void Pages::release(std::vector<PageId>& held) {
  while (!held.empty()) {
    drop(held.back());
    held.pop_back();
  }
}

}  // namespace troika
