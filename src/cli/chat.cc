// troika chat: a conversation, line by line. Each turn reads its new tokens only: the engine goes
// on where the last answer ended, as far as the chat template writes the conversation as it was.

#include <unistd.h>

#include <iostream>
#include <string>

#include "cli/answer_flags.h"
#include "cli/chat_flags.h"
#include "cli/command.h"
#include "cli/engine_flags.h"
#include "cli/generation.h"
#include "cli/sampling_flags.h"
#include "cli/session_flags.h"
#include "cli/streams.h"
#include "core/progress.h"
#include "runtime/model_session.h"

namespace troika::cli {
namespace {

struct ChatOptions {
  ChatOptions() { session.cache.on = true; }  // a turn goes on where the one before it ended
  SessionOptions session;
  SamplingFlags sampling;
  AnswerFlags answer;
  ChatFlags chat;
};

/// The conversation so far: its messages, and what the model read and wrote of them. The tokens are
/// kept beside the text: encoding that again might give other tokens than those which the model
/// chose, and nothing of what was computed would fit. Where the template writes earlier turns in
/// another way (many drop the reasoning), the conversation is encoded anew.
class Conversation {
 public:
  Conversation(ModelSession& session, const ChatTemplate& chat, const SamplingOptions& sampling,
               const ChatOptions& options)
      : session_(session),
        chat_(chat),
        rendering_(render_options(options.chat)),
        sampling_(sampling),
        flags_(options.answer) {}

  void clear() {
    messages_ = Json::array();
    tokens_.clear();
    text_.clear();
  }

  /// Streams the answer to `line`. A failed turn leaves the conversation as it was.
  Result<Generation> answer(const std::string& line, Progress& progress) {
    Json messages = messages_;
    messages.push_back({{"role", "user"}, {"content", line}});
    TROIKA_TRY(std::string text, chat_.render(messages, nullptr, rendering_));
    std::vector<TokenId> prompt = encode(text);
    TROIKA_RETURN_IF_ERROR(session_.check_prompt_fits(std::ssize(prompt)));
    TROIKA_TRY(Generation generation, generate(session_.engine(), session_.tokenizer(),
                                               {.prompt = prompt,
                                                .tokens_max = flags_.tokens_max,
                                                .tokens_min = flags_.tokens_min,
                                                .sampling = sampling_,
                                                .stop = flags_.stop,
                                                .speculation = session_.speculation()},
                                               {.on_text = write_stdout, .progress = &progress}));
    const std::vector<TokenId> answer = answer_tokens(generation);
    const std::string answered = session_.tokenizer().decode(answer, {.show_special = true});
    messages.push_back({{"role", "assistant"}, {"content", answered}});
    messages_ = std::move(messages);
    text_ = text + answered;
    tokens_ = std::move(prompt);
    tokens_.insert(tokens_.end(), answer.begin(), answer.end());
    return generation;
  }

 private:
  using Json = nlohmann::ordered_json;

  /// The tokens of the whole conversation, whose beginning is known if it is as it was.
  std::vector<TokenId> encode(const std::string& text) const {
    const bool goes_on = !tokens_.empty() && text.starts_with(text_);
    const std::string_view rest = goes_on ? std::string_view(text).substr(text_.size()) : text;
    const std::vector<TokenId> ids =
        session_.tokenizer().encode(rest, {.add_special = !goes_on, .parse_special = true});
    std::vector<TokenId> tokens = goes_on ? tokens_ : std::vector<TokenId>();
    tokens.insert(tokens.end(), ids.begin(), ids.end());
    return tokens;
  }

  /// The answer without the end of its turn, which the template writes.
  std::vector<TokenId> answer_tokens(const Generation& generation) const {
    if (generation.finish == FinishReason::stop_string)
      return session_.tokenizer().encode(generation.text,
                                         {.add_special = false, .parse_special = true});
    std::vector<TokenId> answer = generation.tokens;
    if (!answer.empty() && session_.tokenizer().is_end_of_generation(answer.back()))
      answer.pop_back();
    return answer;
  }

