#include "text/tokenizer.h"

#include <algorithm>
#include <utility>

#include "core/printable.h"
#include "text/byte_bpe.h"
#include "text/pretokenizer_table.h"
#include "text/sentencepiece_bpe.h"
#include "text/special_matcher.h"
#include "text/vocabulary.h"

namespace troika {
namespace {

constexpr size_t kSpecialBytesMax = size_t{1} << 26;  // texts of all special tokens together

// The habits of the two kinds of vocabulary, where the file says nothing.
SpecialIds with_defaults(SpecialIds ids) {
  if (!ids.bos) ids.bos = 1;
  if (!ids.eos) ids.eos = 2;
  if (!ids.unknown) ids.unknown = 0;
  return ids;
}

bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return lower;
}

// The special tokens that a file of this name was trained to eat white space after; no key of the
// file says so.
std::vector<bool> space_eaters(std::string_view model_name, const text::Vocabulary& vocabulary) {
  const std::string name = lower_case(model_name);
  if (name.find("phi-3") == std::string::npos && name.find("phi3") == std::string::npos) return {};
  std::vector<bool> eats(vocabulary.size());
  for (int32_t id = 0; id < vocabulary.size(); ++id) {
    const std::string_view text = vocabulary.text(id);
    const bool keeps = text == "<unk>" || text == "<s>" || text == "<|endoftext|>";
    eats[id] = (vocabulary.is_special(id) && !keeps) || text == "</s>";
  }
  return eats;
}

// Drops the space before punctuation and contractions, as those vocabularies' own decoders do, in
// their order.
void clean_up_spaces(std::string& text) {
  constexpr std::pair<std::string_view, std::string_view> kRules[] = {
      {" ?", "?"},   {" !", "!"},   {" .", "."},     {" ,", ","},    {" ' ", "'"},
      {" 's", "'s"}, {" 'm", "'m"}, {" 're", "'re"}, {" 've", "'ve"}};
  for (const auto& [from, to] : kRules) {
    std::string cleaned;
    size_t done = 0;
    for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, done)) {
      cleaned.append(text, done, at - done).append(to);
      done = at + from.size();
    }
    cleaned.append(text, done);
    text = std::move(cleaned);
  }
}

std::optional<TokenId> if_any(int32_t id) {
  return id < 0 ? std::nullopt : std::optional(TokenId{id});
}

Result<std::unique_ptr<const text::SpecialMatcher>> make_matcher(const text::Vocabulary& vocabulary,
                                                                 bool user_defined_only) {
  std::vector<std::pair<std::string_view, int32_t>> words;
  size_t bytes = 0;
  for (int32_t id = 0; id < vocabulary.size(); ++id) {
    if (user_defined_only ? vocabulary.written_type(id) != TokenType::user_defined
                          : !vocabulary.is_special(id))
      continue;
    words.emplace_back(vocabulary.text(id), id);
    bytes += words.back().first.size();
  }
  if (bytes > kSpecialBytesMax)
    return fail(ErrorCode::corrupt,
                "tokenizer.ggml.token_type: special tokens of {} bytes in all, want at most {}",
                bytes, kSpecialBytesMax);
  return std::make_unique<const text::SpecialMatcher>(words);
}

}  // namespace

Tokenizer::Tokenizer() = default;
Tokenizer::~Tokenizer() = default;

Result<std::unique_ptr<Tokenizer>> Tokenizer::load(const gguf::Metadata& metadata) {
  TROIKA_TRY(TokenizerSpec spec, read_tokenizer_spec(metadata));
  return make(spec);
}

Result<std::unique_ptr<Tokenizer>> Tokenizer::make(const TokenizerSpec& spec) {
  std::unique_ptr<Tokenizer> tokenizer(new Tokenizer());
  if (spec.model == "gpt2") {
    TROIKA_RETURN_IF_ERROR(tokenizer->make_byte_bpe(spec));
  } else if (spec.model == "llama") {
    TROIKA_RETURN_IF_ERROR(tokenizer->make_sentencepiece(spec));
  } else {
    return fail(
        ErrorCode::unsupported,
        "tokenizer.ggml.model: \"{}\" is not supported; supported: \"gpt2\" (byte-level BPE), "
        "\"llama\" (SentencePiece BPE)",
        printable(spec.model));
  }
  TROIKA_TRY(tokenizer->all_specials_, make_matcher(*tokenizer->vocabulary_, false));
  TROIKA_TRY(tokenizer->user_specials_, make_matcher(*tokenizer->vocabulary_, true));
  tokenizer->eats_space_after_ = space_eaters(spec.name, *tokenizer->vocabulary_);
  return tokenizer;
}

