#include "engine/evaluate.h"

#include <algorithm>

#include "engine/forward.h"
#include "engine/pages.h"

namespace troika {
namespace {

/// One text on the way through the model, chunk by chunk.
class Evaluation {
 public:
  Evaluation(Forward& forward, std::span<const TokenId> tokens)
      : forward_(forward), tokens_(tokens) {}

  std::vector<PageId>& pages() { return pages_; }

  Status trunk(int64_t begin, int64_t end) {
    chunk_number_++;
    begin_step(begin, end);
    for (int64_t p = begin; p < end; p++)
      forward_.inputs().add_row({.token = tokens_[static_cast<size_t>(p)],
                                 .hidden_out = hidden_of(p, begin, end),
                                 .output = true});
    return forward_.run_trunk();
  }

  Status draft(int64_t begin, int64_t end) {
    begin_step(begin, end);
    units_.clear();
    for (int64_t p = begin; p < end; p++) {
      const int32_t hidden = p == 0       ? -1
                             : p == begin ? forward_.hidden().kept(0, chunk_number_ - 1)
                                          : hidden_of(p - 1, begin, end);
      forward_.inputs().add_row(
          {.token = tokens_[static_cast<size_t>(p)], .hidden_in = hidden, .output = true});
      units_.push_back(forward_.hidden().scratch(p - begin));
    }
    forward_.inputs().set_output_hidden(units_);
    return forward_.run_draft();
  }

  Status emit(int64_t begin, int64_t end, const RowSink& sink) {
    TROIKA_TRY(const std::span<const float> logits, forward_.read_logits(end - begin));
    const auto vocab = static_cast<size_t>(forward_.info().vocab);
    for (int64_t p = begin; p < end; p++)
      TROIKA_RETURN_IF_ERROR(
          sink(p, logits.subspan(static_cast<size_t>(p - begin) * vocab, vocab)));
    return ok();
  }

 private:
  void begin_step(int64_t begin, int64_t end) {
    forward_.inputs().clear();
    forward_.inputs().begin_sequence({.pages = pages_,
                                      .position = begin,
                                      .certain = static_cast<int32_t>(end - begin),
                                      .fresh = begin == 0});
  }
  /// The last row of a chunk is read by the next one: chunks take turns at the kept units.
  int32_t hidden_of(int64_t p, int64_t begin, int64_t end) const {
    return p + 1 == end ? forward_.hidden().kept(0, chunk_number_)
                        : forward_.hidden().scratch(p - begin);
  }

  Forward& forward_;
  std::span<const TokenId> tokens_;
  std::vector<PageId> pages_;
  std::vector<int32_t> units_;
  int64_t chunk_number_ = -1;
};

Status validate(const LoadedModel& model, std::span<const TokenId> tokens,
                const EvaluateOptions& options, bool draft_rows) {
  constexpr int64_t kChunkMax = 1 << 16;
  const ModelInfo& info = model.model.info;
  if (tokens.empty()) return fail(ErrorCode::invalid_argument, "no tokens, wanted at least one");
  if (options.chunk_tokens < 1 || options.chunk_tokens > kChunkMax)
    return fail(ErrorCode::invalid_argument, "a chunk of {} tokens, wanted 1 to {}",
                options.chunk_tokens, kChunkMax);
  for (const TokenId id : tokens)
    if (static_cast<int64_t>(id) < 0 || static_cast<int64_t>(id) >= info.vocab)
      return fail(ErrorCode::invalid_argument, "token id {}, wanted 0 to {}",
                  static_cast<int32_t>(id), info.vocab - 1);
  if (draft_rows && !info.draft_head)
    return fail(ErrorCode::invalid_argument,
                "the model has no draft head whose rows could be computed");
  return ok();
}

}  // namespace

Status evaluate(const LoadedModel& model, std::span<const TokenId> tokens,
                const EvaluateOptions& options, const RowSink& rows, const RowSink& draft_rows) {
  TROIKA_RETURN_IF_ERROR(validate(model, tokens, options, static_cast<bool>(draft_rows)));
  const int64_t count = std::ssize(tokens);
  const int64_t chunk = std::min(options.chunk_tokens, count);
  Pages pages((count + kPageTokens - 1) / kPageTokens);
  TROIKA_TRY(const auto forward, Forward::make(model, {.pages = pages.count(),
                                                       .sequences_max = 1,
                                                       .step_tokens_max = chunk,
                                                       .step_outputs_max = chunk,
                                                       .draft_tokens_max = 0,
                                                       .kv_dtype = options.kv_dtype}));
  Evaluation evaluation(*forward, tokens);
  TROIKA_RETURN_IF_ERROR(pages.cover(evaluation.pages(), count));
  for (int64_t begin = 0; begin < count; begin += chunk) {
    const int64_t end = std::min(count, begin + chunk);
    TROIKA_RETURN_IF_ERROR(evaluation.trunk(begin, end));
    TROIKA_RETURN_IF_ERROR(evaluation.emit(begin, end, rows));
    if (!draft_rows) continue;
    TROIKA_RETURN_IF_ERROR(evaluation.draft(begin, end));
    TROIKA_RETURN_IF_ERROR(evaluation.emit(begin, end, draft_rows));
  }
  return ok();
}

}  // namespace troika
