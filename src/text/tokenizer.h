// Text to token ids and back, exactly as the model was trained: byte-level BPE ("gpt2") and
// SentencePiece BPE ("llama"). One frame for both: special tokens are cut out of the text first,
// the rest goes through the model's own algorithm. Text is bytes: what is not UTF-8 is encoded all
// the same and never refused.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/ids.h"
#include "core/result.h"
#include "text/tokenizer_spec.h"

namespace troika {

namespace text {
class SpecialMatcher;
class TextModel;
class Vocabulary;
}  // namespace text

/// What a token is, as GGUF numbers it (`tokenizer.ggml.token_type`).
enum class TokenType : uint8_t { undefined, normal, unknown, control, user_defined, unused, byte };

/// How text becomes ids.
struct EncodeOptions {
  bool add_special = true;  // BOS in front and EOS behind, where the file wants them
  bool parse_special =
      false;  // control tokens written in the text count; user-defined ones always do
};

/// How ids become text.
struct DecodeOptions {
  bool show_special = true;  // print control and unknown tokens by their text
  bool clean_spaces =
      false;  // drop spaces before punctuation, where the vocabulary was made for that
};

/// A vocabulary and its algorithm. Immutable once made: every method is const and safe from many
/// threads at once. It owns all it needs; the file may be closed.
class Tokenizer {
 public:
  /// Makes the tokenizer that `metadata` describes.
  /// Errors: not_found — the file has none; unsupported — a model or pre-tokenizer not known here,
  /// by name, with the list of those that are; corrupt — lists of unequal length, equal or
  /// oversized tokens, NaN scores, bad byte tokens.
  static Result<std::unique_ptr<Tokenizer>> load(const gguf::Metadata& metadata);

  /// Makes a tokenizer from lists; they are copied. Errors as load().
  static Result<std::unique_ptr<Tokenizer>> make(const TokenizerSpec& spec);

  ~Tokenizer();
  Tokenizer(const Tokenizer&) = delete;
  Tokenizer& operator=(const Tokenizer&) = delete;

  /// The ids of `bytes`. Never fails: bytes that are not UTF-8 become U+FFFD (gpt2) or byte tokens
  /// (llama). Cost: O(n log n) for text without word boundaries, else O(n).
  std::vector<TokenId> encode(std::string_view bytes, EncodeOptions options = {}) const;

  /// The bytes that `id` stands for; may be part of a UTF-8 character. Control and unknown tokens
  /// give nothing unless `show_special`; unused tokens and ids outside the vocabulary give nothing.
  std::string piece(TokenId id, bool show_special = false) const;

  /// The bytes of all `ids`, without the space that encode() put in front of a SentencePiece text.
  std::string decode(std::span<const TokenId> ids, DecodeOptions options = {}) const;

  /// Whether generation stops at `id`, which is then not printed.
  bool is_end_of_generation(TokenId id) const;

  /// All ids for which is_end_of_generation() holds, ascending.
  std::span<const TokenId> end_of_generation_ids() const;

  /// Number of tokens; ids are 0 … vocab() - 1. The model's embedding may have more rows, none of
  /// which is a token.
  int64_t vocab() const;

  /// The text of `id` as the file has it (byte alphabet or ▁ and all); empty outside the
  /// vocabulary.
  std::string_view token_text(TokenId id) const;

  /// The type of `id` after roles were assigned (a token that ends a turn is control); undefined
  /// outside the vocabulary.
  TokenType token_type(TokenId id) const;

  /// The token whose text in the file is `text`.
  std::optional<TokenId> find(std::string_view text) const;

  /// Beginning of text, end of text, end of turn: by the file's keys, else by well-known texts.
  std::optional<TokenId> bos() const;
  std::optional<TokenId> eos() const;
  std::optional<TokenId> eot() const;

  /// Whether encode() with add_special puts BOS in front, EOS behind.
  bool adds_bos() const { return add_bos_; }
  bool adds_eos() const { return add_eos_; }

  /// Things in the file that were put right or passed over; a line each, for the user to see once.
  const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  Tokenizer();
  Status make_byte_bpe(const TokenizerSpec& spec);
  Status make_sentencepiece(const TokenizerSpec& spec);

  std::unique_ptr<const text::Vocabulary> vocabulary_;
  std::unique_ptr<const text::TextModel> model_;
  std::unique_ptr<const text::SpecialMatcher> all_specials_, user_specials_;
  std::vector<bool>
      eats_space_after_;  // by id: white space behind this special token is dropped; empty: none
  std::vector<std::string> warnings_;
  bool add_bos_ = false;
  bool add_eos_ = false;
  bool space_prefix_ = false;
  bool clean_spaces_ = false;
};

}  // namespace troika
