#include "cli/exit_code.h"

namespace troika::cli {

int exit_code(const Status& status) {
  if (status.ok()) return kExitDone;
  switch (status.error().code()) {
    case ErrorCode::cancelled:
      return kExitInterrupted;
    case ErrorCode::invalid_argument:
    case ErrorCode::not_found:
    case ErrorCode::corrupt:
    case ErrorCode::unsupported:
    case ErrorCode::exhausted:
    case ErrorCode::device_lost:
    case ErrorCode::internal:
      break;
  }
  return kExitFailed;
}

}  // namespace troika::cli
