#include "text/pretokenizer.h"

#include <algorithm>
#include <optional>

#include "core/check.h"
#include "text/utf8.h"

// PCRE2 is configured by macros; this file alone knows the library.
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

namespace troika::text {
namespace {

// Unicode's White_Space. PCRE2's own \s also takes U+180E, which stopped being a blank in
// Unicode 6.3.
constexpr std::string_view kWhiteSpace =
    R"(\t-\r\x20\x{85}\x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000})";

// `pattern` with \s and \S spelt out.
std::string with_white_space(std::string_view pattern) {
  std::string result;
  bool in_class = false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '\\' && i + 1 < pattern.size()) {
      const char next = pattern[++i];
      if (next == 's')
        result += in_class ? std::string(kWhiteSpace) : fmt::format("[{}]", kWhiteSpace);
      else if (next == 'S' && !in_class)
        result += fmt::format("[^{}]", kWhiteSpace);
      else
        result += {c, next};
      continue;
    }
    if (c == '[' && !in_class) in_class = true;
    if (c == ']') in_class = false;
    result += c;
  }
  return result;
}

// Steps of one match. Our patterns are linear, so that only text past 1 GiB comes near; the
// library's own limit is reached by 10 MB of blanks.
constexpr uint32_t kMatchLimit = UINT32_MAX;

struct FreePcre2 {
  void operator()(pcre2_code* code) const { pcre2_code_free(code); }
  void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
};
template <typename T>
using Owned = std::unique_ptr<T, FreePcre2>;

Result<Owned<pcre2_code>> compile(std::string_view pattern) {
  const std::string spelt = with_white_space(pattern);
  int error = 0;
  size_t at = 0;
  Owned<pcre2_code> code(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(spelt.data()), spelt.size(),
                                       PCRE2_UTF | PCRE2_UCP, &error, &at, nullptr));
  if (!code)
    return fail(ErrorCode::internal, "pre-tokenizer: PCRE2 refuses \"{}\" at byte {} with error {}",
                pattern, at, error);
  // Where the library or the system has no JIT the patterns are interpreted, more slowly.
  pcre2_jit_compile(code.get(), PCRE2_JIT_COMPLETE);
  return code;
}

// Encoded surrogates are text to byte-level BPE but nothing PCRE2 may see. A noncharacter of equal
// length stands in: it is in no category that a pattern asks for, either. Nothing where there are
// none.
std::optional<std::string> without_surrogates(std::string_view text) {
  std::optional<std::string> copy;
  for (size_t i = text.find('\xED'); i != std::string_view::npos; i = text.find('\xED', i + 1)) {
    if (static_cast<unsigned char>(text[i + 1]) < 0xA0) continue;
    if (!copy) copy.emplace(text);
    copy->replace(i, 3, "\xEF\xBF\xBE");
  }
  return copy;
}

}  // namespace

// One step of a list, compiled.
class Pretokenizer::Step {
 public:
  Step(Owned<pcre2_code> code, bool threes)
      : code_(std::move(code)), limits_(pcre2_match_context_create(nullptr)), threes_(threes) {
    TROIKA_CHECK(limits_);
    pcre2_set_match_limit(limits_.get(), kMatchLimit);
  }

  // Calls `sink` with each match in `piece`, and with each gap between matches.
  template <typename Sink>
  void cut(std::string_view piece, const Sink& sink) const {
    const Owned<pcre2_match_data> data(pcre2_match_data_create_from_pattern(code_.get(), nullptr));
    TROIKA_CHECK(data);
    size_t gap = 0;
    while (gap < piece.size() && find(piece, gap, data.get())) {
      const size_t* match = pcre2_get_ovector_pointer(data.get());
      const size_t begin = match[0], end = match[1];
      if (begin > gap) sink(piece.substr(gap, begin - gap));
      if (threes_)
        cut_in_threes(piece.substr(begin, end - begin), sink);
      else
        sink(piece.substr(begin, end - begin));
      gap = end;
    }
    if (gap < piece.size()) sink(piece.substr(gap));
  }

 private:
  // Whether there is a match, never empty, at or after `from`.
  bool find(std::string_view piece, size_t from, pcre2_match_data* data) const {
    const auto match = [&](uint32_t options) {
      return pcre2_match(code_.get(), reinterpret_cast<PCRE2_SPTR>(piece.data()), piece.size(),
                         from, PCRE2_NO_UTF_CHECK | PCRE2_NOTEMPTY | options, data, limits_.get());
    };
    int found = match(0);
    if (found < 0 && found != PCRE2_ERROR_NOMATCH) found = match(PCRE2_NO_JIT);  // out of JIT stack
    return found >= 0;  // past all limits: the rest of the piece stays whole
  }

  template <typename Sink>
  static void cut_in_threes(std::string_view digits, const Sink& sink) {
    auto left =
        std::count_if(digits.begin(), digits.end(), [](char c) { return (c & 0xC0) != 0x80; });
    while (!digits.empty()) {
      size_t bytes = 0;
      do {
        bytes += utf8_length(static_cast<unsigned char>(digits[bytes]));
      } while (--left % 3 != 0);
      sink(digits.substr(0, bytes));
      digits.remove_prefix(bytes);
    }
  }

  Owned<pcre2_code> code_;
  Owned<pcre2_match_context> limits_;
  bool threes_;  // a match is cut into groups of three characters, counted from its end
};

Pretokenizer::Pretokenizer() = default;
Pretokenizer::Pretokenizer(Pretokenizer&& other) noexcept = default;
Pretokenizer& Pretokenizer::operator=(Pretokenizer&& other) noexcept = default;
Pretokenizer::~Pretokenizer() = default;

Result<Pretokenizer> Pretokenizer::make(const PretokenizerRow& row) {
  Pretokenizer pretokenizer;
  for (const PretokenizerStep& step : row.steps) {
    TROIKA_TRY(Owned<pcre2_code> code, compile(step.pattern));
    pretokenizer.steps_.push_back(
        std::make_unique<const Step>(std::move(code), step.threes_from_right));
  }
  return pretokenizer;
}

void Pretokenizer::split(std::string_view text, const Sink& sink) const {
  if (text.empty()) return;
  const std::optional<std::string> copy = without_surrogates(text);
  if (!copy) return split_from(0, text, sink);
  split_from(0, *copy, [&](std::string_view word) {
    sink(text.substr(static_cast<size_t>(word.data() - copy->data()), word.size()));
  });
}

void Pretokenizer::split_from(size_t step, std::string_view piece, const Sink& sink) const {
  if (step == steps_.size()) return sink(piece);
  if (step + 1 == steps_.size()) return steps_[step]->cut(piece, sink);
  steps_[step]->cut(piece, [&](std::string_view part) { split_from(step + 1, part, sink); });
}

}  // namespace troika::text
