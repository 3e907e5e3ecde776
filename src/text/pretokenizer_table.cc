#include "text/pretokenizer_table.h"

#include <algorithm>
#include <iterator>

namespace troika::text {
namespace {

// Pieces that several lists share. Macros, because a pattern is one literal put together from
// others.
#define TROIKA_CONTRACTION "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])"
#define TROIKA_BLANKS R"(\s*[\r\n]+|\s+(?!\S)|\s+)"
// Words with one leading symbol, numbers as told, symbols with their newlines.
#define TROIKA_WORDS(number)                                \
  TROIKA_CONTRACTION R"(|[^\r\n\p{L}\p{N}]?\p{L}+|)" number \
                     R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|)" TROIKA_BLANKS
#define TROIKA_GPT2 R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S))"
// Words cut where lower case is followed by upper case; `tail` follows a word.
#define TROIKA_UPPER R"([\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}])"
#define TROIKA_LOWER R"([\p{Ll}\p{Lm}\p{Lo}\p{M}])"
#define TROIKA_CASED(tail, number)                                           \
  R"([^\r\n\p{L}\p{N}]?)" TROIKA_UPPER "*" TROIKA_LOWER "+" tail             \
  R"(|[^\r\n\p{L}\p{N}]?)" TROIKA_UPPER "+" TROIKA_LOWER "*" tail "|" number \
  R"(| ?[^\s\p{L}\p{N}]+[\r\n/]*|)" TROIKA_BLANKS
#define TROIKA_DEEPSEEK                                                                     \
  R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+)" \
  R"(| ?[\p{P}\p{S}]+[\r\n]*|)" TROIKA_BLANKS

// Digits in threes counted from the right: a scanner's work, because as a pattern it looks ahead
// over the whole run of digits at every digit.
constexpr PretokenizerStep kDigitsFromRight = {R"(\p{Nd}+)", true};
constexpr PretokenizerStep kNumbersFromRight = {R"(\p{N}+)", true};
// The same, for runs that a word ends with.
constexpr PretokenizerStep kDigitsAtWordEnd = {R"((?<!\p{Nd})\p{Nd}++\b)", true};

using Steps = PretokenizerStep;
constexpr Steps kGpt2[] = {TROIKA_GPT2};
constexpr Steps kDefault[] = {R"([\p{P}\$\+<=>\^~\|]+)", TROIKA_GPT2, R"(\p{N}+)",
                              "[0-9][0-9][0-9]"};
constexpr Steps kFalcon[] = {R"([\p{P}\$\+<=>\^~\|`]+)", TROIKA_GPT2, "[0-9][0-9][0-9]"};
constexpr Steps kStarcoder[] = {R"(\p{N})", TROIKA_GPT2};
constexpr Steps kLlama3[] = {TROIKA_WORDS(R"(\p{N}{1,3})")};
constexpr Steps kQwen2[] = {TROIKA_WORDS(R"(\p{N})")};
constexpr Steps kQwen35[] = {TROIKA_CONTRACTION
                             R"(|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N})"
                             R"(| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|)" TROIKA_BLANKS};
constexpr Steps kMinicpm5[] = {R"(\p{N}{1,3})", TROIKA_WORDS(R"(\p{N}+)")};
constexpr Steps kLaguna[] = {R"([^\n]+|[\n]+)", TROIKA_WORDS(R"(\p{N})")};
constexpr Steps kBailing[] = {TROIKA_CONTRACTION
                              R"(|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*)"
                              R"(|\s*[\r\n]|\s+(?!\S)|\s+)"};
constexpr Steps kSeedCoder[] = {
    TROIKA_CONTRACTION R"(|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}\r\n]+|)" TROIKA_BLANKS};
constexpr Steps kJais2[] = {
    TROIKA_CONTRACTION
    R"(|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+)"
    R"(|\s{512}(?!\S)|\s{256}(?!\S)|\s{128}(?!\S)|\s{64}(?!\S)|\s{32}(?!\S))"
    R"(|\s{16}(?!\S)|\s{8}(?!\S)|\s{4}(?!\S)|\s{1,2}(?!\S)|\s{1})"};
