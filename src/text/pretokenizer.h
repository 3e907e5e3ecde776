// How text is cut into words before byte-level BPE: lists of patterns, one list per family of
// vocabularies. A list works in order: its first step cuts the text into matches and the gaps
// between them, the next step cuts each of those pieces again, and so on; nothing is dropped. A
// piece is all that a step sees: look-aheads stop at its end.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "text/pretokenizer_table.h"

namespace troika::text {

/// One compiled list. Immutable: split() is safe from many threads at once.
class Pretokenizer {
 public:
  using Sink = std::function<void(std::string_view)>;

  /// Compiles the list of `row`. Errors: internal — a pattern does not compile with this PCRE2.
  static Result<Pretokenizer> make(const PretokenizerRow& row);

  Pretokenizer(Pretokenizer&& other) noexcept;
  Pretokenizer& operator=(Pretokenizer&& other) noexcept;
  ~Pretokenizer();

  /// Calls `sink` with each word of `text` in order: views into `text` that together are all of it,
  /// none empty. `text` must come from repair_utf8().
  void split(std::string_view text, const Sink& sink) const;

 private:
  class Step;
  Pretokenizer();
  void split_from(size_t step, std::string_view piece, const Sink& sink) const;

  std::vector<std::unique_ptr<const Step>> steps_;
};

}  // namespace troika::text
