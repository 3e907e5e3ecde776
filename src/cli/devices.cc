// troika devices: what this machine can compute on.

#include "runtime/devices.h"

#include <string>

#include "cli/command.h"
#include "cli/streams.h"
#include "runtime/memory_check.h"

namespace troika::cli {
namespace {

Status devices() {
  std::string text;
  for (const ListedDevice& device : list_devices()) {
    const std::string memory =
        device.usable ? bytes_text(static_cast<double>(device.memory_bytes)) : "none";
    text += fmt::format("{:<10}  {:>9}  {}\n", device.name, memory, device.description);
  }
  return write_stdout(text);
}

class DevicesCommand final : public Command {
 public:
  std::string_view name() const override { return "devices"; }
  std::string_view summary() const override { return "List the devices that --device takes"; }
  std::string_view examples() const override {
    return "  troika devices\n"
           "  troika run model.gguf --device vulkan:0 -p \"Three horses\"\n";
  }
  void declare(CLI::App&) override {}
  Status run() override { return devices(); }
};

}  // namespace

std::unique_ptr<Command> make_devices_command() {
  return std::make_unique<DevicesCommand>();
}

}  // namespace troika::cli
