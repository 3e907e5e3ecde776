// When and with what `troika serve` confines itself (serve/sandbox/sandbox.h).
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "core/result.h"
#include "serve/sandbox/sandbox.h"

namespace troika::cli {

/// What the server opens while it serves. Empty paths are passed over.
struct ServePaths {
  std::vector<std::string> models;  // files; others of their folders may be parts of them
  std::vector<std::string> read;    // files that are read, and read again
  std::vector<std::string> write;   // files that are written, with others beside them
  std::string ledger;               // a file, or the address of a database
  bool gpu = false;                 // the model computes on one
};

class ServeSandbox {
 public:
  /// Adds --no-sandbox.
  void declare(CLI::App& app);

  /// First of all, before there are threads. Says on stderr what holds.
  /// Errors: those of confine_files() and of the ledger's address.
  Status before_threads(const ServePaths& paths);

  /// When the model is loaded and all listeners listen. Says on stderr what holds.
  Status when_loaded() const;

 private:
  bool off_ = false;
  serve::SandboxOptions options_;
};

}  // namespace troika::cli
