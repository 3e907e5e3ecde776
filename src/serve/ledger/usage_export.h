// Usage as tables of text, for spreadsheets and programs.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "serve/ledger/ledger.h"

namespace troika::serve {

/// CSV as RFC 4180 has it, lines ended by "\n"; or an object of JSON on each line.
enum class UsageFormat : uint8_t { csv, json };

/// The first line: names of columns. Empty for JSON.
std::string totals_head(UsageFormat format);
std::string records_head(UsageFormat format);

/// One line.
std::string line_of(const UsageTotal& total, UsageFormat format);
std::string line_of(const UsageRecord& record, UsageFormat format);

/// Which columns of totals are kept apart; the others become "".
struct UsageGrouping {
  bool day = true;
  bool tenant = true;
  bool model = true;
};

/// Adds up what is the same but for what is not kept apart, in the order of day, tenant, model.
std::vector<UsageTotal> grouped(std::span<const UsageTotal> totals, const UsageGrouping& by);

}  // namespace troika::serve
