// troika tenant usage: what tenants used, out of the ledger.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "core/result.h"

namespace troika::cli {

enum class UsageLayout { table, csv, json };

struct TenantUsageOptions {
  std::string ledger = "ledger.db";
  std::string tenant;  // empty: all
  std::string from;    // "2026-11-20"; empty: since ever
  std::string to;      // the day after the last; empty: until now
  std::vector<std::string> by = {"tenant"};
  UsageLayout layout = UsageLayout::table;
  int64_t keep_days = -1;  // -1: all
};

void add_usage_flags(CLI::App& app, TenantUsageOptions& options);

/// What can be seen from the flags alone.
Status check_usage(const TenantUsageOptions& options);

/// Prints to stdout.
Status print_usage(const TenantUsageOptions& options);

}  // namespace troika::cli
