#include "engine/embedder.h"

#include <algorithm>
#include <cmath>

namespace troika {
namespace {

constexpr int64_t kContextMax = int64_t{1} << 24;
constexpr int64_t kChunkMax = 1 << 16;

int64_t pages_of(int64_t tokens) {
  return (tokens + kPageTokens - 1) / kPageTokens;
}

}  // namespace

void normalise(std::span<float> vector) {
  double squares = 0;
  for (const double x : vector) squares += x * x;
  if (squares == 0) return;
  const double length = std::sqrt(squares);
  for (float& x : vector) x = static_cast<float>(x / length);
}

Embedder::Embedder(std::unique_ptr<Forward> forward, const EmbedderOptions& options)
    : forward_(std::move(forward)), options_(options), pages_(forward_->options().pages) {
  const auto width = static_cast<size_t>(forward_->info().hidden);
  rows_.resize(static_cast<size_t>(options.chunk_tokens) * width);
  sum_.resize(width);
  vector_.resize(width);
}

Result<std::unique_ptr<Embedder>> Embedder::make(const LoadedModel& model,
                                                 const EmbedderOptions& options) {
  if (!model.model.info.hidden_rows)
    return fail(ErrorCode::unsupported, "the model was loaded without its hidden rows");
  if (options.context < 1 || options.context > kContextMax)
    return fail(ErrorCode::invalid_argument, "the context is {}, wanted 1 to {}", options.context,
                kContextMax);
  if (options.chunk_tokens < 1 || options.chunk_tokens > kChunkMax)
    return fail(ErrorCode::invalid_argument, "a chunk of {} tokens, wanted 1 to {}",
                options.chunk_tokens, kChunkMax);
  EmbedderOptions fitting = options;
  fitting.chunk_tokens = std::min(options.chunk_tokens, options.context);
  TROIKA_TRY(auto forward, Forward::make(model, {.pages = pages_of(options.context),
                                                 .sequences_max = 1,
                                                 .step_tokens_max = fitting.chunk_tokens,
                                                 .step_outputs_max = 1,
                                                 .draft_tokens_max = 0,
                                                 .kv_dtype = options.kv_dtype}));
  std::unique_ptr<Embedder> embedder(new Embedder(std::move(forward), fitting));
  TROIKA_RETURN_IF_ERROR(embedder->pages_.cover(embedder->held_, options.context));
  return embedder;
}

Status Embedder::validate(std::span<const TokenId> tokens) const {
  if (tokens.empty())
    return fail(ErrorCode::invalid_argument, "the text has no tokens, wanted at least one");
  if (std::ssize(tokens) > options_.context)
    return fail(ErrorCode::invalid_argument, "the text has {} tokens, wanted at most {}",
                tokens.size(), options_.context);
  const int64_t vocab = forward_->info().vocab;
  for (const TokenId id : tokens)
    if (static_cast<int64_t>(id) < 0 || static_cast<int64_t>(id) >= vocab)
      return fail(ErrorCode::invalid_argument, "token id {}, wanted 0 to {}",
                  static_cast<int32_t>(id), vocab - 1);
  return ok();
}

/// Leaves the hidden rows of the chunk in rows_.
Status Embedder::run_chunk(std::span<const TokenId> tokens, int64_t begin, int64_t rows) {
  StepInputs& inputs = forward_->inputs();
  inputs.clear();
  inputs.begin_sequence(
      {.pages = std::span(held_).first(static_cast<size_t>(pages_of(begin + rows))),
       .position = begin,
       .certain = static_cast<int32_t>(rows),
       .fresh = begin == 0});
  for (int64_t i = 0; i < rows; i++)
    inputs.add_row({.token = tokens[static_cast<size_t>(begin + i)],
                    .hidden_out = forward_->hidden().scratch(i)});
  TROIKA_RETURN_IF_ERROR(forward_->run_trunk());
  return forward_->read_hidden(forward_->hidden().scratch(0), rows,
                               std::span(rows_).first(static_cast<size_t>(rows) * sum_.size()));
}

Result<std::span<float>> Embedder::embed(std::span<const TokenId> tokens, Pooling pooling) {
  TROIKA_RETURN_IF_ERROR(validate(tokens));
  const int64_t count = std::ssize(tokens);
  const size_t width = sum_.size();
  std::ranges::fill(sum_, 0.0);
  for (int64_t begin = 0; begin < count; begin += options_.chunk_tokens) {
    const int64_t rows = std::min(options_.chunk_tokens, count - begin);
    TROIKA_RETURN_IF_ERROR(run_chunk(tokens, begin, rows));
    for (size_t row = 0; row < static_cast<size_t>(rows); row++)
      for (size_t i = 0; i < width; i++)
        if (pooling == Pooling::mean)
          sum_[i] += rows_[row * width + i];
        else
          sum_[i] = rows_[row * width + i];
  }
  const double parts = pooling == Pooling::mean ? static_cast<double>(count) : 1;
  for (size_t i = 0; i < width; i++) vector_[i] = static_cast<float>(sum_[i] / parts);
  return std::span<float>(vector_);
}

}  // namespace troika
