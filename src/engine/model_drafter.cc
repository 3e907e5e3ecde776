#include "engine/model_drafter.h"

#include <algorithm>

namespace troika {
namespace {

ForwardOptions forward_options(const ModelDrafterOptions& options) {
  // The first launch of a draft reads what is left of each text, the next ones a draft more each.
  const int64_t unread = std::max(ModelDrafter::kLagMax + 1, options.draft_tokens_max);
  const int64_t pages = (options.context + kPageTokens - 1) / kPageTokens;
  return {.pages = options.sequences_max * pages,
          .sequences_max = options.sequences_max,
          .step_tokens_max = std::max(options.chunk_tokens, options.sequences_max * unread),
          .step_outputs_max = options.sequences_max,
          .draft_tokens_max = options.draft_tokens_max,
          .kv_dtype = options.kv_dtype};
}

}  // namespace

MemoryNeed ModelDrafter::memory_need(const ModelDrafterOptions& options) {
  const ForwardOptions f = forward_options(options);
  const HiddenUnits hidden(f.step_tokens_max, f.sequences_max, f.draft_tokens_max);
  return {.pages = f.pages,
          .sequences = f.sequences_max,
          .hidden_rows = hidden.count(0),
          .options = {.kv_dtype = f.kv_dtype, .log_tokens = f.draft_tokens_max}};
}

ModelDrafter::ModelDrafter(const ModelDrafterOptions& options, std::unique_ptr<Forward> forward)
    : options_(options), forward_(std::move(forward)), pages_(forward_->options().pages) {
  readers_.resize(static_cast<size_t>(options.sequences_max));
  for (Reader& reader : readers_) reader.drafts.reserve(static_cast<size_t>(kDraftTokensMax));
}

Result<std::unique_ptr<ModelDrafter>> ModelDrafter::make(const LoadedModel& model,
                                                         const ModelDrafterOptions& options) {
  if (model.model.info.vocab < options.tokens)
    return fail(ErrorCode::invalid_argument,
                "the draft model has {} tokens and the model {}, wanted the same vocabulary",
                model.model.info.vocab, options.tokens);
  TROIKA_TRY(auto forward, Forward::make(model, forward_options(options)));
  return std::unique_ptr<ModelDrafter>(new ModelDrafter(options, std::move(forward)));
}

/// Takes in which drafts became text. The last token of a text is never certain here: its row is
/// the one that the next draft comes from.
void ModelDrafter::judge(Reader& reader, const Sequence& sequence) const {
  const int64_t end = std::ssize(sequence.tokens) - 1;
  const auto accepted = [&](int64_t i) {
    return i < std::ssize(reader.drafts) && reader.computed + i < end &&
           sequence.tokens[static_cast<size_t>(reader.computed + i)] ==
               reader.drafts[static_cast<size_t>(i)];
  };
  if (reader.drafts.empty()) return;
  int64_t count = 0;
  while (accepted(count)) count++;
  reader.computed += count;
  reader.replay = forward_->info().recurrent ? static_cast<int32_t>(count) : 0;
  reader.drafts.clear();
}

ModelDrafter::Reader& ModelDrafter::reader_of(const Sequence& sequence) {
  Reader& reader = readers_[static_cast<size_t>(sequence.slot)];
  if (reader.id != sequence.id) {
    pages_.release(reader.pages);
    reader.id = sequence.id;
    reader.computed = 0;
    reader.replay = 0;
    reader.drafts.clear();
  }
  judge(reader, sequence);
  if (reader.computed < std::ssize(sequence.tokens)) return reader;
  // Drafts were made and nothing came of them: the last token is wanted again.
  reader.computed = forward_->info().recurrent ? 0 : std::ssize(sequence.tokens) - 1;
  reader.replay = 0;
  return reader;
}

DraftOffer ModelDrafter::offer(const Sequence& sequence, const SpeculationOptions&) {
  const int64_t unread = std::ssize(sequence.tokens) - reader_of(sequence).computed;
  const bool ready = unread <= kLagMax + 1;
  return {.source = DraftSource::model,
          .depth_max = ready ? options_.draft_tokens_max : 0,
          .catch_up = unread - 1};
}

/// Reads on to `end` of the text.
Status ModelDrafter::add_text(Reader& reader, const Sequence& sequence, int64_t end, bool output) {
  TROIKA_RETURN_IF_ERROR(pages_.cover(reader.pages, end));
  StepInputs& inputs = forward_->inputs();
  inputs.begin_sequence({.pages = reader.pages,
                         .position = reader.computed,
                         .state_slot = sequence.slot,
                         .replay = reader.replay,
                         .certain = static_cast<int32_t>(end - reader.computed),
                         .fresh = reader.computed == 0});
  for (int64_t p = reader.computed; p < end; p++)
    inputs.add_row(
        {.token = sequence.tokens[static_cast<size_t>(p)], .output = output && p + 1 == end});
  reader.computed = end;
  reader.replay = 0;
  return ok();
}

Status ModelDrafter::follow(std::span<const FollowedRows> rows) {
  forward_->inputs().clear();
  int64_t budget = options_.chunk_tokens;
  for (const FollowedRows& followed : rows) {
    const Sequence& sequence = *followed.sequence;
    if (!allows(followed.type, DraftClass::model) || sequence.finish != FinishReason::none)
      continue;
    Reader& reader = reader_of(sequence);
    const int64_t unread = sequence.computed - reader.computed;
    if (followed.kept && unread <= kLagMax) continue;
    const int64_t count = std::min(unread, budget);
    if (count <= 0) continue;
    TROIKA_RETURN_IF_ERROR(add_text(reader, sequence, reader.computed + count, false));
    budget -= count;
  }
  return forward_->inputs().tokens() > 0 ? forward_->run_trunk() : ok();
}

Status ModelDrafter::add_first_launch() {
  forward_->inputs().clear();
  for (int64_t i = 0; i < chains_.size(); i++) {
    const Sequence& sequence = *chains_.request(i).sequence;
    TROIKA_RETURN_IF_ERROR(
        add_text(reader_of(sequence), sequence, std::ssize(sequence.tokens), true));
  }
  return ok();
}

/// The launch that makes draft number `depth`. Attention has stored the drafts before; a recurrent
/// model takes all of them again, from the state that the text has left.
void ModelDrafter::add_next_launch(int64_t depth) {
  const bool recurrent = forward_->info().recurrent;
  StepInputs& inputs = forward_->inputs();
  inputs.clear();
  for (int64_t i = 0; i < chains_.active_at(depth); i++) {
    const Sequence& sequence = *chains_.request(i).sequence;
    const int64_t first = recurrent ? 0 : depth - 1;
    inputs.begin_sequence({.pages = readers_[static_cast<size_t>(sequence.slot)].pages,
                           .position = std::ssize(sequence.tokens) + first,
                           .state_slot = sequence.slot});
    for (int64_t d = first; d < depth; d++)
      inputs.add_row(
          {.token = recurrent ? chains_.token(i, d) : TokenId{}, .output = d + 1 == depth});
  }
}

Status ModelDrafter::propose(std::span<DraftRequest> requests) {
  const int64_t vocab = forward_->info().vocab;
  const bool recurrent = forward_->info().recurrent;
  chains_.begin(requests, options_.tokens == vocab);
  if (chains_.empty()) return ok();
  const auto only_tokens = [this](std::span<const float> logits) {
    return logits.first(static_cast<size_t>(options_.tokens));
  };
  for (int64_t depth = 0; depth < chains_.depth(); depth++) {
    if (depth == 0) {
      TROIKA_RETURN_IF_ERROR(add_first_launch());
    } else {
      for (int64_t i = 0; i < chains_.active_at(depth); i++) {
        const Sequence& sequence = *chains_.request(i).sequence;
        TROIKA_RETURN_IF_ERROR(pages_.cover(readers_[static_cast<size_t>(sequence.slot)].pages,
                                            std::ssize(sequence.tokens) + depth));
      }
      add_next_launch(depth);
    }
    const bool chained = depth > 0 && !recurrent;
    TROIKA_RETURN_IF_ERROR(chained ? forward_->run_trunk_chained() : forward_->run_trunk());
    TROIKA_RETURN_IF_ERROR(chains_.take(*forward_, depth, vocab, recurrent, only_tokens));
  }
  TROIKA_RETURN_IF_ERROR(chains_.end(*forward_));
  for (int64_t i = 0; i < chains_.size(); i++) {
    const DraftRequest& request = chains_.request(i);  // its last draft was not read
    readers_[static_cast<size_t>(request.sequence->slot)].drafts.assign(request.tokens.begin(),
                                                                        request.tokens.end() - 1);
  }
  return ok();
}

void ModelDrafter::forget(const Sequence& sequence) {
  Reader& reader = readers_[static_cast<size_t>(sequence.slot)];
  if (reader.id != sequence.id) return;
  pages_.release(reader.pages);
  reader.id = SeqId{-1};
  reader.drafts.clear();
}

}  // namespace troika
