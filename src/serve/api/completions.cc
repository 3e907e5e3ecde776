// POST /v1/completions: texts that go on.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "serve/api/answer.h"
#include "serve/api/handlers.h"
#include "serve/api/prompts.h"
#include "serve/api/request_body.h"
#include "text/grammar/token_grammar.h"

namespace troika::serve {
namespace {

constexpr int64_t kPromptsMax = 64;

/// Those that begin in `text`: a token may hold the rest of one.
int64_t characters_of(std::string_view text) {
  return std::ranges::count_if(text, [](char c) { return (c & 0xc0) != 0x80; });
}

class CompletionAnswer final : public Answer {
 public:
  CompletionAnswer(const Call& call, AnswerOptions options, std::vector<std::string> echoes,
                   int64_t choices)
      : Answer(call.exchange, call.model, std::move(options)),
        id_(new_answer_id("cmpl-")),
        echoes_(std::move(echoes)),
        choices_(static_cast<size_t>(choices)) {}

 private:
  struct Choice {
    std::string text;
    Json logprobs;
    int64_t offset = 0;  // of the next token, in characters of the text
    bool begun = false;
    FinishReason finish = FinishReason::none;
  };

  void progress(Told& told) override {
    const auto number = static_cast<size_t>(told.choice);
    Choice& choice = choices_[number];
    std::string text = std::move(told.text);
    if (!std::exchange(choice.begun, true) && !echoes_.empty()) {
      const std::string& echo = echoes_[number / static_cast<size_t>(spec().choices)];
      text = echo + text;
      choice.offset = characters_of(echo);
    }
    if (told.ending) choice.finish = told.ending->finish;
    if (options().stream) {
      Json logprobs;
      add_logprobs(told, choice, logprobs);
      if (!text.empty() || !logprobs.is_null() || told.ending)
        send(chunk(number, text, std::move(logprobs)));
      return;
    }
    choice.text += text;
    add_logprobs(told, choice, choice.logprobs);
  }

  void add_logprobs(const Told& told, Choice& choice, Json& logprobs) {
    if (told.logprobs.empty()) return;
    if (logprobs.is_null())
      logprobs = {{"tokens", Json::array()},
                  {"token_logprobs", Json::array()},
                  {"top_logprobs", Json::array()},
                  {"text_offset", Json::array()}};
    for (const ToldLogprob& told_one : told.logprobs) {
      const Json token = logprob_json(model().tokenizer(), told_one.token);
      logprobs["tokens"].push_back(token["token"]);
      logprobs["token_logprobs"].push_back(token["logprob"]);
      Json top = Json::object();
      for (const TokenLogprob& other : told_one.top) {
        const Json json = logprob_json(model().tokenizer(), other);
        top[json["token"].get<std::string>()] = json["logprob"];
      }
      logprobs["top_logprobs"].push_back(std::move(top));
      logprobs["text_offset"].push_back(choice.offset);
      choice.offset += characters_of(token["token"].get_ref<const std::string&>());
    }
  }

  Json head() const {
    return {{"id", id_},
            {"object", "text_completion"},
            {"created", created_s()},
            {"model", options().model},
            {"system_fingerprint", "troika"}};
  }

  Json choice_json(size_t number, const std::string& text, Json logprobs) const {
    const FinishReason finish = choices_[number].finish;
    return {{"text", text},
            {"index", number},
            {"logprobs", std::move(logprobs)},
            {"finish_reason", finish == FinishReason::none ? Json() : Json(finish_name(finish))}};
  }

  Json chunk(size_t number, const std::string& text, Json logprobs) const {
    Json json = head();
    json["choices"] = Json::array({choice_json(number, text, std::move(logprobs))});
    if (options().include_usage) json["usage"] = nullptr;  // there, but for the last chunk's
    return json;
  }

  void complete() override {
    Json last = head();
    last["choices"] = Json::array();
    if (!options().stream)
      for (size_t i = 0; i < choices_.size(); i++)
        last["choices"].push_back(
            choice_json(i, choices_[i].text, std::move(choices_[i].logprobs)));
    last["usage"] = tally().usage();
    last["timings"] = tally().timings();
    if (!options().stream) return respond(last);
    if (options().include_usage || options().timings) send(last);
    send_text("data: [DONE]\n\n");
  }

  const std::string id_;
  const std::vector<std::string> echoes_;  // the prompts, where they are to be told too
  std::vector<Choice> choices_;
};

void refuse_what_is_not_done(Fields& fields, const GenerationSpec& spec) {
  int64_t best_of = spec.choices;
  fields.read("best_of", best_of, 1, kChoicesAskedMax);
  if (best_of != spec.choices)
    fields.refuse("best_of",
                  fmt::format("best_of is {} and n {}, wanted them equal", best_of, spec.choices));
  std::string suffix;
  fields.read("suffix", suffix);
  if (!suffix.empty()) fields.refuse("suffix", "suffix is not known here, wanted POST /infill");
}

/// grammar (GBNF) or json_schema, as llama-server has them.
void read_grammar(Fields& fields, const ServedModel& model, GenerationSpec& spec) {
  std::string gbnf;
  fields.read("grammar", gbnf);
  const Json* schema = fields.object("json_schema");
  if (fields.refused() || (gbnf.empty() && schema == nullptr)) return;
  const std::string text = gbnf.empty() ? to_text(*schema) : gbnf;
  const auto compile = [&] {
    return gbnf.empty() ? compile_json_schema(text, model.grammar_vocabulary())
                        : compile_gbnf(gbnf, model.grammar_vocabulary());
  };
  const std::string name = (gbnf.empty() ? "schema " : "gbnf ") + text;
  auto grammar = model.grammars().get(spec.request.tenant, name, compile);
  if (!grammar.ok())
    return fields.refuse(gbnf.empty() ? "json_schema" : "grammar", grammar.error().message());
  spec.request.grammar = std::move(*grammar);
}

void read_logprobs(Fields& fields, GenerationSpec& spec) {
  if (!fields.has("logprobs")) return;
  fields.read("logprobs", spec.request.top_logprobs, 0, 20);
  spec.logprobs = true;
}

}  // namespace

void handle_completions(const Call& call) {
  RequestBody body(call);
  Fields& fields = body.fields();
  auto [spec, options] = read_answer(fields, call);
  read_logprobs(fields, spec);
  refuse_what_is_not_done(fields, spec);
  spec.prompts = read_prompts(fields, "prompt", call.model, kPromptsMax);
  check_context(fields, "prompt", call.model, spec.prompts);
  read_grammar(fields, call.model, spec);
  bool echo = false;
  fields.read("echo", echo);
  if (spec.continuations() > kContinuationsMax)
    fields.refuse("n", fmt::format("{} prompts with n {} are {} texts, wanted at most {}",
                                   spec.prompts.size(), spec.choices, spec.continuations(),
                                   kContinuationsMax));
  if (body.refused()) return;
  std::vector<std::string> echoes;
  if (echo)
    for (const auto& prompt : spec.prompts)
      echoes.push_back(call.model.tokenizer().decode(prompt, {.show_special = false}));
  const auto answer = std::make_shared<CompletionAnswer>(call, std::move(options),
                                                         std::move(echoes), spec.continuations());
  Answer::start(answer, call, std::move(spec));
}

}  // namespace troika::serve
