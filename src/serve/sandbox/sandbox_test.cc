// Each test forks a child, confines it, and lets it try what must not work and what must.

#include "serve/sandbox/sandbox.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>

namespace troika::serve {
namespace {

/// What a child says of itself: nothing, or what went wrong.
using Complaints = std::string;

Complaints in_child(const std::function<Complaints()>& work) {
  int ends[2];
  if (pipe(ends) != 0) return "no pipe";
  const pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    const Complaints said = work();
    if (write(ends[1], said.data(), said.size()) < 0) _exit(3);
    _exit(0);
  }
  close(ends[1]);
  Complaints said;
  char buffer[512];
  for (ssize_t count; (count = read(ends[0], buffer, sizeof buffer)) > 0;)
    said.append(buffer, static_cast<size_t>(count));
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) said += " the child died";
  return said;
}

/// "" if the call failed with one of two errors, as it must.
Complaints refused(const char* what, long result, int wanted, int or_this = 0) {
  const int got = errno;
  if (result < 0 && (got == wanted || got == or_this)) return "";
  return std::string(what) + (result < 0 ? std::string(": ") + std::strerror(got) : " worked") +
         "; ";
}

Complaints worked(const char* what, bool did) {
  if (did) return "";
  return std::string(what) + ": " + std::strerror(errno) + "; ";
}

bool can_read(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY);
  if (file >= 0) close(file);
  return file >= 0;
}

bool can_write(const std::string& path) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT, 0600);
  if (file >= 0) close(file);
  return file >= 0;
}

/// A socket that listens on this machine, on a port that the system chose.
struct Listener {
  Listener() : socket(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* plain = reinterpret_cast<sockaddr*>(&address);
    if (bind(socket, plain, size) == 0 && listen(socket, 4) == 0 &&
        getsockname(socket, plain, &size) == 0)
      port = ntohs(address.sin_port);
  }
  ~Listener() { close(socket); }

  int socket;
  uint16_t port = 0;
};

long connect_to(uint16_t port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return socket;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  const long result = connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address);
  const int error = errno;
  close(socket);
  errno = error;
  return result;
}

class SandboxTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "sandbox-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    for (const char* name : {"model", "state", "other"})
      std::filesystem::create_directory(folder_ + "/" + name);
    std::ofstream(folder_ + "/model/weights") << "w";
    std::ofstream(folder_ + "/other/secret") << "s";
    options_.read_only = {folder_ + "/model"};
    options_.read_write = {folder_ + "/state"};
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  /// Runs `work` in a child whose calls are filtered, or passes over where the kernel cannot.
  void filtered(const std::function<Complaints()>& work) {
    const Complaints said = in_child([&]() -> Complaints {
      const Result<SandboxReport> report = filter_calls(options_);
      if (!report.ok()) return report.error().message();
      return report->calls ? work() : "no seccomp";
    });
    if (said == "no seccomp") GTEST_SKIP() << "this kernel has no seccomp filter";
    EXPECT_EQ(said, "");
  }

  /// The same for files.
  void confined(const std::function<Complaints()>& work, bool wants_ports = false) {
    const Complaints said = in_child([&]() -> Complaints {
      const Result<SandboxReport> report = confine_files(options_);
      if (!report.ok()) return report.error().message();
      return report->files && (report->connections || !wants_ports) ? work() : "no Landlock";
    });
    if (said == "no Landlock") GTEST_SKIP() << "this kernel has no Landlock that could";
    EXPECT_EQ(said, "");
  }

  std::string folder_;
  SandboxOptions options_;
};

TEST_F(SandboxTest, FilesOutsideCannotBeOpenedAndModelsCannotBeChanged) {
  confined([this] {
    Complaints said = worked("read model", can_read(folder_ + "/model/weights"));
    said += worked("write state", can_write(folder_ + "/state/ledger"));
    said += worked("read state", can_read(folder_ + "/state/ledger"));
    said += worked("rename", rename((folder_ + "/state/ledger").c_str(),
                                    (folder_ + "/state/kept").c_str()) == 0);
    said += worked("remove", unlink((folder_ + "/state/kept").c_str()) == 0);
    said += worked("write /dev/null", can_write("/dev/null"));
    said += worked("read /proc/self/status", can_read("/proc/self/status"));
    said += refused("read secret", can_read(folder_ + "/other/secret") ? 0 : -1, EACCES);
    said += refused("change model", can_write(folder_ + "/model/weights") ? 0 : -1, EACCES);
    said += refused("add to model", can_write(folder_ + "/model/more") ? 0 : -1, EACCES);
    said += refused("remove model", unlink((folder_ + "/model/weights").c_str()), EACCES);
    said += refused("truncate", truncate((folder_ + "/model/weights").c_str(), 0), EACCES);
    said += refused("read /etc/shadow", can_read("/etc/shadow") ? 0 : -1, EACCES, ENOENT);
    said += refused("write /tmp", can_write("/tmp/troika-sandbox-test") ? 0 : -1, EACCES);
    return said;
  });
}

