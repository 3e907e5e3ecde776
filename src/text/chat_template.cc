#include "text/chat_template.h"

#include <array>
#include <chrono>

#include "gguf/metadata.h"
#include "text/jinja/limits.h"
#include "text/json_depth.h"

namespace troika {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kKey = "tokenizer.chat_template";
constexpr std::string_view kToolUseKey = "tokenizer.chat_template.tool_use";

// <|im_start|>role\ncontent<|im_end|>\n, as published with Qwen's models.
constexpr std::string_view kChatml =
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

constexpr std::string_view kOpenThinking = "<think>";
constexpr std::string_view kCloseThinking = "</think>";

std::tm local_now() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm local{};
  localtime_r(&now, &local);
  return local;
}

std::string written(const std::tm& time, const char* format) {
  std::array<char, 64> buffer;
  return std::string(buffer.data(), std::strftime(buffer.data(), buffer.size(), format, &time));
}

bool has_tools(const Json& tools) {
  return tools.is_array() && !tools.empty();
}

Status check_tools(const Json& tools) {
  if (!tools.is_null() && !tools.is_array())
    return fail(ErrorCode::invalid_argument, "tools is {}, wanted a list", tools.type_name());
  if (json_deeper_than(tools, jinja::kVariablesDepthMax))
    return fail(ErrorCode::exhausted, "tools nested deeper than {} levels",
                jinja::kVariablesDepthMax);
  return ok();
}

std::string token_text(const Tokenizer& tokenizer, std::optional<TokenId> id) {
  return id ? std::string(tokenizer.token_text(*id)) : std::string();
}

Result<std::optional<std::string>> read_key(const gguf::Metadata& metadata, std::string_view key) {
  if (!metadata.has(key)) return std::optional<std::string>();
  TROIKA_TRY(const std::string_view text, metadata.string(key));
  return std::optional(std::string(text));
}

