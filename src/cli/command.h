// What a command of the program is, and all there are. Each lives in the file named after it.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string_view>

#include "core/result.h"
#include "runtime/model_session.h"

namespace troika::cli {

/// One `troika <name>`: declares its flags, then runs with what was given.
class Command {
 public:
  virtual ~Command() = default;
  virtual std::string_view name() const = 0;
  virtual std::string_view summary() const = 0;   // one line for the list of commands
  virtual std::string_view examples() const = 0;  // whole lines, for --help

  /// Binds flags to fields of this object.
  virtual void declare(CLI::App& app) = 0;

  /// What can be seen from the flags alone. A failure is wrong usage.
  virtual Status check() const { return ok(); }

  /// The models and the device that it computes with, where it can do so on ranks of MPI.
  virtual SessionOptions* session() { return nullptr; }

  /// Does the work: results to stdout, everything else to stderr.
  virtual Status run() = 0;
};

std::unique_ptr<Command> make_run_command();
std::unique_ptr<Command> make_chat_command();
std::unique_ptr<Command> make_serve_command();
std::unique_ptr<Command> make_logits_command();
std::unique_ptr<Command> make_tokenize_command();
std::unique_ptr<Command> make_inspect_command();
std::unique_ptr<Command> make_embed_command();
std::unique_ptr<Command> make_bench_command();
std::unique_ptr<Command> make_inflate_command();
std::unique_ptr<Command> make_tenant_command();
std::unique_ptr<Command> make_devices_command();
std::unique_ptr<Command> make_plan_command();

}  // namespace troika::cli
