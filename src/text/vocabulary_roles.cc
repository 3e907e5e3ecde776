// Roles that files forget to name: which tokens end a turn, fill in the middle, or stop generation,
// known by their text. A wrong set of end tokens is the usual cause of endless output, so the lists
// are generous.
#include <algorithm>
#include <array>
#include <initializer_list>
#include <utility>

#include "text/vocabulary.h"

namespace troika::text {
namespace {

// Where a file names no token for a role, the first of these that exists takes it.
struct RoleTexts {
  int32_t Roles::*role;
  std::array<std::string_view, 11> texts;  // empty ones at the end are not looked for
};
constexpr RoleTexts kRoleTexts[] = {
    {&Roles::eot,
     {"<|eot_id|>", "<|im_end|>", "<|end|>", "<end_of_turn>", "<|endoftext|>", "<|end_of_text|>",
      "<EOT>", "_<EOT>", "[EOT]", "<｜end▁of▁sentence｜>", "<end_of_utterance>"}},
    {&Roles::eom, {"<|eom_id|>"}},
    {&Roles::fim_prefix,
     {"<|fim_prefix|>", "<fim-prefix>", "<fim_prefix>", "<｜fim▁begin｜>", "<PRE>", "▁<PRE>",
      "<|code_prefix|>", "<|prefix|>"}},
    {&Roles::fim_suffix,
     {"<|fim_suffix|>", "<fim-suffix>", "<fim_suffix>", "<｜fim▁hole｜>", "<SUF>", "▁<SUF>",
      "<|code_suffix|>", "<|suffix|>"}},
    {&Roles::fim_middle,
     {"<|fim_middle|>", "<fim-middle>", "<fim_middle>", "<｜fim▁end｜>", "<MID>", "▁<MID>",
      "<|code_middle|>", "<|middle|>"}},
    {&Roles::fim_padding, {"<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "[PAD]"}},
    {&Roles::fim_repository,
     {"<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>"}},
    {&Roles::fim_separator, {"<|file_sep|>"}},
};

// Tokens that end generation whatever the file says of them.
constexpr std::string_view kEndTexts[] = {"<|eot_id|>",
                                          "<|im_end|>",
                                          "<|end|>",
                                          "<|return|>",
                                          "<|call|>",
                                          "<|flush|>",
                                          "<|calls|>",
                                          "</s>",
                                          "<|endoftext|>",
                                          "<end_of_turn>",
                                          "<|eom_id|>",
                                          "<EOT>",
                                          "_<EOT>",
                                          "[EOT]",
                                          "[EOS]",
                                          "<|end_of_text|>",
                                          "<eos>",
                                          "<turn|>",
                                          "<end_of_utterance>",
                                          "<|tool_response>",
                                          "<｜end▁of▁sentence｜>",
                                          "[e~["};

// Markers of channels, which a reader of the output must see.
constexpr std::string_view kShownTexts[] = {"<|channel|>", "<|message|>", "<|start|>",
                                            "<|constrain|>"};

}  // namespace

void Vocabulary::assign_roles(const SpecialIds& ids, std::vector<std::string>& warnings) {
  const auto named = [&](std::string_view what, std::optional<int64_t> id) -> int32_t {
    if (!id) return -1;
    if (*id >= 0 && *id < size()) return static_cast<int32_t>(*id);
    warnings.push_back(fmt::format(
        "tokenizer: the {} token {} is outside the vocabulary of {}, ignored", what, *id, size()));
    return -1;
  };
  roles_ = {.bos = named("beginning-of-text", ids.bos),
            .eos = named("end-of-text", ids.eos),
            .eot = named("end-of-turn", ids.eot),
            .eom = named("end-of-message", ids.eom),
            .unknown = named("unknown", ids.unknown),
            .padding = named("padding", ids.padding),
            .fim_prefix = named("fill-in prefix", ids.fim_prefix),
            .fim_suffix = named("fill-in suffix", ids.fim_suffix),
            .fim_middle = named("fill-in middle", ids.fim_middle),
            .fim_padding = named("fill-in padding", ids.fim_padding),
            .fim_repository = named("fill-in repository", ids.fim_repository),
            .fim_separator = named("fill-in separator", ids.fim_separator)};
  for (const RoleTexts& row : kRoleTexts)
    assign_role_by_text(roles_.*row.role, row.texts.data(), row.texts.size());
  for (size_t id = 0; id < types_.size(); ++id)
    if (types_[id] == TokenType::control && texts_[id].find("unused") != std::string_view::npos)
      types_[id] = TokenType::unused;
  for (const std::string_view text : kShownTexts)
    if (const int32_t id = find(text); id >= 0) types_[id] = TokenType::user_defined;
}

void Vocabulary::assign_role_by_text(int32_t& role, const std::string_view* texts, size_t count) {
  for (size_t i = 0; i < count && role < 0 && !texts[i].empty(); ++i) {
    role = find(texts[i]);
    if (role >= 0) types_[role] = TokenType::control;
  }
}

void Vocabulary::find_end_of_generation() {
  ends_generation_.assign(types_.size(), false);
  for (const int32_t id : {roles_.eos, roles_.eot, roles_.eom, roles_.fim_padding,
                           roles_.fim_repository, roles_.fim_separator})
    if (id >= 0) ends_generation_[id] = true;
  for (const std::string_view text : kEndTexts)
    if (const int32_t id = find(text); id >= 0) {
      ends_generation_[id] = true;
      types_[id] = TokenType::control;
    }
  // A vocabulary whose turns end otherwise uses <|end|> between channels, and </s> as ordinary
  // text.
  const auto both = [&](std::string_view a, std::string_view b) {
    return find(a) >= 0 && find(b) >= 0;
  };
  const auto keep = [&](std::string_view text, TokenType type) {
    const int32_t id = find(text);
    if (id < 0) return;
    ends_generation_[id] = false;
    types_[id] = type;
  };
  if (both("<|return|>", "<|call|>") || both("<|calls|>", "<|flush|>"))
    keep("<|end|>", TokenType::user_defined);
  if (find("<|tool_response>") >= 0) keep("</s>", TokenType::normal);

  end_of_generation_ids_.clear();
  for (int32_t id = 0; id < size(); ++id)
    if (ends_generation_[id]) end_of_generation_ids_.push_back(TokenId{id});
}

}  // namespace troika::text
