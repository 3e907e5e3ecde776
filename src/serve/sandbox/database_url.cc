#include "serve/sandbox/database_url.h"

#include <algorithm>
#include <charconv>

namespace troika::serve {
namespace {

constexpr uint16_t kPostgresPort = 5432;

/// What follows `name`= in a query; empty: nothing does.
std::string_view parameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::string_view one = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), one.size() + 1));
    if (one.starts_with(name) && one.substr(name.size()).starts_with('='))
      return one.substr(name.size() + 1);
  }
  return {};
}

bool is_folder(std::string_view host) {
  return host.starts_with('/') || host.starts_with("%2F") || host.starts_with("%2f");
}

Result<uint16_t> port_of(std::string_view text) {
  if (text.empty()) return kPostgresPort;
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port == 0)
    return fail(ErrorCode::invalid_argument, "ledger: port '{}', wanted 1 to 65535", text);
  return port;
}

}  // namespace

Result<std::optional<SandboxDatabase>> database_of(std::string_view ledger) {
  std::string_view rest = ledger;
  for (const std::string_view scheme : {"postgresql://", "postgres://"})
    if (ledger.starts_with(scheme)) rest.remove_prefix(scheme.size());
  if (rest.size() == ledger.size()) return std::optional<SandboxDatabase>();
  const size_t question = rest.find('?');
  const std::string_view query =
      question == rest.npos ? std::string_view() : rest.substr(question + 1);
  std::string_view host = rest.substr(0, std::min(rest.find('/'), question));
  host.remove_prefix(host.rfind('@') + 1);  // npos + 1 is 0
  if (host.find(',') != host.npos)
    return fail(ErrorCode::invalid_argument, "ledger: hosts '{}', wanted one", host);
  std::string_view port = parameter(query, "port");
  const size_t colon = host.find(':', host.rfind(']') + 1);  // "[::1]:5432"
  if (colon != host.npos) {
    port = host.substr(colon + 1);
    host = host.substr(0, colon);
  }
  if (const std::string_view named = parameter(query, "host"); !named.empty()) host = named;
  if (host.empty() || is_folder(host)) return std::optional(SandboxDatabase{});
  TROIKA_TRY(const uint16_t number, port_of(port));
  return std::optional(SandboxDatabase{.port = number});
}

}  // namespace troika::serve
