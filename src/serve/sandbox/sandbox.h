// What the server gives up, so that whoever takes it over gets little: files by Landlock, calls of
// the system by seccomp. Two steps, because Landlock holds for the thread that asks and for those
// that it makes later, and because a program that loads needs more than one that serves:
//
//   confine_files()   first thing in main, before there are threads
//   filter_calls()    when the model is loaded and every socket listens; for all threads at once
//
// A kernel that lacks one of them is no error: what was not done stands in the report, for the log.
// What is given up never comes back, also for threads made later.
//
// Landlock: docs.kernel.org/userspace-api/landlock.html. Seccomp: seccomp(2), libseccomp 2.5.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/result.h"

namespace troika::serve {

/// The one peer that may be connected to: the configured database.
struct SandboxDatabase {
  /// Of TCP. 0: a socket in the file system. Landlock binds connections to the port, on any host:
  /// it knows no addresses.
  uint16_t port = 0;
};

struct SandboxOptions {
  /// Files and folders that may be read, what is in them included: the model's folder, TLS files.
  /// Beside them what the C library and OpenSSL read of the system (kSystemFiles).
  std::vector<std::string> read_only;
  /// Folders that may be read and written: the state folder. Nothing in them can be executed.
  std::vector<std::string> read_write;
  std::optional<SandboxDatabase> database;  // empty: no connections at all
  /// What drivers of GPUs read of the system, and their devices, which are written and controlled.
  bool gpu = false;
};

/// What holds now.
struct SandboxReport {
  bool files = false;        // only the named ones can be opened
  bool connections = false;  // only the database's, or none
  bool calls = false;        // the filter is in place
  /// A sentence for the log: what holds, and what does not and why.
  std::string text;
};

/// Confines this thread, and those that it makes from now on, to the files and the connections
/// that `options` names. Paths are opened now: what they name later does not matter.
/// Errors: not_found — a path cannot be opened; internal — a kernel that has Landlock refused.
/// Nothing is confined then.
Result<SandboxReport> confine_files(const SandboxOptions& options);

/// Forbids, to all threads of the process, what a server that serves has no use for: to execute or
/// fork, to look into other processes, to connect (but to the database), to listen, to mount, to
/// change users, namespaces, the kernel or the clock. Forbidden calls return EPERM.
/// Errors: internal — a kernel that has seccomp refused, or a thread could not follow.
Result<SandboxReport> filter_calls(const SandboxOptions& options);

}  // namespace troika::serve