Status Tokenizer::make_byte_bpe(const TokenizerSpec& spec) {
  const text::PretokenizerRow* row = text::find_pretokenizer(spec.pre);
  if (!row)
    return fail(ErrorCode::unsupported,
                "tokenizer.ggml.pre: pre-tokenizer \"{}\" is not supported; supported: {}",
                printable(spec.pre), text::pretokenizer_names());
  if (spec.pre.empty())
    warnings_.push_back(
        "tokenizer: the file names no pre-tokenizer (tokenizer.ggml.pre); \"default\" is used and "
        "the "
        "ids may differ from those the model was trained on");
  TROIKA_TRY(text::Vocabulary vocabulary,
             text::Vocabulary::make(spec, text::Spelling::byte_alphabet, warnings_));
  vocabulary_ = std::make_unique<const text::Vocabulary>(std::move(vocabulary));
  TROIKA_TRY(model_, text::ByteBpe::make(*vocabulary_, spec.merges, *row));
  add_bos_ = spec.add_bos.value_or(row->add_bos);
  add_eos_ = spec.add_eos.value_or(false);
  clean_spaces_ = row->clean_spaces;
  return ok();
}

Status Tokenizer::make_sentencepiece(const TokenizerSpec& spec) {
  TokenizerSpec complete = spec;
  complete.special = with_defaults(spec.special);
  TROIKA_TRY(text::Vocabulary vocabulary,
             text::Vocabulary::make(complete, text::Spelling::space_mark, warnings_));
  vocabulary_ = std::make_unique<const text::Vocabulary>(std::move(vocabulary));
  space_prefix_ = spec.add_space_prefix.value_or(true);
  TROIKA_TRY(model_, text::SentencePieceBpe::make(*vocabulary_, spec.scores, space_prefix_));
  add_bos_ = spec.add_bos.value_or(true);
  add_eos_ = spec.add_eos.value_or(false);
  return ok();
}

std::vector<TokenId> Tokenizer::encode(std::string_view bytes, EncodeOptions options) const {
  std::vector<TokenId> ids;
  const text::Roles& roles = vocabulary_->roles();
  if (options.add_special && add_bos_ && roles.bos >= 0) ids.push_back(TokenId{roles.bos});
  const text::SpecialMatcher& specials = options.parse_special ? *all_specials_ : *user_specials_;
  const std::unique_ptr<text::TextModel::Pass> pass = model_->begin();
  for (size_t at = 0; at < bytes.size();) {
    const text::SpecialMatcher::Match match = specials.find(bytes, at);
    pass->encode(bytes.substr(at, match.begin - at), ids);
    at = match.end;
    if (match.id < 0) continue;
    ids.push_back(TokenId{match.id});
    if (!eats_space_after_.empty() && eats_space_after_[match.id])
      while (at < bytes.size() && is_space(bytes[at])) ++at;
  }
  if (options.add_special && add_eos_ && roles.eos >= 0) ids.push_back(TokenId{roles.eos});
  return ids;
}

std::string Tokenizer::piece(TokenId id, bool show_special) const {
  if (!vocabulary_->has(id)) return {};
  const auto row = static_cast<int32_t>(id);
  const TokenType type = vocabulary_->type(row);
  if (!show_special && (type == TokenType::control || type == TokenType::unknown)) return {};
  return std::string(vocabulary_->bytes(row));
}

std::string Tokenizer::decode(std::span<const TokenId> ids, DecodeOptions options) const {
  std::string text;
  for (size_t i = 0; i < ids.size(); ++i) {
    std::string piece = this->piece(ids[i], options.show_special);
    if (i == 0 && space_prefix_ && piece.starts_with(' ')) piece.erase(0, 1);
    text += piece;
  }
  if (options.clean_spaces && clean_spaces_) clean_up_spaces(text);
  return text;
}

bool Tokenizer::is_end_of_generation(TokenId id) const {
  return vocabulary_->has(id) && vocabulary_->ends_generation(static_cast<int32_t>(id));
}

std::span<const TokenId> Tokenizer::end_of_generation_ids() const {
  return vocabulary_->end_of_generation_ids();
}

int64_t Tokenizer::vocab() const {
  return vocabulary_->size();
}

std::string_view Tokenizer::token_text(TokenId id) const {
  return vocabulary_->has(id) ? vocabulary_->text(static_cast<int32_t>(id)) : std::string_view();
}

TokenType Tokenizer::token_type(TokenId id) const {
  return vocabulary_->has(id) ? vocabulary_->type(static_cast<int32_t>(id)) : TokenType::undefined;
}

std::optional<TokenId> Tokenizer::find(std::string_view text) const {
  return if_any(vocabulary_->find(text));
}

std::optional<TokenId> Tokenizer::bos() const {
  return if_any(vocabulary_->roles().bos);
}
std::optional<TokenId> Tokenizer::eos() const {
  return if_any(vocabulary_->roles().eos);
}
std::optional<TokenId> Tokenizer::eot() const {
  return if_any(vocabulary_->roles().eot);
}

}  // namespace troika
