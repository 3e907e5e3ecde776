#include "serve/api/answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace troika::serve {
namespace {

int64_t now_s() {
  using namespace std::chrono;
  return duration_cast<seconds>(system_clock::now().time_since_epoch()).count();
}

constexpr double kLogprobMin = -1e4;  // what JSON has instead of -infinity

}  // namespace

std::string_view finish_name(FinishReason reason) {
  if (reason == FinishReason::cancelled) return "cancelled";
  return reason == FinishReason::length ? "length" : "stop";
}

Json logprob_json(const Tokenizer& tokenizer, const TokenLogprob& token) {
  const std::string piece = tokenizer.piece(token.id, true);
  Json bytes = Json::array();
  for (const char c : piece) bytes.push_back(static_cast<unsigned char>(c));
  return {{"token", piece},
          {"logprob", std::max(token.logprob, kLogprobMin)},
          {"bytes", std::move(bytes)}};
}

Answer::Answer(std::shared_ptr<http::Exchange> exchange, const ServedModel& model,
               AnswerOptions options)
    : exchange_(std::move(exchange)),
      model_(model),
      options_(std::move(options)),
      created_s_(now_s()) {
  tally_.start_ms = clock_ms();
}

void Answer::start(const std::shared_ptr<Answer>& answer, const Call& call, GenerationSpec spec) {
  Answer& a = *answer;
  RequestFacts facts = call.facts();
  facts.take_prompts(spec.prompts);
  a.tally_.prompts_tokens = facts.prompt_tokens;
  facts.choices = spec.choices;
  facts.continuations = spec.continuations();
  auto opened = call.accounts.open(call.caller, facts, spec.request);
  if (const auto* refused = std::get_if<Refusal>(&opened))
    return a.exchange_->respond(a.refusal(*refused));
  a.account_ = std::get<std::shared_ptr<Account>>(std::move(opened));
  for (const http::Header& header : a.account_->headers()) a.exchange_->add_header(header);
  a.continuations_ = spec.continuations();
  a.spec_ = {.choices = spec.choices, .request = spec.request, .logprobs = spec.logprobs};
  auto started = Generation::start(call.model, call.delivery, std::move(spec), answer);
  if (!started.ok()) {
    call.delivery.write_down(a.account_->close(Outcome::failed), [](const Status&) {});
    return a.exchange_->respond(a.refusal(refusal_of(started.error())));
  }
  {
    const std::lock_guard lock(a.mutex_);
    a.generation_ = *started;
    if (a.cancelled_) (*started)->cancel();  // it failed before this was said
  }
  a.exchange_->on_gone([keep = *started] { keep->cancel(); });
}

void Answer::note(const Told& told, std::vector<LedgerUpdate>& updates) {
  account_->note({.answer_tokens = std::ssize(told.tokens),
                  .ending = told.ending ? &*told.ending : nullptr,
                  .pays_for_prompt = told.choice % spec_.choices == 0},
                 updates);
}

http::Response Answer::refusal(const Refusal& refusal) const {
  return openai_error(refusal);
}

void Answer::send_failure(const Refusal& refusal) {
  send_text("data: " + openai_error_text(refusal) + "\n\n");
}

void Answer::send(const Json& event) {
  pending_ += "data: ";
  pending_ += to_text(event);
  pending_ += "\n\n";
}

void Answer::send_named(std::string_view name, const Json& event) {
  pending_ += fmt::format("event: {}\n", name);
  send(event);
}

void Answer::respond(const Json& object) {
  exchange_->respond({.body = to_text(object)});
}

void Answer::fail_with(const Refusal& refusal_given) {
  done_ = true;
  {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
    if (const auto generation = generation_.lock()) generation->cancel();
  }
  if (!begun_) return exchange_->respond(refusal(refusal_given));
  send_failure(refusal_given);
}

void Answer::heard(Told& told) {
  if (done_) return;
  tally_.add(told, spec_.choices);
  if (told.ending && !told.ending->status.ok()) {
    Refusal refused = refusal_of(told.ending->status.error());
    refused.retry_after_s = std::max(refused.retry_after_s, told.ending->retry_after_s);
    return fail_with(refused);
  }
  if (told.ending && told.ending->finish == FinishReason::expired)
    return fail_with({.status = 504,
                      .message = fmt::format("the answer was not complete after {} s",
                                             spec_.request.timeout_ms / 1e3),
                      .type = "server_error",
                      .code = "timeout"});
  if (told.ending && told.ending->finish == FinishReason::no_token)
    return fail_with({.message = "the grammar wants what no token of this model can write"});
  progress(told);
  if (!told.ending || ++ended_ < continuations_) return;
  done_ = true;
  complete();
}

void Answer::flush() {
  if (options_.stream && !pending_.empty()) {
    if (!std::exchange(begun_, true)) exchange_->begin({});
    exchange_->write(std::exchange(pending_, {}));
  }
  if (done_ && begun_) exchange_->end();
}

}  // namespace troika::serve
