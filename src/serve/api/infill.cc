// POST /infill: what stands between two texts, as llama-server has it.
#include <utility>

#include "serve/api/answer.h"
#include "serve/api/handlers.h"
#include "serve/api/prompts.h"
#include "serve/api/request_body.h"

namespace troika::serve {
namespace {

/// Answers with {content, stop ...}, or with such events.
class InfillAnswer final : public Answer {
 public:
  InfillAnswer(const Call& call, AnswerOptions options)
      : Answer(call.exchange, call.model, std::move(options)) {}

 private:
  void progress(Told& told) override {
    if (told.ending) finish_ = told.ending->finish;
    if (!options().stream)
      text_ += told.text;
    else if (!told.text.empty())
      send({{"content", told.text}, {"stop", false}});
  }

  void complete() override {
    const Json json = {{"content", text_},
                       {"stop", true},
                       {"stop_type", finish_ == FinishReason::length        ? "limit"
                                     : finish_ == FinishReason::stop_string ? "word"
                                                                            : "eos"},
                       {"model", options().model},
                       {"tokens_predicted", tally().answer_tokens()},
                       {"tokens_evaluated", tally().prompt_tokens()},
                       {"tokens_cached", tally().cached_tokens()},
                       {"timings", tally().timings()}};
    if (!options().stream) return respond(json);
    send(json);
  }

  std::string text_;
  FinishReason finish_ = FinishReason::none;
};

/// The token of a role, by the texts that models give it.
std::optional<TokenId> marker(const Tokenizer& tokenizer,
                              std::initializer_list<std::string_view> texts) {
  for (const std::string_view text : texts)
    if (const auto id = tokenizer.find(text)) return id;
  return std::nullopt;
}

/// The prompt with its markers in order; empty: the model has none.
std::vector<TokenId> infill_prompt(const Tokenizer& tokenizer, const std::string& prefix,
                                   const std::string& suffix, const std::string& prompt) {
  const auto before = marker(tokenizer, {"<|fim_prefix|>", "<fim_prefix>", "<PRE>", "▁<PRE>"});
  const auto after = marker(tokenizer, {"<|fim_suffix|>", "<fim_suffix>", "<SUF>", "▁<SUF>"});
  const auto middle = marker(tokenizer, {"<|fim_middle|>", "<fim_middle>", "<MID>", "▁<MID>"});
  if (!before || !after || !middle) return {};
  std::vector<TokenId> tokens = {*before};
  const auto append = [&](const std::string& text) {
    const std::vector<TokenId> ids = tokenizer.encode(text, {.add_special = false});
    tokens.insert(tokens.end(), ids.begin(), ids.end());
  };
  append(prefix);
  tokens.push_back(*after);
  append(suffix);
  tokens.push_back(*middle);
  append(prompt);
  return tokens;
}

}  // namespace

void handle_infill(const Call& call) {
  RequestBody body(call);
  Fields& fields = body.fields();
  auto [spec, options] = read_answer(fields, call);
  spec.choices = 1;
  const std::string prefix = fields.wanted_string("input_prefix");
  const std::string suffix = fields.wanted_string("input_suffix");
  std::string prompt;
  fields.read("prompt", prompt);
  for (const std::string_view text : {prefix, suffix, prompt})
    check_bytes(fields, "input_prefix", call.model, text);
  if (!fields.refused()) {
    spec.prompts = {infill_prompt(call.model.tokenizer(), prefix, suffix, prompt)};
    if (spec.prompts.front().empty())
      fields.refusal() = Refusal{.status = 501,
                                 .message = "the model has no tokens for prefix, suffix and middle",
                                 .code = "not_supported"};
  }
  check_context(fields, "input_prefix", call.model, spec.prompts);
  if (body.refused()) return;
  Answer::start(std::make_shared<InfillAnswer>(call, std::move(options)), call, std::move(spec));
}

}  // namespace troika::serve
