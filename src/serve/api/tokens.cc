// POST /tokenize and /detokenize, as llama-server has them.
#include <fmt/format.h>

#include "serve/api/handlers.h"
#include "serve/api/prompts.h"
#include "serve/api/request_body.h"
#include "text/detokenizer.h"

namespace troika::serve {
namespace {

constexpr int64_t kTokensMax = int64_t{1} << 22;   // of one request
constexpr size_t kTextBytesMax = size_t{4} << 20;  // the same: who reads it answers nobody else

/// A token's own bytes: as text where they are whole characters, else as numbers.
Json piece_json(const std::string& piece) {
  Utf8Stream characters;
  std::string text;
  characters.push(piece, text);
  if (characters.held() == 0 && text == piece) return piece;
  Json bytes = Json::array();
  for (const char c : piece) bytes.push_back(static_cast<unsigned char>(c));
  return bytes;
}

}  // namespace

void handle_tokenize(const Call& call) {
  RequestBody body(call);
  Fields& fields = body.fields();
  const std::string content = fields.wanted_string("content");
  EncodeOptions encode{.add_special = false, .parse_special = true};
  bool with_pieces = false;
  fields.read("add_special", encode.add_special);
  fields.read("parse_special", encode.parse_special);
  fields.read("with_pieces", with_pieces);
  if (content.size() > kTextBytesMax)
    fields.refuse("content", fmt::format("content has {} bytes, wanted at most {}", content.size(),
                                         kTextBytesMax));
  if (body.refused()) return;
  const Tokenizer& tokenizer = call.model.tokenizer();
  Json tokens = Json::array();
  for (const TokenId id : tokenizer.encode(content, encode)) {
    const auto number = static_cast<int32_t>(id);
    if (with_pieces)
      tokens.push_back({{"id", number}, {"piece", piece_json(tokenizer.piece(id, true))}});
    else
      tokens.push_back(number);
  }
  call.exchange->respond({.body = to_text({{"tokens", std::move(tokens)}})});
}

void handle_detokenize(const Call& call) {
  RequestBody body(call);
  Fields& fields = body.fields();
  std::vector<TokenId> tokens;
  if (const Json* list = fields.wanted_list("tokens")) {
    if (std::ssize(*list) > kTokensMax)
      fields.refuse("tokens", fmt::format("tokens has {} entries, wanted at most {}", list->size(),
                                          kTokensMax));
    else
      tokens = read_tokens(fields, "tokens", *list, call.model.tokenizer());
  }
  if (body.refused()) return;
  call.exchange->respond({.body = to_text({{"content", call.model.tokenizer().decode(tokens)}})});
}

}  // namespace troika::serve
