// Vocabularies made by hand, small enough to see what must come out.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "text/byte_alphabet.h"
#include "text/tokenizer.h"

namespace troika::testing {

/// Owns the strings that a TokenizerSpec views.
struct SmallVocabulary {
  std::string model, pre, name;
  std::vector<std::string> tokens, merges;
  std::vector<float> scores;
  std::vector<int32_t> types;
  SpecialIds special;

  int32_t add(const std::string& token, TokenType type = TokenType::normal, float score = 0) {
    tokens.push_back(token);
    types.push_back(static_cast<int32_t>(type));
    scores.push_back(score);
    return static_cast<int32_t>(tokens.size()) - 1;
  }

  /// Adds the merge and, unless it is there already, the token it makes.
  void merge(const std::string& left, const std::string& right) {
    merges.push_back(left + " " + right);
    if (std::find(tokens.begin(), tokens.end(), left + right) == tokens.end()) add(left + right);
  }

  /// Views into this object.
  TokenizerSpec spec() const {
    TokenizerSpec spec;
    spec.model = model;
    spec.pre = pre;
    spec.name = name;
    spec.tokens.assign(tokens.begin(), tokens.end());
    spec.merges.assign(merges.begin(), merges.end());
    spec.scores = scores;
    spec.types = types;
    spec.special = special;
    return spec;
  }
};

/// Ids 0 … 255 are the bytes of that value; then "hello", " world" and what they are merged from;
/// then specials.
inline SmallVocabulary byte_vocabulary(const std::string& pre = "qwen2") {
  SmallVocabulary v;
  v.model = "gpt2";
  v.pre = pre;
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    v.add(text::to_alphabet({&c, 1}));
  }
  v.merge("h", "e");
  v.merge("l", "l");
  v.merge("he", "ll");
  v.merge("hell", "o");
  v.merge("Ġ", "w");
  v.merge("o", "r");
  v.merge("Ġw", "or");
  v.merge("l", "d");
  v.merge("Ġwor", "ld");
  v.special.bos = v.add("<|endoftext|>", TokenType::control);
  v.add("<|im_start|>", TokenType::control);
  v.special.eos = v.add("<|im_end|>", TokenType::control);
  v.add("<tool>", TokenType::user_defined);
  v.add("[PAD269]", TokenType::unused);
  return v;
}

/// <unk>, <s>, </s>, byte tokens (byte b is id 3 + b), then some letters and words, the longer the
/// likelier.
inline SmallVocabulary sentence_vocabulary() {
  SmallVocabulary v;
  v.model = "llama";
  v.add("<unk>", TokenType::unknown);
  v.add("<s>", TokenType::control);
  v.add("</s>", TokenType::control);
  for (int byte = 0; byte < 256; ++byte) v.add(fmt::format("<0x{:02X}>", byte), TokenType::byte);
  float score = 0;
  for (const char* token :
       {"▁",    "h",     "e",      "l",  "o",  "w",  "r",    "d",      "é",  "he", "ll",
        "hell", "▁hell", "▁hello", "▁w", "or", "ld", "▁wor", "▁world", "lo", "▁h"})
    v.add(token, TokenType::normal, score--);
  return v;
}

/// The tokenizer of `vocabulary`; fails the test where it is refused.
inline std::unique_ptr<Tokenizer> make_tokenizer(const SmallVocabulary& vocabulary) {
  auto tokenizer = Tokenizer::make(vocabulary.spec());
  if (!tokenizer.ok()) {
    ADD_FAILURE() << tokenizer.error().message();
    return nullptr;
  }
  return std::move(tokenizer).value();
}

}  // namespace troika::testing
