// mtp: the same answers with drafts and without, in turns.
#pragma once

#include <string>
#include <vector>

#include "cli/bench_report.h"

namespace troika::cli {

/// Prompts as token ids, and what the engine must know of the tokenizer.
struct DraftPrompts {
  struct Class {
    std::string name;
    std::vector<std::vector<TokenId>> prompts;
  };
  std::vector<Class> classes;
  int64_t vocab = 0;
  std::vector<TokenId> end_tokens;
  int64_t longest = 0;  // tokens of a prompt
};

/// Reads and encodes the file that options.prompts names, for the model that options.model names;
/// imports nothing. Errors: those of both files; invalid_argument — the model has no draft head,
/// and not only n-grams shall draft.
Result<DraftPrompts> read_draft_prompts(const BenchOptions& options);

/// Answers each prompt greedily with drafts and without and prints the gain of each class and of
/// all. `model` has its draft head. Errors: internal — drafts changed a bit of the logits.
Status measure_drafts(Bench& bench, const LoadedModel& model, const DraftPrompts& prompts);

}  // namespace troika::cli
