#include "cli/serve_sandbox.h"

#include <filesystem>

#include "cli/streams.h"
#include "serve/sandbox/database_url.h"

namespace troika::cli {
namespace {

std::string folder_of(const std::string& file) {
  const std::filesystem::path folder = std::filesystem::path(file).parent_path();
  return folder.empty() ? "." : folder.string();
}

void say(const serve::SandboxReport& report) {
  write_stderr("troika: sandbox: " + report.text + "\n");
}

}  // namespace

void ServeSandbox::declare(CLI::App& app) {
  app.add_flag("--no-sandbox", off_,
               "keep what the server does not need: files, calls, connections");
}

Status ServeSandbox::before_threads(const ServePaths& paths) {
  if (off_) {
    write_stderr("troika: sandbox: off, as asked for\n");
    return ok();
  }
  TROIKA_TRY(options_.database, serve::database_of(paths.ledger));
  for (const std::string& path : paths.models)
    if (!path.empty()) options_.read_only.push_back(folder_of(path));
  for (const std::string& path : paths.read)
    if (!path.empty()) options_.read_only.push_back(folder_of(path));
  for (const std::string& path : paths.write)
    if (!path.empty()) options_.read_write.push_back(folder_of(path));
  if (!options_.database && !paths.ledger.empty())
    options_.read_write.push_back(folder_of(paths.ledger));
  TROIKA_TRY(const serve::SandboxReport report, serve::confine_files(options_));
  say(report);
  return ok();
}

Status ServeSandbox::when_loaded() const {
  if (off_) return ok();
  TROIKA_TRY(const serve::SandboxReport report, serve::filter_calls(options_));
  say(report);
  return ok();
}

}  // namespace troika::cli
