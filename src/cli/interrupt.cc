#include "cli/interrupt.h"

#include <termios.h>
#include <unistd.h>

#include <csignal>
#include <string_view>

#include "cli/exit_code.h"

namespace troika::cli {
namespace {

enum State : std::sig_atomic_t { at_once, deferred, requested_state };

// A signal handler has no argument to carry state: these two variables are the whole of it.
volatile std::sig_atomic_t state = at_once;
volatile std::sig_atomic_t reload_requested = 0;

extern "C" void on_hangup(int) {
  reload_requested = 1;
}

void handle_hangup(void (*handler)(int)) {
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(SIGHUP, &action, nullptr);
}

extern "C" void on_signal(int) {
  if (state == deferred) {
    state = requested_state;
    return;
  }
  // At a terminal a progress bar may stand on the line. Only what a signal handler may call.
  constexpr std::string_view kEraseLine = "\r\x1b[K";
  constexpr std::string_view kLine = "troika: interrupted\n";
  termios terminal;
  if (tcgetattr(STDERR_FILENO, &terminal) == 0)
    (void)!write(STDERR_FILENO, kEraseLine.data(), kEraseLine.size());
  (void)!write(STDERR_FILENO, kLine.data(), kLine.size());
  _exit(kExitInterrupted);
}

}  // namespace

void install_interrupt_handlers() {
  struct sigaction action = {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (const int signal : {SIGINT, SIGTERM}) sigaction(signal, &action, nullptr);
}

void ignore_interrupts() {
  for (const int signal : {SIGINT, SIGTERM}) std::signal(signal, SIG_IGN);
}

InterruptScope::InterruptScope() {
  state = deferred;
}

InterruptScope::~InterruptScope() {
  state = at_once;
}

bool InterruptScope::requested() const {
  return state == requested_state;
}

ReloadScope::ReloadScope() {
  reload_requested = 0;
  if (isatty(STDERR_FILENO) == 0) handle_hangup(on_hangup);
}

ReloadScope::~ReloadScope() {
  if (isatty(STDERR_FILENO) == 0) handle_hangup(SIG_DFL);
}

bool ReloadScope::take_request() {
  const bool requested = reload_requested != 0;
  reload_requested = 0;
  return requested;
}

}  // namespace troika::cli
