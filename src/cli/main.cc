// troika <command>: takes the command line apart and runs one command.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/interrupt.h"
#include "cli/streams.h"
#include "runtime/ranks/ranks.h"

namespace troika::cli {
namespace {

constexpr std::string_view kVersion = "troika 0.1.0";
constexpr std::string_view kExamples =
    "Examples:\n"
    "  troika run model.gguf -p \"What is 34 + 58?\"\n"
    "  troika chat model.gguf\n"
    "  troika serve model.gguf\n"
    "  troika inspect model.gguf\n"
    "'troika <command> --help' lists the flags of a command, with examples.\n"
    "Exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted.\n";

std::vector<std::unique_ptr<Command>> all_commands() {
  std::vector<std::unique_ptr<Command>> commands;
  commands.push_back(make_run_command());
  commands.push_back(make_chat_command());
  commands.push_back(make_serve_command());
  commands.push_back(make_inspect_command());
  commands.push_back(make_tokenize_command());
  commands.push_back(make_logits_command());
  commands.push_back(make_embed_command());
  commands.push_back(make_bench_command());
  commands.push_back(make_inflate_command());
  commands.push_back(make_tenant_command());
  commands.push_back(make_devices_command());
  commands.push_back(make_plan_command());
  return commands;
}

int usage_error(std::string_view message, const Command* command) {
  print_error(fmt::format("{} (see 'troika{}{} --help')", message, command ? " " : "",
                          command ? command->name() : ""));
  return kExitUsage;
}

int finish(const Status& status) {
  if (!status.ok()) print_error(status.error().message());
  return exit_code(status);
}

/// Rank 0 runs the command, the others work for it.
int run_on_ranks(Command& command) {
  // Open MPI's way to read another rank's memory is a call that the server's sandbox forbids, as do
  // many containers.
  setenv("OMPI_MCA_btl_vader_single_copy_mechanism", "none", 0);
  SessionOptions& session = *command.session();
  const Result<std::unique_ptr<Ranks>> joined =
      Ranks::join({.version = std::string(kVersion),
                   .files = {session.model.path, session.draft_model},
                   .device = session.model.device,
                   .on_follower = ignore_interrupts});
  // What keeps ranks from each other is the same for all, and rank 0 tells it. The others must not
  // fail: mpirun would end rank 0 before it has.
  if (!joined.ok())
    return joined.error().code() == ErrorCode::cancelled ? kExitDone : finish(joined.error());
  Ranks& ranks = **joined;
  if (!ranks.leads()) {
    return ranks.leave(finish(ranks.follow([](const Error& error) {
      print_error(error.message());
      std::_Exit(kExitFailed);
    })));
  }
  session.model.device.ranks = &ranks;
  return ranks.leave(finish(command.run()));
}

/// The arguments as CLI11 takes them, last first. It has no flags of one dash and two letters;
/// users of llama.cpp do.
std::vector<std::string> arguments_of(int argc, char** argv) {
  std::vector<std::string> arguments(argv + std::min(argc, 1), argv + argc);
  std::ranges::replace(arguments, "-np", "--np");
  std::ranges::reverse(arguments);
  return arguments;
}

int run_program(int argc, char** argv) {
  CLI::App app("Runs language models from GGUF files, drafting with the model's own head.",
               "troika");
  app.set_version_flag("--version", std::string(kVersion));
  app.footer(std::string(kExamples));
  const auto commands = all_commands();
  for (const auto& command : commands) {
    CLI::App* sub =
        app.add_subcommand(std::string(command->name()), std::string(command->summary()));
    sub->footer("Examples:\n" + std::string(command->examples()));
    command->declare(*sub);
  }
  const auto chosen = [&]() -> Command* {
    for (const auto& command : commands)
      if (app.got_subcommand(std::string(command->name()))) return command.get();
    return nullptr;
  };
  // CLI11 throws; nothing of it leaves this block.
  try {
    app.parse(arguments_of(argc, argv));
  } catch (const CLI::CallForHelp&) {
    return finish(write_stdout(app.help()));
  } catch (const CLI::CallForVersion&) {
    return finish(write_stdout(std::string(kVersion) + "\n"));
  } catch (const CLI::ParseError& error) {
    return usage_error(error.what(), chosen());
  }
  Command* command = chosen();
  if (command == nullptr) return usage_error("no command given", nullptr);
  if (const Status usable = command->check(); !usable.ok())
    return usage_error(usable.error().message(), command);
  if (command->session() != nullptr && is_mpi(command->session()->model.device))
    return run_on_ranks(*command);
  return finish(command->run());
}

}  // namespace
}  // namespace troika::cli

int main(int argc, char** argv) {
  troika::cli::prepare_streams();
  troika::cli::install_interrupt_handlers();
  try {
    return troika::cli::run_program(argc, argv);
  } catch (const std::bad_alloc&) {
    troika::cli::print_error("out of memory; wanted a smaller model or context, or more memory");
    return troika::cli::kExitFailed;
  }
}
