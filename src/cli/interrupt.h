// Ctrl-C and a polite kill. Outside of an InterruptScope they end the process at once, with one
// line; inside, the first one only asks the work to stop, so that it can end cleanly.
#pragma once

namespace troika::cli {

/// Installs the handlers, once, at the start of the program.
void install_interrupt_handlers();

/// Leaves SIGINT and SIGTERM to others: a rank that follows ends when rank 0 does.
void ignore_interrupts();

/// While one lives, the first signal sets requested() and the second ends the process. Not nested.
class InterruptScope {
 public:
  InterruptScope();
  ~InterruptScope();
  InterruptScope(const InterruptScope&) = delete;
  InterruptScope& operator=(const InterruptScope&) = delete;

  bool requested() const;
};

/// While one lives, SIGHUP asks for settings to be read again, as it does of a service. At a
/// terminal, where it says that the terminal is gone, it ends the process as ever. Not nested.
class ReloadScope {
 public:
  ReloadScope();
  ~ReloadScope();
  ReloadScope(const ReloadScope&) = delete;
  ReloadScope& operator=(const ReloadScope&) = delete;

  /// Whether it was asked for since the last call.
  bool take_request();
};

}  // namespace troika::cli
