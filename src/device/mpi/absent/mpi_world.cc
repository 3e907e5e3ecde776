// In place of MPI where the build found none.
#include "device/mpi/mpi_world.h"

#include <cstdlib>

namespace troika {

struct MpiShared {};

Result<std::unique_ptr<MpiWorld>> MpiWorld::join() {
  return fail(ErrorCode::unsupported,
              "this build has no MPI: it was made without an MPI library; wanted libopenmpi-dev or "
              "libmpich-dev, and a build anew");
}

MpiWorld::~MpiWorld() = default;

Result<std::vector<std::string>> MpiWorld::tell_all(std::string_view text) {
  return std::vector<std::string>{std::string(text)};
}

std::unique_ptr<Channel> MpiWorld::channel(int64_t, int) {
  return nullptr;
}

void MpiWorld::end() {}

void MpiWorld::abort(int exit_code) {
  std::_Exit(exit_code);
}

}  // namespace troika
