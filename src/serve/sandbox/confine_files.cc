// Landlock, by the calls of the kernel: the C library has no names for them, and headers are older
// than kernels. Numbers and layouts are those of linux/landlock.h up to version 7 of the interface.

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <initializer_list>
#include <system_error>
#include <utility>

#include "serve/sandbox/sandbox.h"

namespace troika::serve {
namespace {

// Rights to files, a bit each, in the order of the kernel's numbers.
constexpr uint64_t kExecute = 1U << 0;
constexpr uint64_t kWriteFile = 1U << 1;
constexpr uint64_t kReadFile = 1U << 2;
constexpr uint64_t kReadFolder = 1U << 3;
constexpr uint64_t kMakeCharDevice = 1U << 6;
constexpr uint64_t kMakeBlockDevice = 1U << 11;
constexpr uint64_t kRefer = 1U << 13;     // since version 2
constexpr uint64_t kTruncate = 1U << 14;  // 3
constexpr uint64_t kIoctl = 1U << 15;     // 5
constexpr uint64_t kFirstVersion = kRefer - 1;

constexpr uint64_t kConnectTcp = 1U << 1;      // 4
constexpr uint64_t kAbstractSocket = 1U << 0;  // 6
constexpr uint64_t kSignal = 1U << 1;          // 6

constexpr int kCreateVersion = 1;
constexpr int kRulePath = 1;
constexpr int kRulePort = 2;

struct RulesetAttributes {
  uint64_t files;
  uint64_t net;
  uint64_t scoped;
};
struct __attribute__((packed)) PathRule {
  uint64_t allowed;
  int32_t parent;
};
struct PortRule {
  uint64_t allowed;
  uint64_t port;
};

/// What the C library, OpenSSL and the look at the machine read; those that are missing are passed
/// over. Names resolve by files alone: a name server would be another peer.
constexpr std::array kSystemFiles = {
    "/etc/ssl",
    "/etc/hosts",
    "/etc/nsswitch.conf",
    "/etc/host.conf",
    "/etc/localtime",
    "/etc/passwd",
    "/etc/ld.so.cache",
    "/usr/share/zoneinfo",
    "/usr/lib",
    "/lib",
    "/lib64",
    "/sys",
    "/proc/self",
    "/proc/meminfo",
    "/proc/cpuinfo",
    "/dev/null",
    "/dev/urandom",
};

/// What loaders and drivers of Vulkan read: their lists, their settings, what they know of devices.
constexpr std::array kGpuFiles = {
    "/etc/vulkan",        "/usr/share/vulkan", "/usr/local/share/vulkan", "/etc/drirc",
    "/usr/share/drirc.d", "/usr/share/libdrm", "/usr/share/nvidia",       "/proc/driver/nvidia",
};

constexpr std::array kGpuDevices = {"/dev/dri", "/dev/kfd"};

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return number_; }

 private:
  int number_;
};

Error refused(std::string_view what) {
  return fail(ErrorCode::internal, "Landlock: {}: {}", what, std::strerror(errno));
}

/// The kernel's version of the interface; 0: it has none.
int landlock_version() {
  const long version = syscall(SYS_landlock_create_ruleset, nullptr, 0, kCreateVersion);
  return version > 0 ? static_cast<int>(version) : 0;
}

uint64_t file_rights(int version) {
  uint64_t rights = kFirstVersion;
  if (version >= 2) rights |= kRefer;
  if (version >= 3) rights |= kTruncate;
  if (version >= 5) rights |= kIoctl;
  return rights;
}

Status allow_path(int ruleset, const std::string& path, uint64_t rights, bool may_be_missing) {
  const Descriptor place(open(path.c_str(), O_PATH | O_CLOEXEC));
  if (place.get() < 0) {
    if (may_be_missing) return ok();
    return fail(ErrorCode::not_found, "{}: {}, wanted for the sandbox", path, std::strerror(errno));
  }
  struct stat about {};
  if (fstat(place.get(), &about) != 0) return refused(path);
  if (!S_ISDIR(about.st_mode)) rights &= kExecute | kWriteFile | kReadFile | kTruncate | kIoctl;
  const PathRule rule{.allowed = rights, .parent = place.get()};
  if (syscall(SYS_landlock_add_rule, ruleset, kRulePath, &rule, 0) != 0) return refused(path);
  return ok();
}

