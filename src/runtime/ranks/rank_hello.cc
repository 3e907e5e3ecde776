#include "runtime/ranks/rank_hello.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <memory>
#include <optional>
#include <system_error>

#include "core/mapped_file.h"
#include "core/printable.h"
#include "core/text_file.h"
#include "core/topology.h"
#include "runtime/memory_check.h"

namespace troika {
namespace {

/// "0-3,8", as parse_processors() reads it.
std::string processors_text(std::span<const int> processors) {
  std::string text;
  for (size_t i = 0; i < processors.size();) {
    size_t end = i + 1;
    while (end < processors.size() && processors[end] == processors[end - 1] + 1) end++;
    text += fmt::format("{}{}", text.empty() ? "" : ",", processors[i]);
    if (end > i + 1) text += fmt::format("-{}", processors[end - 1]);
    i = end;
  }
  return text;
}

int64_t number_of(std::string_view text) {
  int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

/// A line of a text cannot hold the end of one.
std::string one_line(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  return text;
}

std::string hash_of_program() {
  const Result<MappedFile> program = MappedFile::open("/proc/self/exe");
  if (!program.ok()) return "unknown";
  return fmt::format("{:016x}", XXH64(program->bytes().data(), program->bytes().size(), 0));
}

std::string link_at(const char* path) {
  std::error_code error;
  return std::filesystem::read_symlink(path, error).string();
}

std::string first_line(const char* path) {
  const Result<std::string> text = read_text_file(path);
  return text.ok() ? text->substr(0, text->find('\n')) : std::string();
}

/// The first address of an interface that is up which is no private one.
std::string public_address_of_host() {
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return "unknown, because interfaces cannot be listed";
  const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owner(list, &freeifaddrs);
  for (const ifaddrs* one = list; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr || (one->ifa_flags & IFF_UP) == 0) continue;
    std::array<char, INET6_ADDRSTRLEN> text{};
    const int family = one->ifa_addr->sa_family;
    if (family == AF_INET) {
      const auto* address = reinterpret_cast<const sockaddr_in*>(one->ifa_addr);
      inet_ntop(family, &address->sin_addr, text.data(), text.size());
    } else if (family == AF_INET6) {
      const auto* address = reinterpret_cast<const sockaddr_in6*>(one->ifa_addr);
      inet_ntop(family, &address->sin6_addr, text.data(), text.size());
    } else {
      continue;
    }
    if (!is_private_address(text.data())) return text.data();
  }
  return "";
}

bool share_processors(const RankHello& a, const RankHello& b) {
  return a.machine == b.machine && std::ranges::any_of(a.processors, [&](int processor) {
           return std::ranges::binary_search(b.processors, processor);
         });
}

Error about(size_t rank, const RankHello& hello, std::string_view what) {
  return fail(ErrorCode::invalid_argument, "rank {} on {} {}", rank, printable(hello.host), what);
}

}  // namespace

std::string RankHello::text() const {
  std::string text;
  const auto add = [&text](std::string_view key, const std::string& value) {
    text += fmt::format("{}={}\n", key, one_line(value));
  };
  add("version", version);
  add("build", build);
  add("host", host);
  add("machine", machine);
  add("network", network);
  add("public_address", public_address);
  add("processors", processors_text(processors));
  add("model", model);
  add("memory_bytes", fmt::format("{}", memory_bytes));
  add("error", error);
  return text;
}

RankHello RankHello::read(std::string_view text) {
  RankHello hello;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const size_t equals = line.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view key = line.substr(0, equals);
    const std::string value(line.substr(equals + 1));
    if (key == "version") hello.version = value;
    if (key == "build") hello.build = value;
    if (key == "host") hello.host = value;
    if (key == "machine") hello.machine = value;
    if (key == "network") hello.network = value;
    if (key == "public_address") hello.public_address = value;
    if (key == "model") hello.model = value;
    if (key == "error") hello.error = value;
    if (key == "memory_bytes") hello.memory_bytes = number_of(value);
    if (key == "processors") {
      if (Result<std::vector<int>> list = parse_processors(value); list.ok())
        hello.processors = std::move(*list);
    }
  }
  return hello;
}

RankHello hello_of_this_machine() {
  RankHello hello;
  std::array<char, 256> name{};
  gethostname(name.data(), name.size() - 1);
  hello.host = name.data();
  hello.build = hash_of_program();
  hello.machine = first_line("/proc/sys/kernel/random/boot_id");
  if (hello.machine.empty()) hello.machine = hello.host;
  hello.network = link_at("/proc/self/ns/net");
  hello.public_address = public_address_of_host();
  for (const Core& core : available_cores())
    hello.processors.insert(hello.processors.end(), core.processors.begin(), core.processors.end());
  std::ranges::sort(hello.processors);
  hello.memory_bytes = memory_available(0);
  return hello;
}

bool is_private_address(std::string_view address) {
  const std::string text(address);
  std::array<uint8_t, 16> bytes{};
  const auto begins = [&bytes](uint8_t first, uint8_t second, int bits) {
    const int whole = (first << 8) | second;
    const int given = (bytes[0] << 8) | bytes[1];
    return (given >> (16 - bits)) == (whole >> (16 - bits));
  };
  if (inet_pton(AF_INET, text.c_str(), bytes.data()) == 1)
    return begins(127, 0, 8) || begins(10, 0, 8) || begins(172, 16, 12) || begins(192, 168, 16) ||
           begins(169, 254, 16) || begins(100, 64, 10);
  if (inet_pton(AF_INET6, text.c_str(), bytes.data()) != 1) return false;
  constexpr std::array<uint8_t, 16> kLoopback = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return bytes == kLoopback || begins(0xfc, 0, 7) || begins(0xfe, 0x80, 10);
}

Status check_ranks(std::span<const RankHello> ranks, bool trust_network) {
  const RankHello& first = ranks[0];
  bool together = true;
  for (size_t r = 0; r < ranks.size(); r++) {
    const RankHello& hello = ranks[r];
    if (hello.version != first.version || hello.build != first.build)
      return about(r, hello,
                   fmt::format("runs {} of build {} and rank 0 {} of build {}, wanted the same "
                               "program on all ranks",
                               printable(hello.version), printable(hello.build),
                               printable(first.version), printable(first.build)));
    if (!hello.error.empty()) return about(r, hello, fmt::format("cannot begin: {}", hello.error));
    if (hello.model != first.model)
      return about(r, hello,
                   "has another model than rank 0, wanted the same file, or a copy of it, on all "
                   "ranks");
    together = together && hello.machine == first.machine && hello.network == first.network;
  }
  if (together || trust_network) return ok();
  for (size_t r = 0; r < ranks.size(); r++)
    if (!ranks[r].public_address.empty())
      return about(r, ranks[r],
                   fmt::format("has the public address {}: ranks trust whoever reaches them, and "
                               "what they say is not encrypted; wanted private networks alone, or "
                               "--mpi-trust-network",
                               printable(ranks[r].public_address)));
  return ok();
}

int64_t ranks_beside(std::span<const RankHello> ranks, size_t rank) {
  return std::ranges::count_if(
      ranks, [&](const RankHello& other) { return share_processors(ranks[rank], other); });
}

}  // namespace troika
