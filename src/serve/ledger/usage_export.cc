#include "serve/ledger/usage_export.h"

#include <map>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

namespace troika::serve {
namespace {

struct Cell {
  std::string_view name;
  std::variant<std::string, int64_t> value;
};

void add_usage(std::vector<Cell>& cells, const TokenUsage& usage) {
  cells.push_back({"prompt_tokens", usage.prompt_tokens});
  cells.push_back({"cached_tokens", usage.cached_tokens});
  cells.push_back({"answer_tokens", usage.answer_tokens});
  cells.push_back({"drafts_proposed", usage.drafts_proposed});
  cells.push_back({"drafts_accepted", usage.drafts_accepted});
}

std::vector<Cell> cells_of(const UsageTotal& total) {
  std::vector<Cell> cells = {{"day", total.day},
                             {"tenant", total.tenant},
                             {"model", total.model},
                             {"requests", total.requests}};
  add_usage(cells, total.usage);
  return cells;
}

std::vector<Cell> cells_of(const UsageRecord& record) {
  std::vector<Cell> cells = {
      {"request", record.opening.request}, {"tenant", record.opening.tenant},
      {"key", record.opening.key},         {"model", record.opening.model},
      {"route", record.opening.route},     {"started_ms", record.opening.started_ms},
      {"ended_ms", record.ended_ms},       {"outcome", record.outcome}};
  add_usage(cells, record.usage);
  return cells;
}

/// In quotes where it must be; a text that a spreadsheet would compute gets an apostrophe.
std::string csv_text(std::string text) {
  if (!text.empty() && std::string_view("=+-@\t\r").find(text[0]) != std::string_view::npos)
    text.insert(text.begin(), '\'');
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

std::string json_text(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (static_cast<uint8_t>(c) < 0x20) {
      quoted += fmt::format("\\u{:04x}", static_cast<uint8_t>(c));
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

std::string line(const std::vector<Cell>& cells, UsageFormat format) {
  std::string text = format == UsageFormat::json ? "{" : "";
  for (size_t i = 0; i < cells.size(); i++) {
    if (i > 0) text += ',';
    if (format == UsageFormat::json) text += json_text(cells[i].name) + ":";
    if (const auto* number = std::get_if<int64_t>(&cells[i].value)) {
      text += fmt::format("{}", *number);
    } else {
      const auto& value = std::get<std::string>(cells[i].value);
      text += format == UsageFormat::json ? json_text(value) : csv_text(value);
    }
  }
  return text + (format == UsageFormat::json ? "}\n" : "\n");
}

std::string head(const std::vector<Cell>& cells, UsageFormat format) {
  std::string text;
  if (format == UsageFormat::json) return text;
  for (const Cell& cell : cells) text += fmt::format("{}{}", text.empty() ? "" : ",", cell.name);
  return text + "\n";
}

}  // namespace

std::string totals_head(UsageFormat format) {
  return head(cells_of(UsageTotal{}), format);
}

std::string records_head(UsageFormat format) {
  return head(cells_of(UsageRecord{}), format);
}

std::string line_of(const UsageTotal& total, UsageFormat format) {
  return line(cells_of(total), format);
}

std::string line_of(const UsageRecord& record, UsageFormat format) {
  return line(cells_of(record), format);
}

std::vector<UsageTotal> grouped(std::span<const UsageTotal> totals, const UsageGrouping& by) {
  std::map<std::tuple<std::string, std::string, std::string>, UsageTotal> groups;
  for (const UsageTotal& total : totals) {
    UsageTotal key;
    if (by.day) key.day = total.day;
    if (by.tenant) key.tenant = total.tenant;
    if (by.model) key.model = total.model;
    UsageTotal& group = groups.try_emplace({key.day, key.tenant, key.model}, key).first->second;
    group.requests += total.requests;
    group.usage += total.usage;
  }
  std::vector<UsageTotal> rows;
  for (auto& [key, group] : groups) rows.push_back(std::move(group));
  return rows;
}

}  // namespace troika::serve