  ModelSession& session_;
  const ChatTemplate& chat_;
  ChatRenderOptions rendering_;
  SamplingOptions sampling_;
  const AnswerFlags& flags_;
  Json messages_ = Json::array();
  std::vector<TokenId> tokens_;  // those of text_
  std::string text_;             // what the model read and wrote
};

std::string turn_text(const Generation& g) {
  const int64_t measured = std::max<int64_t>(std::ssize(g.tokens) - 1, 0);
  return fmt::format(
      "[{} tokens after {} of which {} were read before, {:.1f} ms to the first, {:.1f} tokens/s, "
      "{} of {} drafts accepted]\n",
      g.tokens.size(), g.prompt_tokens, g.cached_tokens, g.prompt_ms,
      per_second(measured, g.generate_ms), g.drafts.accepted, g.drafts.proposed);
}

/// Answers lines until they end. At a terminal a turn that fails or is interrupted ends that turn
/// only; in a pipe, nobody is there to see it, and it ends the program.
Status converse(Conversation& conversation, Progress& progress) {
  const bool at_terminal = isatty(STDIN_FILENO) != 0;
  std::string line;
  while (true) {
    if (at_terminal) TROIKA_RETURN_IF_ERROR(write_stdout("> "));
    if (!std::getline(std::cin, line)) break;
    if (line == "/exit") return ok();
    if (line == "/clear") conversation.clear();
    if (line.empty() || line == "/clear") continue;
    const Result<Generation> generation = conversation.answer(line, progress);
    if (!generation.ok()) {
      if (!at_terminal) return generation.error();
      print_error(generation.error().message());
      continue;
    }
    TROIKA_RETURN_IF_ERROR(write_stdout("\n"));
    if (at_terminal) write_stderr(turn_text(*generation));
    if (generation->finish == FinishReason::cancelled && !at_terminal)
      return fail(ErrorCode::cancelled, "interrupted after {} tokens", generation->tokens.size());
  }
  return at_terminal ? write_stdout("\n") : ok();
}

Status chat(const ChatOptions& options) {
  TROIKA_TRY(const SamplingOptions sampling, resolve(options.sampling));
  TROIKA_TRY(const std::unique_ptr<ModelSession> session, ModelSession::open(options.session));
  TROIKA_TRY(const ChatTemplate chat,
             load_chat_template(options.chat, session->file().metadata(), session->tokenizer()));
  Progress progress = Progress::on(stderr);
  TROIKA_RETURN_IF_ERROR(session->load(progress));
  for (const auto* notes : {&session->tokenizer().warnings(), &chat.warnings()})
    for (const std::string& note : *notes) write_stderr("note: " + note + "\n");
  if (isatty(STDIN_FILENO) != 0)
    write_stderr(
        "/clear forgets the conversation, /exit or Ctrl-D leaves, Ctrl-C stops an answer\n");
  Conversation conversation(*session, chat, sampling, options);
  return converse(conversation, progress);
}

class ChatCommand final : public Command {
 public:
  std::string_view name() const override { return "chat"; }
  std::string_view summary() const override { return "Talk with a model, turn by turn"; }
  std::string_view examples() const override {
    return "  troika chat model.gguf\n"
           "  troika chat model.gguf --temp 0.6 --top-p 0.9 -n 400\n"
           "  troika chat model.gguf --reasoning off --chat-template-file mine.jinja\n"
           "  printf 'Hello\\nTell me more\\n' | troika chat model.gguf\n"
           "/clear forgets the conversation, /exit or Ctrl-D leaves, Ctrl-C stops an answer.\n";
  }
  void declare(CLI::App& app) override {
    add_answer_flags(app, options_.answer);
    add_chat_flags(app, options_.chat);
    add_session_flags(app, options_.session);
    add_cache_flags(app, options_.session.cache);
    add_disk_cache_flags(app, options_.session.cache);
    add_sampling_flags(app, options_.sampling);
  }
  Status check() const override {
    TROIKA_RETURN_IF_ERROR(check_answer(options_.answer));
    TROIKA_RETURN_IF_ERROR(check_chat(options_.chat));
    const Result<SamplingOptions> sampling = resolve(options_.sampling);
    return sampling.ok() ? ok() : Status(sampling.error());
  }
  SessionOptions* session() override { return &options_.session; }
  Status run() override { return chat(options_); }

 private:
  ChatOptions options_;
};

}  // namespace

std::unique_ptr<Command> make_chat_command() {
  return std::make_unique<ChatCommand>();
}

}  // namespace troika::cli
