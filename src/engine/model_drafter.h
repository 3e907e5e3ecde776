// Drafts with a second, smaller model of the same vocabulary. It reads the same texts with forward
// passes, keys, values and states of its own; whatever it says is verified, so it only has to be
// often right.
//
// For each state slot it knows how much of the text it has read for certain, and which drafts it
// has read beyond that. Drafts that were refused are forgotten by length where the model has only
// attention. A recurrent model keeps its state before the drafts and logs them; those that were
// accepted are replayed by its next launch.
#pragma once

#include <memory>
#include <vector>

#include "engine/draft_chains.h"
#include "engine/drafter.h"
#include "engine/forward.h"
#include "engine/memory_plan.h"
#include "engine/pages.h"

namespace troika {

struct ModelDrafterOptions {
  int64_t context = 0;  // tokens that a sequence may hold
  int64_t sequences_max = 1;
  int64_t chunk_tokens = 512;    // rows of texts that are read in one go
  int64_t draft_tokens_max = 8;  // of a sequence, in one step
  DType kv_dtype = DType::f16;
  int64_t tokens = 0;  // of the vocabulary
};

class ModelDrafter final : public Drafter {
 public:
  /// Plans memory and compiles. `model` is borrowed; its draft head, if any, is not used.
  /// Errors: invalid_argument — the model has fewer tokens; exhausted — the memory does not
  /// suffice.
  static Result<std::unique_ptr<ModelDrafter>> make(const LoadedModel& model,
                                                    const ModelDrafterOptions& options);

  /// What one with such options will hold.
  static MemoryNeed memory_need(const ModelDrafterOptions& options);

  DraftClass draft_class() const override { return DraftClass::model; }
  /// Nothing for a sequence whose text is still to be read.
  DraftOffer offer(const Sequence& sequence, const SpeculationOptions& options) override;
  Status propose(std::span<DraftRequest> requests) override;
  /// Reads prompts as the trunk reads them, and answers once they are kLagMax tokens behind: at
  /// most chunk_tokens rows a step.
  Status follow(std::span<const FollowedRows> rows) override;
  void forget(const Sequence& sequence) override;

  int64_t device_bytes() const override { return forward_->device_bytes(); }

  /// Tokens of an answer that may stay unread until drafts are wanted.
  static constexpr int64_t kLagMax = 24;

 private:
  /// What was read of the sequence in a slot.
  struct Reader {
    SeqId id{-1};
    std::vector<PageId> pages;
    int64_t computed = 0;         // tokens that are in keys, values and states, the log included
    int32_t replay = 0;           // of them, those that are only in the log
    std::vector<TokenId> drafts;  // read behind them, to be judged
  };

  ModelDrafter(const ModelDrafterOptions& options, std::unique_ptr<Forward> forward);
  Reader& reader_of(const Sequence& sequence);
  void judge(Reader& reader, const Sequence& sequence) const;
  Status add_text(Reader& reader, const Sequence& sequence, int64_t end, bool output);
  Status add_first_launch();
  void add_next_launch(int64_t depth);

  ModelDrafterOptions options_;
  std::unique_ptr<Forward> forward_;
  Pages pages_;
  std::vector<Reader> readers_;  // by slot
  DraftChains chains_;
};

}  // namespace troika
