// What a file says about its tokenizer, before anything of it is believed: plain lists and optional
// values. Source of the keys: GGUF, `tokenizer.ggml.*`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace troika {

namespace gguf {
class Metadata;
}

/// Token ids that the file names for a role; any value, checked against the vocabulary later.
struct SpecialIds {
  std::optional<int64_t> bos, eos, eot, eom, unknown, padding;
  std::optional<int64_t> fim_prefix, fim_suffix, fim_middle, fim_padding, fim_repository,
      fim_separator;
};

/// A tokenizer as written in a file. The views borrow from whoever filled it in (a mapped file, a
/// test).
struct TokenizerSpec {
  std::string_view model;  // "gpt2" (byte-level BPE) or "llama" (SentencePiece BPE)
  std::string_view pre;    // how text is cut before byte-level BPE; empty: "default"
  std::string_view name;   // general.name: decides the white space eaten after special tokens
  std::vector<std::string_view> tokens;  // index = id
  std::vector<float> scores;             // llama: one per token
  std::vector<int32_t> types;            // one per token, or empty: all normal
  std::vector<std::string_view> merges;  // gpt2: "left right", rank = index
  SpecialIds special;
  std::optional<bool> add_bos, add_eos, add_space_prefix;
};

/// Reads the keys `tokenizer.ggml.*` and `general.name`; the result borrows from `metadata`.
/// Errors: not_found — no tokenizer in the file; corrupt — a key has another type than it must.
Result<TokenizerSpec> read_tokenizer_spec(const gguf::Metadata& metadata);

}  // namespace troika
