#include "text/grammar/schema_formats.h"

#include <algorithm>

namespace troika::grammar {
namespace {

#define DATE                                   \
  "([1-9][0-9]{3})-"                           \
  "((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])" \
  "|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))"
#define TIME                                                 \
  "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?" \
  "(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
#define LABEL "[a-zA-Z0-9]([a-zA-Z0-9-]{0,30}[a-zA-Z0-9])?"
#define HOST LABEL "(\\." LABEL "){0,4}"
#define BYTE "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
#define HEX "[0-9a-fA-F]"

struct Format {
  std::string_view name;
  std::string_view pattern;
};

/// RFC 3339, 4122, 4291 (without ::), 5321 and 3986 (without rare parts). The 29th of February is
/// left out: whether it is one the year decides.
constexpr Format kFormats[] = {
    {"date", "^" DATE "$"},
    {"time", "^" TIME "$"},
    {"date-time", "^" DATE "T" TIME "$"},
    {"duration",
     "^P([0-9]{1,4}W|([0-9]{1,4}Y([0-9]{1,4}M([0-9]{1,4}D)?)?|[0-9]{1,4}M([0-9]{1,4}D)?|[0-9]{1,4}"
     "D)"
     "(T([0-9]{1,4}H([0-9]{1,4}M([0-9]{1,4}S)?)?|[0-9]{1,4}M([0-9]{1,4}S)?|[0-9]{1,4}S))?"
     "|T([0-9]{1,4}H([0-9]{1,4}M([0-9]{1,4}S)?)?|[0-9]{1,4}M([0-9]{1,4}S)?|[0-9]{1,4}S))$"},
    {"uuid", "^" HEX "{8}-" HEX "{4}-" HEX "{4}-" HEX "{4}-" HEX "{12}$"},
    {"email", "^[a-zA-Z0-9_+-]{1,32}(\\.[a-zA-Z0-9_+-]{1,16}){0,2}@" LABEL "(\\." LABEL "){1,4}$"},
    {"hostname", "^" HOST "$"},
    {"ipv4", "^" BYTE "(\\." BYTE "){3}$"},
    {"ipv6", "^" HEX "{1,4}(:" HEX "{1,4}){7}$"},
    {"uri", "^(https?|ftp)://" HOST "(:[1-9][0-9]{0,3})?(/[a-zA-Z0-9._~-]{1,64}){0,16}/?"
            "(\\?[a-zA-Z0-9._~=&-]{0,128})?(#[a-zA-Z0-9._~-]{0,64})?$"},
};

#undef DATE
#undef TIME
#undef LABEL
#undef HOST
#undef BYTE
#undef HEX

}  // namespace

std::string_view pattern_of_format(std::string_view format) {
  const auto* found = std::ranges::find(kFormats, format, &Format::name);
  return found != std::end(kFormats) ? found->pattern : std::string_view();
}

std::string format_names() {
  std::string names;
  for (const Format& format : kFormats) (names += names.empty() ? "" : ", ") += format.name;
  return names;
}

}  // namespace troika::grammar
