// From a conversation to a prompt, by the template that came with the model (text/jinja), or ChatML
// where none did. Templates differ in what they take: content as text or as parts, arguments of
// calls as objects or as JSON text, a system role or none. What a template takes is found out once,
// by rendering probes; messages come in OpenAI's shape and are put into that form.
#pragma once

#include <ctime>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "text/chat_messages.h"
#include "text/jinja/template.h"
#include "text/tokenizer.h"

namespace troika {

/// What `--chat-template` calls the ChatML that is built in.
inline constexpr std::string_view kChatmlName = "chatml";

/// The templates of a model, and the texts that they ask for.
struct ChatTemplateSource {
  std::optional<std::string> main;      // nothing: ChatML; "chatml" is a name for it
  std::optional<std::string> tool_use;  // instead of `main` where a request has tools
  std::string bos, eos;                 // texts of the tokens; empty: there is none
  bool adds_bos = false;                // the tokenizer puts BOS in front, EOS behind
  bool adds_eos = false;
};

/// How one conversation is rendered.
struct ChatRenderOptions {
  bool add_generation_prompt = true;    // end with the opening of the assistant's turn
  bool continue_final_message = false;  // the last message is the assistant's: leave it open
  bool enable_thinking = true;          // a variable that templates of thinking models read
  nlohmann::ordered_json variables;     // more of them (chat_template_kwargs); an object or null
  std::optional<std::tm> now;           // the local time templates see; nothing: the clock's
};

/// A model's chat template. Immutable; every method is safe from many threads at once.
class ChatTemplate {
 public:
  /// Parses and probes the templates of `source`. Errors: corrupt, unsupported — as
  /// jinja::Template::parse(), the message names the template.
  static Result<ChatTemplate> make(ChatTemplateSource source);

  /// The template `given` (source text, or "chatml"), else those of the file, else ChatML with a
  /// warning. Errors: as make(); corrupt — a key of the file has another type.
  static Result<ChatTemplate> load(const gguf::Metadata& metadata, const Tokenizer& tokenizer,
                                   std::optional<std::string> given = std::nullopt);

  /// The prompt of a conversation. Encode it with add_special and parse_special: what the tokenizer
  /// adds by itself is left out, and markers are control tokens.
  ///
  /// @param messages  an array in OpenAI's shape: {role, content, tool_calls?, …}; unknown keys
  ///   reach the template. `content` is a text, null, or parts of type text.
  /// @param tools  an array of {type: function, function: {name, description, parameters}}; null or
  ///   empty: none.
  /// Errors: invalid_argument — a message of another shape, by its place, or the template refuses
  /// the conversation, and then the message is the template's own; unsupported — the template
  /// failed, by line; exhausted — beyond the limits of a render.
  Result<std::string> render(const nlohmann::ordered_json& messages,
                             const nlohmann::ordered_json& tools = nullptr,
                             const ChatRenderOptions& options = {}) const;

  /// What the generation prompt adds to the end of render(): the output of the model is read as if
  /// it began with it (it may open or close the reasoning). Empty where the two renderings have no
  /// common beginning. Errors: as render().
  Result<std::string> generation_prompt(const nlohmann::ordered_json& messages,
                                        const nlohmann::ordered_json& tools = nullptr,
                                        const ChatRenderOptions& options = {}) const;

  /// What follows the assistant's answer when `text` is the user's next message: the end of the
  /// answer's turn, the user's turn, the opening of the next answer. Errors: as render();
  /// unsupported — the template writes answers in a form in which they cannot be found.
  Result<std::string> next_turn(const std::string& text,
                                const ChatRenderOptions& options = {}) const;

  /// The source of the template that is used with tools, or without.
  const std::string& source(bool with_tools = false) const { return variant(with_tools).source; }

  /// What that template takes.
  const ChatCapabilities& capabilities(bool with_tools = false) const {
    return variant(with_tools).capabilities;
  }

  /// Whether the model brought a template, or one was given: it was made for conversations.
  bool is_builtin() const { return builtin_; }

  /// Lines for the user to see once.
  const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  struct Variant {
    std::string source;
    jinja::Template parsed;
    ChatCapabilities capabilities;
  };

  ChatTemplate() = default;
  Result<Variant> make_variant(std::string source, std::string_view name) const;
  const Variant& variant(bool with_tools) const {
    return with_tools && tool_use_ ? *tool_use_ : *main_;
  }
  Result<std::string> render_prepared(const Variant& variant,
                                      const nlohmann::ordered_json& messages,
                                      const nlohmann::ordered_json& tools,
                                      const ChatRenderOptions& options) const;

  std::optional<Variant> main_, tool_use_;  // main_ is always there
  std::string bos_, eos_;
  bool adds_bos_ = false;
  bool adds_eos_ = false;
  bool builtin_ = false;
  std::vector<std::string> warnings_;
};

}  // namespace troika
