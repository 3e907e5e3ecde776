#include "cli/tenant_usage.h"

#include <algorithm>
#include <memory>

#include "cli/choice.h"
#include "cli/streams.h"
#include "serve/ledger/open_ledger.h"
#include "serve/ledger/usage_export.h"

namespace troika::cli {
namespace {

constexpr Choice<UsageLayout> kLayouts[] = {
    {"table", UsageLayout::table}, {"csv", UsageLayout::csv}, {"json", UsageLayout::json}};
constexpr int64_t kDayMs = 86'400'000;
// Lines are written in pieces of so many bytes.
constexpr size_t kPieceBytes = 1 << 16;

bool is_by(const TenantUsageOptions& options, std::string_view name) {
  return std::find(options.by.begin(), options.by.end(), name) != options.by.end();
}

serve::UsageFormat format_of(UsageLayout layout) {
  return layout == UsageLayout::json ? serve::UsageFormat::json : serve::UsageFormat::csv;
}

Result<serve::UsageQuery> query_of(const TenantUsageOptions& options) {
  serve::UsageQuery query;
  query.tenant = options.tenant;
  if (!options.from.empty()) {
    TROIKA_TRY(query.from_ms, serve::day_begins_ms(options.from));
  }
  if (!options.to.empty()) {
    TROIKA_TRY(query.to_ms, serve::day_begins_ms(options.to));
  }
  return query;
}

std::string table_of(const std::vector<serve::UsageTotal>& totals) {
  const auto line = [](auto day, auto tenant, auto model, auto requests, auto prompt, auto cached,
                       auto answer, auto proposed, auto accepted) {
    return fmt::format("{:<10}  {:<16}  {:<16}  {:>10}  {:>13}  {:>13}  {:>13}  {:>10}  {:>10}\n",
                       day, tenant, model, requests, prompt, cached, answer, proposed, accepted);
  };
  std::string text = line("day", "tenant", "model", "requests", "prompt tokens", "cached",
                          "answer tokens", "drafted", "accepted");
  for (const serve::UsageTotal& total : totals) {
    const serve::TokenUsage& usage = total.usage;
    text += line(total.day, total.tenant, total.model, total.requests, usage.prompt_tokens,
                 usage.cached_tokens, usage.answer_tokens, usage.drafts_proposed,
                 usage.drafts_accepted);
  }
  return text;
}

Status print_totals(serve::Ledger& ledger, const serve::UsageQuery& query,
                    const TenantUsageOptions& options) {
  TROIKA_TRY(const std::vector<serve::UsageTotal> all, ledger.totals(query));
  const std::vector<serve::UsageTotal> totals =
      serve::grouped(all, {.day = is_by(options, "day"),
                           .tenant = is_by(options, "tenant"),
                           .model = is_by(options, "model")});
  if (options.layout == UsageLayout::table) return write_stdout(table_of(totals));
  const serve::UsageFormat format = format_of(options.layout);
  std::string text = serve::totals_head(format);
  for (const serve::UsageTotal& total : totals) text += serve::line_of(total, format);
  return write_stdout(text);
}

Status print_records(serve::Ledger& ledger, const serve::UsageQuery& query,
                     const TenantUsageOptions& options) {
  const serve::UsageFormat format = format_of(options.layout);
  std::string text = serve::records_head(format);
  Status written = ok();
  TROIKA_RETURN_IF_ERROR(ledger.records(query, [&](const serve::UsageRecord& record) {
    text += serve::line_of(record, format);
    if (text.size() < kPieceBytes || !written.ok()) return;
    written = write_stdout(text);
    text.clear();
  }));
  TROIKA_RETURN_IF_ERROR(std::move(written));
  return write_stdout(text);
}

}  // namespace

void add_usage_flags(CLI::App& app, TenantUsageOptions& options) {
  app.add_option("NAME", options.tenant, "a tenant; without, all");
  app.add_option("--ledger", options.ledger, "the file of the ledger, or postgresql://...")
      ->capture_default_str()
      ->type_name("WHERE");
  app.add_option("--from", options.from, "first day of UTC")->type_name("YYYY-MM-DD");
  app.add_option("--to", options.to, "the day after the last")->type_name("YYYY-MM-DD");
  app.add_option("--by", options.by,
                 "what is kept apart: day, tenant, model, several with commas; or request, each")
      ->delimiter(',')
      ->check(CLI::IsMember({"day", "tenant", "model", "request"}))
      ->capture_default_str();
  add_choice<UsageLayout>(app, "--format", options.layout, kLayouts,
                          "table, csv, or json: an object each line");
  app.add_option("--keep-days", options.keep_days,
                 "first replace requests of before so many days by their sums of each day")
      ->check(between(1, 36'500))
      ->type_name("N");
}

Status check_usage(const TenantUsageOptions& options) {
  if (is_by(options, "request") && options.by.size() > 1)
    return fail(ErrorCode::invalid_argument, "--by request with others, wanted it alone");
  if (is_by(options, "request") && options.layout == UsageLayout::table)
    return fail(ErrorCode::invalid_argument,
                "--by request as a table, wanted --format csv or json");
  const Result<serve::UsageQuery> query = query_of(options);
  return query.ok() ? ok() : Status(query.error());
}

Status print_usage(const TenantUsageOptions& options) {
  TROIKA_TRY(const serve::UsageQuery query, query_of(options));
  TROIKA_TRY(const std::unique_ptr<serve::Ledger> ledger, serve::view_ledger(options.ledger));
  if (options.keep_days > 0) {
    TROIKA_TRY(const int64_t folded,
               ledger->fold(serve::unix_time_ms() - options.keep_days * kDayMs));
    write_stderr(fmt::format("{} requests were replaced by the sums of their days\n", folded));
  }
  return is_by(options, "request") ? print_records(*ledger, query, options)
                                   : print_totals(*ledger, query, options);
}

}  // namespace troika::cli
