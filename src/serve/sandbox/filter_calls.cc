// A list of what is forbidden, not of what is allowed: a library that makes another harmless call
// in its next version must not stop a server. What could go round the list is on it (io_uring).

#include <fmt/format.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include "serve/sandbox/sandbox.h"

namespace troika::serve {
namespace {

using Filter = std::unique_ptr<void, decltype(&seccomp_release)>;

constexpr uint32_t kRefuse = SCMP_ACT_ERRNO(EPERM);

/// By name, because not every machine has each of them: those that are unknown cannot be called.
constexpr std::array kForbidden = {
    // other programs and processes
    "execve",
    "execveat",
    "fork",
    "vfork",
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
    "pidfd_open",
    "pidfd_getfd",
    "pidfd_send_signal",
    "kcmp",
    "process_madvise",
    // new listeners, and a way round this list
    "bind",
    "listen",
    "io_uring_setup",
    "io_uring_enter",
    "io_uring_register",
    // file systems and namespaces
    "mount",
    "umount",
    "umount2",
    "pivot_root",
    "chroot",
    "move_mount",
    "open_tree",
    "fsopen",
    "fsconfig",
    "fsmount",
    "fspick",
    "mount_setattr",
    "setns",
    "unshare",
    "open_by_handle_at",
    "name_to_handle_at",
    "mknod",
    "mknodat",
    "quotactl",
    "swapon",
    "swapoff",
    // users and capabilities
    "setuid",
    "setgid",
    "setreuid",
    "setregid",
    "setresuid",
    "setresgid",
    "setfsuid",
    "setfsgid",
    "setgroups",
    "capset",
    // the kernel, its keys, its clock, its ports
    "bpf",
    "perf_event_open",
    "userfaultfd",
    "init_module",
    "finit_module",
    "delete_module",
    "kexec_load",
    "kexec_file_load",
    "reboot",
    "keyctl",
    "add_key",
    "request_key",
    "settimeofday",
    "clock_settime",
    "adjtimex",
    "clock_adjtime",
    "stime",
    "sethostname",
    "setdomainname",
    "iopl",
    "ioperm",
    "modify_ldt",
    "personality",
    "acct",
    "syslog",
    "vhangup",
    "uselib",
    "lookup_dcookie",
};

Status added(int result, std::string_view what) {
  if (result == 0 || result == -EDOM) return ok();  // EDOM: not a call of this machine
  return fail(ErrorCode::internal, "seccomp: {}: {}", what, std::strerror(-result));
}

Status forbid(const Filter& filter, const char* name) {
  const int call = seccomp_syscall_resolve_name(name);
  if (call == __NR_SCMP_ERROR) return ok();
  return added(seccomp_rule_add(filter.get(), kRefuse, call, 0), name);
}

Status forbid_where(const Filter& filter, int call, scmp_arg_cmp argument, std::string_view what) {
  return added(seccomp_rule_add_array(filter.get(), kRefuse, call, 1, &argument), what);
}

Status forbid_processes(const Filter& filter) {
  // Threads may still come. Of clone3 the filter cannot see the flags: where it seems to be
  // missing, the C library takes clone.
  TROIKA_RETURN_IF_ERROR(
      added(seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0), "clone3"));
  return forbid_where(filter, SCMP_SYS(clone), SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0),
                      "clone");
}

/// Sockets of a connection to the database: streams of its family.
Status forbid_sockets(const Filter& filter, const std::optional<SandboxDatabase>& database) {
  if (!database) {
    TROIKA_RETURN_IF_ERROR(forbid(filter, "connect"));
    return forbid(filter, "socket");
  }
  const bool local = database->port == 0;
  const int last = local ? AF_UNIX : AF_INET6;
  TROIKA_RETURN_IF_ERROR(forbid_where(
      filter, SCMP_SYS(socket), SCMP_A0(SCMP_CMP_GT, static_cast<scmp_datum_t>(last)), "families"));
  for (int family = AF_INET + 1; !local && family < AF_INET6; family++)
    TROIKA_RETURN_IF_ERROR(forbid_where(filter, SCMP_SYS(socket),
                                        SCMP_A0(SCMP_CMP_EQ, static_cast<scmp_datum_t>(family)),
                                        "families"));
  constexpr scmp_datum_t kTypes = 0xf;  // the rest of the argument are flags
  for (const int type : {SOCK_DGRAM, SOCK_RAW, SOCK_RDM, SOCK_SEQPACKET, SOCK_DCCP, SOCK_PACKET})
    TROIKA_RETURN_IF_ERROR(forbid_where(
        filter, SCMP_SYS(socket),
        SCMP_A1(SCMP_CMP_MASKED_EQ, kTypes, static_cast<scmp_datum_t>(type)), "types"));
  return ok();
}

}  // namespace

Result<SandboxReport> filter_calls(const SandboxOptions& options) {
  const Filter filter(seccomp_init(SCMP_ACT_ALLOW), &seccomp_release);
  if (filter == nullptr) return fail(ErrorCode::internal, "seccomp: no memory for a filter");
  for (const char* name : kForbidden) TROIKA_RETURN_IF_ERROR(forbid(filter, name));
  TROIKA_RETURN_IF_ERROR(forbid_processes(filter));
  TROIKA_RETURN_IF_ERROR(forbid_sockets(filter, options.database));
  TROIKA_RETURN_IF_ERROR(
      added(seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_TSYNC, 1), "all threads"));
  const int loaded = seccomp_load(filter.get());
  if (loaded == -EINVAL || loaded == -ENOSYS)
    return SandboxReport{.text =
                             "system calls are not filtered: this kernel has no seccomp filter"};
  if (loaded != 0)
    return fail(ErrorCode::internal, "seccomp: to load the filter: {}", std::strerror(-loaded));
  std::string text = fmt::format("system calls are filtered; {}",
                                 options.database ? "connections are those to the database"
                                                  : "no connections, no new listeners");
  return SandboxReport{.connections = !options.database, .calls = true, .text = std::move(text)};
}

}  // namespace troika::serve
