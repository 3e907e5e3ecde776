#include "engine/waiting_line.h"

#include <algorithm>

namespace troika {

void WaitingLine::erase(PriorityClass priority, RequestId id) {
  auto& line = of(priority);
  const auto found = std::ranges::find(line, id);
  if (found != line.end()) line.erase(found);
}

std::optional<RequestId> WaitingLine::front(PriorityClass priority) const {
  const auto& line = classes_[static_cast<size_t>(priority)];
  if (line.empty()) return std::nullopt;
  return line.front();
}

int64_t WaitingLine::size() const {
  int64_t size = 0;
  for (const auto& line : classes_) size += std::ssize(line);
  return size;
}

}  // namespace troika
