// The pages that hold keys and values: which are free, how many hold each of the others, and who
// may read what lies in them. A page number is the same in every layer.
#pragma once

#include <cstdint>
#include <vector>

#include "core/ids.h"
#include "core/result.h"

namespace troika {

/// Who may read a page: one tenant, or a group of tenants that agreed to share.
enum class ScopeId : int64_t {};

constexpr ScopeId scope_of(TenantId tenant) {
  return static_cast<ScopeId>(static_cast<uint32_t>(tenant));
}
constexpr ScopeId scope_of(GroupId group) {
  return static_cast<ScopeId>((int64_t{1} << 32) | static_cast<uint32_t>(group));
}

/// Hands out page numbers 0 ... count - 1. A page may have several holders: sequences whose texts
/// begin alike, and the prefix cache. Only a page's first holder writes it. Thread: engine.
class Pages {
 public:
  explicit Pages(int64_t count);

  int64_t free() const { return static_cast<int64_t>(free_.size()); }
  int64_t count() const { return static_cast<int64_t>(pages_.size()); }

  /// Pages that `held` lacks to cover `tokens` tokens.
  static int64_t missing(const std::vector<PageId>& held, int64_t tokens);

  /// Takes pages for `scope` until `held` covers `tokens` tokens. Those that held what another
  /// scope wrote are appended to `foreign`: clear them before anything is stored.
  /// Errors: exhausted — too few free pages; nothing was taken.
  Status cover(std::vector<PageId>& held, int64_t tokens, ScopeId scope,
               std::vector<PageId>& foreign);

  /// The same where all pages are of one scope.
  Status cover(std::vector<PageId>& held, int64_t tokens);

  /// How many hold `page`; 0: it is free.
  int64_t holders(PageId page) const { return at(page).holders; }

  /// One more holds `page`, which is not free.
  void share(PageId page);

  /// One less holds `page`; it is free after the last.
  void drop(PageId page);

  /// Says whether the prefix cache is one of the holders, and so might give the page up.
  void set_cached(PageId page, bool cached);
  /// Pages that the prefix cache alone holds.
  int64_t only_cached() const { return only_cached_; }

  /// Drops all of `held` and empties it.
  void release(std::vector<PageId>& held);

 private:
  static constexpr ScopeId kNobody{-1};
  struct Page {
    ScopeId scope = kNobody;  // that wrote it last
    int64_t holders = 0;
    bool cached = false;
    bool only_cached() const { return cached && holders == 1; }
  };
  template <typename Change>
  void change(PageId page, Change change);
  const Page& at(PageId page) const { return pages_[static_cast<size_t>(page)]; }
  Page& at(PageId page) { return pages_[static_cast<size_t>(page)]; }

  std::vector<Page> pages_;
  std::vector<PageId> free_;     // the last is taken first
  std::vector<PageId> ignored_;  // what nobody asked about
  int64_t only_cached_ = 0;
};

}  // namespace troika