// Words joined over single spaces: letters, then letters, marks and spaces that a letter follows.
// Possessive, so that a long text needs no stack; nothing behind could make use of a shorter match.
constexpr Steps kExaoneMoe[] = {TROIKA_CONTRACTION
                                R"(|[^\r\n\p{L}\p{N}]?\p{L}(?:[\p{L}\p{M}]++| (?=\p{L}))*+|\p{N})"
                                R"(| ?[^\s\p{L}\p{N}]+[\r\n/]?|\s*[\r\n]|\s+(?!\S)|\s+)"};
constexpr Steps kGpt4o[] = {TROIKA_CASED(TROIKA_CONTRACTION "?", R"(\p{N}{1,3})")};
constexpr Steps kTekken[] = {TROIKA_CASED("", R"(\p{N})")};
constexpr Steps kTinyAya[] = {kDigitsAtWordEnd,
                              TROIKA_CASED(TROIKA_CONTRACTION "?", R"(\p{N}{1,3})")};
constexpr Steps kYoutu[] = {
    R"([\x{AC00}-\x{D7A3}\x{3131}-\x{318E}]+)"
    R"(|[\x{FF01}\x{2026}\x{201C}\x{201D}\x{2018}\x{2019}\x{2014}\x{FF1A}\x{FF1B}\x{FF0C})"
    R"(\x{3001}-\x{303F}\x{FE30}-\x{FE4F}]+)"
    R"(|[\x{3105}-\x{312F}]+|[\x{4E00}-\x{9FA5}\x{3040}-\x{309F}\x{30A0}-\x{30FF}]+)",
    TROIKA_CASED(TROIKA_CONTRACTION "?", R"(\p{N})")};
constexpr Steps kDeepseekV3[] = {
    R"(\p{N}{1,3})", R"([\x{4E00}-\x{9FA5}\x{3040}-\x{309F}\x{30A0}-\x{30FF}]+)", TROIKA_DEEPSEEK};
constexpr Steps kAfmoe[] = {
    kNumbersFromRight,
    R"([\x{4E00}-\x{9FFF}\x{3400}-\x{4DBF}\x{8C48}-\x{FAFF}\x{3040}-\x{309F}\x{30A0}-\x{30FF})"
    R"(\x{FF65}-\x{FF9F}\x{2F00}-\x{2FDF}\x{E40}-\x{E7F}\x{E80}-\x{EFF}\x{1780}-\x{17FF})"
    R"(\x{1000}-\x{109F}\x{AA60}-\x{AA7F}\x{A9E0}-\x{A9FF}\x{AC00}-\x{D7AF}\x{1100}-\x{11FF}]+)",
    TROIKA_DEEPSEEK};
constexpr Steps kSuperbpe[] = {R"(\p{N}+)", kDigitsFromRight};
#define TROIKA_CJK R"([\x{4E00}-\x{9FA5}\x{800}-\x{4E00}\x{AC00}-\x{D7FF}]+)"
constexpr Steps kDeepseekCoder[] = {R"([\r\n])", R"(\s?\p{L}+)", R"(\s?\p{P}+)", TROIKA_CJK,
                                    R"(\p{N})"};
