// Compiled grammars, kept for requests that ask for the same again: agents send their tools and
// schemas with every turn, and which tokens may follow where is found once for each grammar
// (text/grammar/token_grammar.h). What a tenant asked for is kept for that tenant alone, so that
// the time of an answer tells nobody what others ask for.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>

#include "core/ids.h"
#include "core/result.h"
#include "text/grammar/token_grammar.h"

namespace troika::serve {

struct GrammarCacheLimits {
  int64_t grammars = 64;                    // in all
  int64_t bytes = int64_t{256} << 20;       // of texts, and of what grammars remember
  int64_t text_bytes = int64_t{256} << 10;  // a longer text is compiled each time
};

/// Thread: any.
class GrammarCache {
 public:
  using Grammar = std::shared_ptr<const TokenGrammar>;

  explicit GrammarCache(const GrammarCacheLimits& limits = {}) : limits_(limits) {}

  /// The grammar that `text` stands for: kept since this tenant asked for it, else made by `make`,
  /// which may say that it is none (null). Beyond the limits, the tenant with the most grammars
  /// loses the one that it used longest ago. Errors: those of `make`, which are not kept.
  Result<Grammar> get(TenantId tenant, std::string text,
                      const std::function<Result<Grammar>()>& make);

  /// Grammars that are kept now.
  int64_t count() const;

 private:
  struct Kept {
    TenantId tenant;
    std::string text;
    Grammar grammar;
  };

  const Grammar* find(TenantId tenant, const std::string& text);
  bool exceeded() const;
  void drop_one();

  const GrammarCacheLimits limits_;
  mutable std::mutex mutex_;  // guards the next
  std::list<Kept> kept_;      // who was used last stands first
};

}  // namespace troika::serve
