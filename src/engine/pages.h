// The pages that hold keys and values: which are free. A page number is the same in every layer.
#pragma once

#include <cstdint>
#include <vector>

#include "core/ids.h"
#include "core/result.h"

namespace troika {

/// Hands out page numbers 0 ... count - 1. Thread: engine.
class Pages {
 public:
  explicit Pages(int64_t count);

  int64_t free() const { return static_cast<int64_t>(free_.size()); }
  int64_t count() const { return count_; }

  /// Takes pages until `held` covers `tokens` tokens.
  /// Errors: exhausted — too few free pages; nothing was taken.
  Status cover(std::vector<PageId>& held, int64_t tokens);

  /// Gives all of `held` back and empties it.
  void release(std::vector<PageId>& held);

 private:
  int64_t count_;
  std::vector<PageId> free_;  // the last is taken first
};

}  // namespace troika