// The second step lists the cased letters of Unicode 11 or so, as that vocabulary was trained. In
// the fourth, the look behind starts a match at the front of a run only: a run that is not at the
// end is then read once, not once per blank.
constexpr Steps kDeepseekLlm[] = {
    R"([\r\n])",
    R"(\s?[A-Za-z\x{B5}\x{C0}-\x{D6}\x{D8}-\x{F6}\x{F8}-\x{1BA}\x{1BC}-\x{1BF})"
    R"(\x{1C4}-\x{293}\x{295}-\x{2AF}\x{370}-\x{373}\x{376}\x{377}\x{37B}-\x{37D})"
    R"(\x{37F}\x{386}\x{388}-\x{38A}\x{38C}\x{38E}-\x{3A1}\x{3A3}-\x{3F5})"
    R"(\x{3F7}-\x{481}\x{48A}-\x{52F}\x{531}-\x{556}\x{10A0}-\x{10C5}\x{13A0}-\x{13F5})"
    R"(\x{13F8}-\x{13FD}\x{1C90}-\x{1CBA}\x{1CBD}-\x{1CBF}\x{1D00}-\x{1D2B})"
    R"(\x{1D6B}-\x{1D77}\x{1D79}-\x{1D9A}\x{1E00}-\x{1F15}\x{1F18}-\x{1F1D})"
    R"(\x{1F20}-\x{1F45}\x{1F48}-\x{1F4D}\x{1F50}-\x{1F57}\x{1F59}\x{1F5B}\x{1F5D})"
    R"(\x{1F5F}-\x{1F7D}\x{1F80}-\x{1FB4}\x{1FB6}-\x{1FBC}\x{1FBE}\x{1FC2}-\x{1FC4})"
    R"(\x{1FC6}-\x{1FCC}\x{1FD0}-\x{1FD3}\x{1FD6}-\x{1FDB}\x{1FE0}-\x{1FEC})"
    R"(\x{1FF2}-\x{1FF4}\x{1FF6}-\x{1FFC}\x{2102}\x{2107}\x{210A}-\x{2113}\x{2115})"
    R"(\x{2119}-\x{211D}\x{2124}\x{2126}\x{2128}\x{212A}-\x{212D}\x{212F}-\x{2134})"
    R"(\x{2139}\x{213C}-\x{213F}\x{2145}-\x{2149}\x{214E}\x{2183}\x{2184})"
    R"(\x{2C00}-\x{2C7B}\x{2C7E}-\x{2CE4}\x{2CEB}-\x{2CEE}\x{2CF2}\x{2CF3})"
    R"(\x{A640}-\x{A66D}\x{A680}-\x{A69B}\x{A722}-\x{A76F}\x{A771}-\x{A787})"
    R"(\x{A78B}-\x{A78E}\x{AB70}-\x{ABBF}\x{FB00}-\x{FB06}\x{FB13}-\x{FB17})"
    R"(\x{FF21}-\x{FF3A}\x{FF41}-\x{FF5A}\x{10400}-\x{1044F}\x{104B0}-\x{104D3})"
    R"(\x{104D8}-\x{104FB}\x{10C80}-\x{10CB2}\x{10CC0}-\x{10CF2}\x{118A0}-\x{118DF})"
    R"(\x{1E900}-\x{1E943}]+)",
    R"(\s?[!-/:-~\x{FF01}-\x{FF0F}\x{FF1A}-\x{FF5E}\x{2018}-\x{201F}\x{3000}-\x{3002}]+)",
    R"((?<!\s)\s++\z)",
    TROIKA_CJK,
    R"(\p{N}+)"};
#define TROIKA_BLOOM R"( ?[^(\s|.,!?\x{2026}\x{3002}\x{FF0C}\x{3001}\x{964}\x{6D4}\x{60C})]+)"
constexpr Steps kBloom[] = {TROIKA_BLOOM};
constexpr Steps kViking[] = {TROIKA_BLOOM, R"(\p{N})"};

