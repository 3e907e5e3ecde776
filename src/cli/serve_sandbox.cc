#include "cli/serve_sandbox.h"

#include "cli/streams.h"
#include "serve/sandbox/database_url.h"
#include "serve/sandbox/file_folders.h"

namespace troika::cli {
namespace {

void add_folders(const std::vector<std::string>& files, std::vector<std::string>& folders) {
  for (const std::string& file : files)
    for (const std::string& folder : serve::folders_of(file)) folders.push_back(folder);
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
  options_.gpu = paths.gpu;
  add_folders(paths.models, options_.read_only);
  add_folders(paths.read, options_.read_only);
  add_folders(paths.write, options_.read_write);
  if (!options_.database) add_folders({paths.ledger}, options_.read_write);
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