TEST_F(SandboxTest, WhatDriversOfGpusReadIsOpenOnDemand) {
  constexpr const char* kDrivers = "/usr/share/vulkan";
  if (!std::filesystem::exists(kDrivers)) GTEST_SKIP() << "no Vulkan on this machine";
  confined([] { return refused("read drivers", can_read(kDrivers) ? 0 : -1, EACCES); });
  options_.gpu = true;
  confined([this] {
    Complaints said = worked("read drivers", can_read(kDrivers));
    said += refused("change drivers", can_write("/usr/share/vulkan/more") ? 0 : -1, EACCES);
    said += refused("read secret", can_read(folder_ + "/other/secret") ? 0 : -1, EACCES);
    return said;
  });
}

TEST_F(SandboxTest, WhatIsWrittenCannotBeExecuted) {
  confined([this]() -> Complaints {
    const std::string path = folder_ + "/state/program";
    std::ofstream(path) << "#!/bin/sh\nexit 0\n";
    chmod(path.c_str(), 0700);
    char* const arguments[] = {const_cast<char*>(path.c_str()), nullptr};
    return refused("execute", execv(path.c_str(), arguments), EACCES);
  });
}

TEST_F(SandboxTest, ThreadsMadeLaterAreConfinedToo) {
  confined([this] {
    Complaints said;
    std::thread([&] {
      said = refused("read secret", can_read(folder_ + "/other/secret") ? 0 : -1, EACCES);
    }).join();
    return said;
  });
}

TEST_F(SandboxTest, APathThatIsNotThereIsNamedAndNothingIsConfined) {
  options_.read_only.push_back(folder_ + "/missing");
  const Complaints said = in_child([this]() -> Complaints {
    const Result<SandboxReport> report = confine_files(options_);
    if (report.ok()) return report->files ? "confined" : "no Landlock";
    if (report.error().code() != ErrorCode::not_found) return "another error";
    if (report.error().message().find("/missing") == std::string::npos) return "not named";
    return worked("read other", can_read(folder_ + "/other/secret"));
  });
  if (said == "no Landlock") GTEST_SKIP() << "this kernel has no Landlock";
  EXPECT_EQ(said, "");
}

TEST_F(SandboxTest, ConnectionsGoToTheDatabasePortOnly) {
  const Listener database, other;
  ASSERT_NE(database.port, 0);
  options_.database = SandboxDatabase{.port = database.port};
  confined(
      [&] {
        return worked("database", connect_to(database.port) == 0) +
               refused("another port", connect_to(other.port), EACCES);
      },
      true);
}

TEST_F(SandboxTest, WithoutADatabaseNothingIsConnectedTo) {
  const Listener other;
  filtered([&] { return refused("connect", connect_to(other.port), EPERM); });
  const int before = ::socket(AF_INET, SOCK_STREAM, 0);
  filtered([&] {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(other.port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const auto* plain = reinterpret_cast<const sockaddr*>(&address);
    return refused("connect an old socket", connect(before, plain, sizeof address), EPERM);
  });
  close(before);
}

TEST_F(SandboxTest, OnlyStreamsOfTheDatabasesFamilyAreMade) {
  options_.database = SandboxDatabase{.port = 5432};
  filtered([] {
    return worked("TCP", ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0) >= 0) +
           worked("TCP 6", ::socket(AF_INET6, SOCK_STREAM, 0) >= 0 || errno == EAFNOSUPPORT) +
           refused("UDP", ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), EPERM) +
           refused("raw", ::socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), EPERM) +
           refused("packet", ::socket(AF_PACKET, SOCK_DGRAM, 0), EPERM) +
           refused("netlink", ::socket(AF_NETLINK, SOCK_RAW, 0), EPERM) +
           refused("IPX", ::socket(AF_IPX, SOCK_STREAM, 0), EPERM);
  });
  options_.database = SandboxDatabase{};
  filtered([] {
    return worked("local", ::socket(AF_UNIX, SOCK_STREAM, 0) >= 0) +
           refused("TCP", ::socket(AF_INET, SOCK_STREAM, 0), EPERM);
  });
}