/// "/dev/nvidia0", "/dev/nvidiactl", ...
std::vector<std::string> nvidia_devices() {
  std::vector<std::string> devices;
  std::error_code error;
  for (std::filesystem::directory_iterator at("/dev", error), end; !error && at != end;
       at.increment(error))
    if (at->path().filename().string().starts_with("nvidia")) devices.push_back(at->path());
  return devices;
}

Status allow_gpus(int ruleset, uint64_t handled) {
  const uint64_t read = kReadFile | kReadFolder;
  const uint64_t use = (read | kWriteFile | kIoctl) & handled;
  for (const char* path : kGpuFiles) TROIKA_RETURN_IF_ERROR(allow_path(ruleset, path, read, true));
  for (const char* path : kGpuDevices) TROIKA_RETURN_IF_ERROR(allow_path(ruleset, path, use, true));
  for (const std::string& path : nvidia_devices())
    TROIKA_RETURN_IF_ERROR(allow_path(ruleset, path, use, true));
  return ok();
}

Status allow_paths(int ruleset, const SandboxOptions& options, uint64_t handled) {
  const uint64_t read = kReadFile | kReadFolder;
  const uint64_t write = handled & ~(kExecute | kMakeCharDevice | kMakeBlockDevice | kIoctl);
  for (const char* path : kSystemFiles)
    TROIKA_RETURN_IF_ERROR(allow_path(ruleset, path, read, true));
  TROIKA_RETURN_IF_ERROR(
      allow_path(ruleset, "/dev/null", (read | kWriteFile | kTruncate) & handled, true));
  for (const std::string& path : options.read_only)
    TROIKA_RETURN_IF_ERROR(allow_path(ruleset, path, read, false));
  for (const std::string& path : options.read_write)
    TROIKA_RETURN_IF_ERROR(allow_path(ruleset, path, write, false));
  return options.gpu ? allow_gpus(ruleset, handled) : ok();
}

Status allow_database(int ruleset, const SandboxOptions& options) {
  if (!options.database || options.database->port == 0) return ok();
  const PortRule rule{.allowed = kConnectTcp, .port = options.database->port};
  if (syscall(SYS_landlock_add_rule, ruleset, kRulePort, &rule, 0) != 0) return refused("port");
  return ok();
}

std::string what_holds(int version, const SandboxOptions& options) {
  std::string text = fmt::format("files are confined (Landlock {})", version);
  if (version < 4)
    text += "; this kernel cannot bind connections to a port";
  else if (options.database && options.database->port != 0)
    text += fmt::format("; TCP connections go to port {} only", options.database->port);
  else
    text += "; no TCP connections";
  if (options.gpu) text += "; GPUs and what their drivers read stay open";
  return text;
}

}  // namespace

Result<SandboxReport> confine_files(const SandboxOptions& options) {
  const int version = landlock_version();
  if (version == 0)
    return SandboxReport{.text =
                             "files are not confined: this kernel has no Landlock, or it is off"};
  const RulesetAttributes attributes{.files = file_rights(version),
                                     .net = version >= 4 ? kConnectTcp : 0,
                                     .scoped = version >= 6 ? kAbstractSocket | kSignal : 0};
  const Descriptor ruleset(
      static_cast<int>(syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0)));
  if (ruleset.get() < 0) return refused("a ruleset");
  TROIKA_RETURN_IF_ERROR(allow_paths(ruleset.get(), options, attributes.files));
  if (version >= 4) TROIKA_RETURN_IF_ERROR(allow_database(ruleset.get(), options));
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return refused("no new privileges");
  if (syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0) return refused("to confine");
  return SandboxReport{
      .files = true, .connections = version >= 4, .text = what_holds(version, options)};
}

}  // namespace troika::serve
