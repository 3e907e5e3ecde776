#include "engine/choices.h"

#include <algorithm>

namespace troika {

Status validate(const ChoiceOptions& options) {
  if (options.choices < 1 || options.choices > kChoicesMax)
    return fail(ErrorCode::invalid_argument, "choices is {}, want 1 to {}", options.choices,
                kChoicesMax);
  if (options.best_of < options.choices || options.best_of > kChoicesMax)
    return fail(ErrorCode::invalid_argument, "best_of is {}, want {} to {}", options.best_of,
                options.choices, kChoicesMax);
  return ok();
}

Choices::Choices(Engine& engine, Request request, const ChoiceOptions& options, Listen listen)
    : engine_(engine),
      request_(std::move(request)),
      options_(options),
      listen_(std::move(listen)),
      logprob_sums_(static_cast<size_t>(options.best_of)) {}

Result<std::unique_ptr<Choices>> Choices::begin(Engine& engine, Request request,
                                                const ChoiceOptions& options, Listen listen) {
  TROIKA_RETURN_IF_ERROR(validate(options));
  std::unique_ptr<Choices> choices(
      new Choices(engine, std::move(request), options, std::move(listen)));
  TROIKA_RETURN_IF_ERROR(choices->submit_next());
  return choices;
}

Choices::~Choices() {
  for (const Running& running : running_) engine_.release(running.id);
}

Status Choices::submit_next() {
  const int32_t number = submitted_;
  Request request = request_;
  request.choice = number;
  if (listen_) listen_(request, number);
  if (options_.best_of > options_.choices)
    request.on_logprob = [sum = &logprob_sums_[static_cast<size_t>(number)],
                          also = std::move(request.on_logprob)](const ChosenLogprob& chosen) {
      *sum += chosen.token.logprob;
      if (also) also(chosen);
    };
  TROIKA_TRY(const SeqId id, engine_.submit(std::move(request)));
  running_.push_back({id, number});
  submitted_++;
  return ok();
}

/// Whether the others would find the prompt in the cache: somebody has answered or ended.
bool Choices::prompt_read() const {
  return !ended_.empty() || std::ranges::any_of(running_, [this](const Running& running) {
    return engine_.sequence(running.id).answering();
  });
}

void Choices::collect(const Running& running) {
  const Sequence& s = engine_.sequence(running.id);
  ended_.push_back({.number = running.number,
                    .tokens = {s.tokens.begin() + s.prompt_tokens, s.tokens.end()},
                    .finish = s.finish,
                    .stop_string = s.stop_string,
                    .cached_tokens = s.cached_tokens,
                    .logprob_sum = logprob_sums_[static_cast<size_t>(running.number)],
                    .drafts = s.drafts});
  engine_.release(running.id);
}

Status Choices::advance() {
  std::erase_if(running_, [this](const Running& running) {
    const bool over = engine_.sequence(running.id).finish != FinishReason::none;
    if (over) collect(running);
    return over;
  });
  while (submitted_ < options_.best_of && prompt_read()) {
    const Status submitted = submit_next();
    if (submitted.ok()) continue;
    // All places are taken; some are given back, and the next call tries again.
    if (submitted.error().code() == ErrorCode::exhausted) break;
    return submitted;
  }
  return ok();
}

void Choices::cancel() {
  for (const Running& running : running_) engine_.cancel(running.id);
  for (; submitted_ < options_.best_of; submitted_++)
    ended_.push_back({.number = submitted_, .finish = FinishReason::cancelled});
}

std::vector<const Choice*> Choices::best() const {
  std::vector<const Choice*> order;
  for (const Choice& choice : ended_) order.push_back(&choice);
  std::ranges::sort(order, {}, [](const Choice* choice) { return choice->number; });
  if (options_.best_of == options_.choices) return order;
  std::ranges::stable_sort(order, std::ranges::greater{},
                           [](const Choice* choice) { return choice->mean_logprob(); });
  order.resize(static_cast<size_t>(options_.choices));
  return order;
}

}  // namespace troika