TEST_F(SandboxTest, OldListenersGoOnAndNewOnesAreRefused) {
  const Listener listener;
  options_.database = SandboxDatabase{.port = listener.port};  // so that the child has a client
  filtered([&] {
    Complaints said = worked("connect", connect_to(listener.port) == 0);
    said += worked("accept", accept4(listener.socket, nullptr, nullptr, SOCK_CLOEXEC) >= 0);
    const int fresh = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    const auto* plain = reinterpret_cast<const sockaddr*>(&address);
    said += refused("bind", bind(fresh, plain, sizeof address), EPERM);
    said += refused("listen", listen(fresh, 1), EPERM);
    return said;
  });
}

TEST_F(SandboxTest, ForbiddenCallsAreRefused) {
  filtered([this] {
    char* const arguments[] = {const_cast<char*>("true"), nullptr};
    Complaints said = refused("execve", execv("/bin/true", arguments), EPERM);
    said += refused("fork", fork(), EPERM);
    said += refused("vfork", syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, 0), EPERM);
    said += refused("ptrace", ptrace(PTRACE_TRACEME, 0, nullptr, nullptr), EPERM);
    said += refused("process_vm_readv",
                    syscall(SYS_process_vm_readv, getppid(), nullptr, 0, nullptr, 0, 0), EPERM);
    said += refused("mount", mount("none", folder_.c_str(), "tmpfs", 0, nullptr), EPERM);
    said += refused("umount", umount2(folder_.c_str(), 0), EPERM);
    said += refused("chroot", chroot(folder_.c_str()), EPERM);
    said += refused("unshare", unshare(CLONE_NEWUSER), EPERM);
    said += refused("setuid", setuid(getuid()), EPERM);
    said += refused("bpf", syscall(SYS_bpf, 0, nullptr, 0), EPERM);
    said += refused("perf", syscall(SYS_perf_event_open, nullptr, 0, -1, -1, 0), EPERM);
    said += refused("io_uring", syscall(SYS_io_uring_setup, 1, nullptr), EPERM);
    said += refused("keyctl", syscall(SYS_keyctl, 0, 0, 0, 0, 0), EPERM);
    said += refused("clone3", syscall(SYS_clone3, nullptr, 0), ENOSYS);
    said += refused("init_module", syscall(SYS_init_module, nullptr, 0, ""), EPERM);
    return said;
  });
}

TEST_F(SandboxTest, ThreadsOfBeforeAreFilteredAndNewOnesCanBeMade) {
  const Complaints said = in_child([this]() -> Complaints {
    int ends[2];
    if (pipe(ends) != 0) return "no pipe";
    Complaints early, late;
    std::thread thread([&] {
      char byte = 0;
      if (read(ends[0], &byte, 1) != 1) early = "no word";
      early += refused("mount", mount("none", "/", "tmpfs", 0, nullptr), EPERM);
      early += refused("socket", ::socket(AF_INET, SOCK_STREAM, 0), EPERM);
    });
    const Result<SandboxReport> report = filter_calls(options_);
    const bool told = write(ends[1], "x", 1) == 1;
    thread.join();
    if (!report.ok()) return report.error().message();
    if (!report->calls) return "no seccomp";
    std::thread([&] { late = refused("socket", ::socket(AF_INET, SOCK_STREAM, 0), EPERM); }).join();
    return worked("to tell", told) + early + late;
  });
  if (said == "no seccomp") GTEST_SKIP() << "this kernel has no seccomp filter";
  EXPECT_EQ(said, "");
}

TEST_F(SandboxTest, BothTogetherSayWhatHolds) {
  const Complaints said = in_child([this]() -> Complaints {
    const Result<SandboxReport> files = confine_files(options_);
    const Result<SandboxReport> calls = filter_calls(options_);
    if (!files.ok()) return files.error().message();
    if (!calls.ok()) return calls.error().message();
    if (files->text.find("files are ") != 0) return files->text;
    if (calls->text.find("system calls are ") != 0) return calls->text;
    return worked("write state", can_write(folder_ + "/state/ledger"));
  });
  EXPECT_EQ(said, "");
}

}  // namespace
}  // namespace troika::serve