// name, list, ignore_merges, add_bos, clean_spaces, compose
constexpr PretokenizerRow kRows[] = {
    {"default", kDefault, false, false, true, false},
    {"llama3", kLlama3, true, true, true, false},
    {"llama-v3", kLlama3, true, true, true, false},
    {"llama-bpe", kLlama3, true, true, true, false},
    {"falcon3", kLlama3, true, true, true, false},
    {"falcon-h1", kLlama3, true, true, true, false},
    {"pixtral", kLlama3, true, true, true, false},
    {"midm-2.0", kLlama3, true, true, true, false},
    {"lfm2", kLlama3, true, true, true, false},
    {"jina-v5-nano", kLlama3, true, true, true, false},
    {"jais-2", kJais2, false, false, true, false},
    {"dbrx", kLlama3, false, false, true, false},
    {"smaug-bpe", kLlama3, false, false, true, false},
    {"deepseek-llm", kDeepseekLlm, false, false, false, false},
    {"deepseek-v3", kDeepseekV3, false, false, false, false},
    {"hunyuan-dense", kDeepseekV3, false, false, false, false},
    {"joyai-llm", kDeepseekV3, false, false, false, false},
    {"youtu", kYoutu, true, false, false, false},
    {"deepseek-coder", kDeepseekCoder, false, false, false, false},
    {"falcon", kFalcon, false, false, true, false},
    {"starcoder", kStarcoder, false, false, true, false},
    {"refact", kStarcoder, false, false, true, false},
    {"command-r", kStarcoder, false, false, false, true},
    {"smollm", kStarcoder, false, false, false, false},
    {"codeshell", kStarcoder, false, false, true, false},
    {"exaone", kStarcoder, false, false, true, false},
    {"minerva-7b", kStarcoder, false, false, true, false},
    {"mellum2", kStarcoder, false, false, true, false},
    {"gpt-2", kGpt2, false, false, true, false},
    {"phi-2", kGpt2, false, false, true, false},
    {"jina-es", kGpt2, false, false, true, false},
    {"jina-de", kGpt2, false, false, true, false},
    {"gigachat", kGpt2, false, false, true, false},
    {"jina-v2-es", kGpt2, false, false, true, false},
    {"jina-v2-de", kGpt2, false, false, true, false},
    {"a.x-4.0", kGpt2, false, false, true, false},
    {"mellum", kGpt2, false, false, true, false},
    {"modern-bert", kGpt2, false, false, true, false},
    {"exaone4", kGpt2, false, false, true, false},
    {"mpt", kGpt2, false, false, true, false},
    {"olmo", kGpt2, false, false, true, false},
    {"jais", kGpt2, false, false, true, false},
    {"trillion", kGpt2, false, false, false, false},
    {"granite-docling", kGpt2, false, false, false, false},
    {"stablelm2", kQwen2, false, false, true, false},
    {"qwen2", kQwen2, false, false, false, true},
    {"deepseek-r1-qwen", kQwen2, false, false, false, true},
    {"kormo", kQwen2, false, false, false, false},
    {"f2llmv2", kQwen2, false, false, false, false},
    {"megrez", kQwen2, false, false, true, false},
    {"hunyuan", kQwen2, false, false, false, false},
    {"solar-open", kQwen2, false, false, false, false},
    {"qwen35", kQwen35, false, false, false, true},
    {"poro-chat", kBloom, false, false, false, false},
    {"bloom", kBloom, false, false, true, false},
    {"gpt3-finnish", kBloom, false, false, true, false},
    {"glm4", kLlama3, false, false, true, false},
    {"chatglm-bpe", kLlama3, false, false, true, false},
    {"viking", kViking, false, false, false, false},
    {"tekken", kTekken, true, true, false, false},
    {"chameleon", kGpt2, false, true, false, false},
    {"gpt-4o", kGpt4o, false, false, false, false},
    {"llama4", kGpt4o, false, false, false, false},
    {"kanana2", kGpt4o, false, false, false, false},
    {"talkie", kGpt4o, false, false, false, false},
    {"minimax-m2", kGpt4o, false, false, false, false},
    {"tiny_aya", kTinyAya, false, false, false, false},
    {"cohere2moe", kTinyAya, false, false, false, false},
    {"superbpe", kSuperbpe, false, false, false, false},
    {"bailingmoe", kBailing, false, false, false, false},
    {"bailingmoe2", kBailing, false, false, false, false},
    {"llada-moe", kBailing, false, false, false, false},
    {"seed-coder", kSeedCoder, false, false, false, false},
    {"grok-2", kQwen2, false, false, false, false},
    {"afmoe", kAfmoe, false, false, false, false},
    {"laguna", kLaguna, false, false, false, false},
    {"exaone-moe", kExaoneMoe, false, false, true, false},
    {"minicpm5", kMinicpm5, true, false, true, false},
};

}  // namespace

std::span<const PretokenizerRow> pretokenizers() {
  return kRows;
}

const PretokenizerRow* find_pretokenizer(std::string_view name) {
  if (name.empty()) name = "default";
  const auto* row = std::find_if(std::begin(kRows), std::end(kRows),
                                 [&](const PretokenizerRow& r) { return r.name == name; });
  return row == std::end(kRows) ? nullptr : row;
}

std::string pretokenizer_names() {
  std::string names;
  for (const PretokenizerRow& row : kRows) {
    if (!names.empty()) names += ", ";
    names += row.name;
  }
  return names;
}

}  // namespace troika::text
