#include "cli/interrupt.h"

#include <termios.h>
#include <unistd.h>

#include <csignal>
#include <string_view>

#include "cli/exit_code.h"

namespace troika::cli {
namespace {

enum State : std::sig_atomic_t { at_once, deferred, requested_state };

// A signal handler has no argument to carry state: this one variable is the whole of it.
volatile std::sig_atomic_t state = at_once;

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

InterruptScope::InterruptScope() {
  state = deferred;
}

InterruptScope::~InterruptScope() {
  state = at_once;
}

bool InterruptScope::requested() const {
  return state == requested_state;
}

}  // namespace troika::cli