/// `text` without white space at its end.
std::string_view trimmed_end(std::string_view text) {
  const size_t last = text.find_last_not_of(" \t\r\n");
  return text.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

/// What a message that is to go on says: its reasoning within tags, as far as the prompt before it
/// has not opened them, and its content.
std::string partial_answer(std::string_view prompt, const Json& message, bool thinks) {
  const auto text_of = [&](const char* key) {
    const auto found = message.find(key);
    return found != message.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  const std::string reasoning = text_of("reasoning_content");
  const std::string content = text_of("content");
  const bool open = trimmed_end(prompt).ends_with(kOpenThinking);
  if (reasoning.empty() && !open) return content;
  std::string answer;
  if (!open && thinks) answer += std::string(kOpenThinking) + "\n";
  answer += reasoning;
  if (!content.empty()) answer += fmt::format("\n{}\n\n{}", kCloseThinking, content);
  return answer;
}

}  // namespace

Result<ChatTemplate> ChatTemplate::load(const gguf::Metadata& metadata, const Tokenizer& tokenizer,
                                        std::optional<std::string> given) {
  ChatTemplateSource source{.main = std::move(given),
                            .bos = token_text(tokenizer, tokenizer.bos()),
                            .eos = token_text(tokenizer, tokenizer.eos()),
                            .adds_bos = tokenizer.adds_bos(),
                            .adds_eos = tokenizer.adds_eos()};
  if (!source.main) {
    TROIKA_TRY(source.main, read_key(metadata, kKey));
    TROIKA_TRY(source.tool_use, read_key(metadata, kToolUseKey));
  }
  return make(std::move(source));
}

Result<ChatTemplate> ChatTemplate::make(ChatTemplateSource source) {
  ChatTemplate made;
  made.bos_ = std::move(source.bos);
  made.eos_ = std::move(source.eos);
  made.adds_bos_ = source.adds_bos;
  made.adds_eos_ = source.adds_eos;
  made.builtin_ = !source.main || *source.main == kChatmlName;
  if (!source.main)
    made.warnings_.push_back(
        fmt::format("the file has no chat template ({}): messages are put into ChatML", kKey));
  TROIKA_TRY(made.main_, made.make_variant(made.builtin_ ? std::string(kChatml) : *source.main,
                                           "the chat template"));
  if (source.tool_use) {
    TROIKA_TRY(made.tool_use_,
               made.make_variant(*std::move(source.tool_use), "the chat template for tools"));
  }
  return made;
}

Result<ChatTemplate::Variant> ChatTemplate::make_variant(std::string source,
                                                         std::string_view name) const {
  Result<jinja::Template> parsed = jinja::Template::parse(source);
  if (!parsed.ok()) return fail(parsed.error().code(), "{}: {}", name, parsed.error().message());
  Variant variant{std::move(source), *std::move(parsed), {}};
  variant.capabilities =
      probe_chat_template(variant.source, [&](const Json& messages, const Json& tools) {
        return render_prepared(variant, messages, tools, {});
      });
  return variant;
}

Result<std::string> ChatTemplate::render_prepared(const Variant& variant, const Json& messages,
                                                  const Json& tools,
                                                  const ChatRenderOptions& options) const {
  const std::tm now = options.now ? *options.now : local_now();
  Json variables = {{"messages", messages},
                    {"bos_token", bos_},
                    {"eos_token", eos_},
                    {"enable_thinking", options.enable_thinking},
                    {"date_string", written(now, "%d %b %Y")},
                    {"datetime", written(now, "%b %d %Y")}};
  if (has_tools(tools)) variables["tools"] = tools;
  if (options.add_generation_prompt) variables["add_generation_prompt"] = true;
  if (options.variables.is_object())
    for (const auto& [name, value] : options.variables.items()) variables[name] = value;
  TROIKA_TRY(std::string prompt, variant.parsed.render(variables, {}, now));
  // The tokenizer would add them a second time.
  if (adds_bos_ && !bos_.empty() && prompt.starts_with(bos_)) prompt.erase(0, bos_.size());
  if (adds_eos_ && !eos_.empty() && prompt.ends_with(eos_))
    prompt.erase(prompt.size() - eos_.size());
  return prompt;
}

Result<std::string> ChatTemplate::render(const Json& messages, const Json& tools,
                                         const ChatRenderOptions& options) const {
  TROIKA_RETURN_IF_ERROR(check_tools(tools));
  if (json_deeper_than(options.variables, jinja::kVariablesDepthMax))
    return fail(ErrorCode::exhausted, "chat_template_kwargs nested deeper than {} levels",
                jinja::kVariablesDepthMax);
  const Variant& chosen = variant(has_tools(tools));
  TROIKA_TRY(Json adapted, adapt_chat_messages(messages, chosen.capabilities));
  if (!options.continue_final_message) return render_prepared(chosen, adapted, tools, options);
  if (adapted.empty() || adapted.back()["role"] != "assistant")
    return fail(ErrorCode::invalid_argument,
                "the last message is not the assistant's: there is none to continue");
  const Json last = messages.back();
  adapted.erase(adapted.end() - 1);
  ChatRenderOptions before = options;
  before.add_generation_prompt = true;
  TROIKA_TRY(std::string prompt, render_prepared(chosen, adapted, tools, before));
  const bool thinks = chosen.source.find(kOpenThinking) != std::string::npos;
  return prompt + partial_answer(prompt, last, thinks);
}

Result<std::string> ChatTemplate::generation_prompt(const Json& messages, const Json& tools,
                                                    const ChatRenderOptions& options) const {
  ChatRenderOptions without = options;
  without.continue_final_message = false;
  without.add_generation_prompt = false;
  ChatRenderOptions with = without;
  with.add_generation_prompt = true;
  TROIKA_TRY(const std::string longer, render(messages, tools, with));
  TROIKA_TRY(const std::string shorter, render(messages, tools, without));
  return longer.starts_with(shorter) ? longer.substr(shorter.size()) : std::string();
}

Result<std::string> ChatTemplate::next_turn(const std::string& text,
                                            const ChatRenderOptions& options) const {
  constexpr std::string_view kAnswer = "an answer to be found again";
  const Json messages = Json::array({Json{{"role", "user"}, {"content", "a question"}},
                                     Json{{"role", "assistant"}, {"content", kAnswer}},
                                     Json{{"role", "user"}, {"content", text}}});
  TROIKA_TRY(const std::string prompt, render(messages, nullptr, options));
  const size_t at = prompt.find(kAnswer);
  if (at == std::string::npos)
    return fail(ErrorCode::unsupported, "the chat template does not show answers");
  return prompt.substr(at + kAnswer.size());
}

}  // namespace troika
