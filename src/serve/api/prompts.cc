#include "serve/api/prompts.h"

#include <fmt/format.h>

namespace troika::serve {
namespace {

bool is_list_of_ids(const Json& json) {
  return json.is_array() && !json.empty() && json[0].is_number_integer();
}

}  // namespace

std::vector<TokenId> read_tokens(Fields& fields, std::string_view name, const Json& list,
                                 const Tokenizer& tokenizer) {
  std::vector<TokenId> tokens;
  tokens.reserve(list.size());
  for (const Json& entry : list) {
    if (!entry.is_number_integer()) {
      fields.refuse_kind(fmt::format("{}[{}]", name, tokens.size()), entry, "a token id");
      return {};
    }
    const bool too_large = entry.is_number_unsigned() && entry.get<uint64_t>() > INT64_MAX;
    const int64_t id = too_large ? -1 : entry.get<int64_t>();
    if (id < 0 || id >= tokenizer.vocab()) {
      fields.refuse(fmt::format("{}[{}]", name, tokens.size()),
                    fmt::format("{} names token {}, wanted 0 to {}", fields.path_of(name),
                                to_text(entry), tokenizer.vocab() - 1));
      return {};
    }
    tokens.push_back(static_cast<TokenId>(id));
  }
  return tokens;
}

void check_bytes(Fields& fields, std::string_view name, const ServedModel& model,
                 std::string_view text) {
  if (std::ssize(text) <= model.prompt_bytes_max() || fields.refused()) return;
  fields.refusal() = Refusal{
      .message = fmt::format("the prompt has {} bytes, more than the context of {} tokens can hold",
                             text.size(), model.context()),
      .param = fields.path_of(name),
      .code = "context_length_exceeded"};
}

std::vector<TokenId> encode_prompt(Fields& fields, std::string_view name, const ServedModel& model,
                                   std::string_view text) {
  check_bytes(fields, name, model, text);
  if (fields.refused()) return {};
  return model.tokenizer().encode(text, {.add_special = true, .parse_special = true});
}

std::vector<std::vector<TokenId>> read_prompts(Fields& fields, std::string_view name,
                                               const ServedModel& model, size_t count_max) {
  std::vector<std::vector<TokenId>> prompts;
  const Json* json = fields.find(name);
  if (json == nullptr) {
    fields.refuse(name,
                  fmt::format("{} is missing, wanted text or token ids", fields.path_of(name)));
    return prompts;
  }
  const auto encode = [&](const Json& text, std::string_view text_name) {
    return encode_prompt(fields, text_name, model, text.get_ref<const std::string&>());
  };
  if (json->is_string()) {
    prompts.push_back(encode(*json, name));
  } else if (is_list_of_ids(*json)) {
    prompts.push_back(read_tokens(fields, name, *json, model.tokenizer()));
  } else if (json->is_array() && !json->empty() && json->size() <= count_max) {
    for (size_t i = 0; i < json->size() && !fields.refused(); i++) {
      const Json& entry = (*json)[i];
      const std::string entry_name = fmt::format("{}[{}]", name, i);
      if (entry.is_string())
        prompts.push_back(encode(entry, entry_name));
      else if (is_list_of_ids(entry))
        prompts.push_back(read_tokens(fields, entry_name, entry, model.tokenizer()));
      else
        fields.refuse_kind(entry_name, entry, "a string or a list of token ids");
    }
  } else if (json->is_array()) {
    fields.refuse(name, fmt::format("{} has {} entries, wanted 1 to {}", fields.path_of(name),
                                    json->size(), count_max));
  } else {
    fields.refuse_kind(name, *json, "text or token ids");
  }
  for (size_t i = 0; i < prompts.size(); i++)
    if (prompts[i].empty())
      fields.refuse(name,
                    fmt::format("{} is empty, wanted a token at least", fields.path_of(name)));
  return prompts;
}

void check_context(Fields& fields, std::string_view name, const ServedModel& model,
                   const std::vector<std::vector<TokenId>>& prompts) {
  for (const std::vector<TokenId>& prompt : prompts) {
    if (std::ssize(prompt) < model.context() || fields.refused()) continue;
    fields.refusal() = Refusal{
        .message = fmt::format("the prompt has {} tokens and the context {}, wanted a shorter one",
                               prompt.size(), model.context()),
        .param = fields.path_of(name),
        .code = "context_length_exceeded"};
  }
}

}  // namespace troika::serve
