// What turns the text between special tokens into ids.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "core/ids.h"

namespace troika::text {

/// An algorithm with its vocabulary. Immutable: each encode() works through a Pass of its own.
class TextModel {
 public:
  /// The buffers and the word cache of one text. One thread.
  class Pass {
   public:
    virtual ~Pass() = default;

    /// Appends the ids of `text`, a stretch without special tokens.
    virtual void encode(std::string_view text, std::vector<TokenId>& ids) = 0;
  };

  virtual ~TextModel() = default;

  /// Begins a text; the pass borrows the model.
  virtual std::unique_ptr<Pass> begin() const = 0;
};

}  // namespace troika::text
