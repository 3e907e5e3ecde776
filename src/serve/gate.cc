#include "serve/gate.h"

#include <arpa/inet.h>

namespace troika::serve {
namespace {

std::vector<KeyDigest> digests_of(const std::vector<std::string>& keys) {
  std::vector<KeyDigest> digests;
  for (const std::string& key : keys) digests.push_back(digest_of(key));
  return digests;
}

/// Compares with all of them, so that time tells nothing.
bool is_one_of(const std::vector<KeyDigest>& digests, std::string_view key) {
  if (key.empty() || key.size() > kKeyBytesMax) return false;
  const KeyDigest given = digest_of(key);
  bool known = false;
  for (const KeyDigest& digest : digests) known = digest == given || known;
  return known;
}

std::string_view without_port(std::string_view host) {
  if (host.starts_with('[')) return host.substr(0, host.find(']') + 1);
  return host.substr(0, host.find(':'));
}

/// Whether a browser sent this on behalf of a page that this server did not send.
bool from_elsewhere(const http::Request& request) {
  const auto origin = request.header("origin");
  if (!origin) return false;
  const auto host = request.header("host");
  const size_t scheme = origin->find("://");
  return !host || scheme == std::string_view::npos || origin->substr(scheme + 3) != *host;
}

Refusal unknown_key(std::string_view key) {
  return {.status = 401,
          .message = key.empty() ? "there is no key, wanted \"Authorization: Bearer KEY\""
                                 : "the key is not known here",
          .type = "authentication_error",
          .code = "invalid_api_key",
          .headers = {{"WWW-Authenticate", "Bearer"}}};
}

}  // namespace

bool is_loopback(std::string_view host) {
  const std::string name(without_port(host));
  if (name == "localhost" || name == "[::1]" || host == "::1") return true;
  // An address, not a name that begins like one: 127.0.0.1.example is anywhere.
  in_addr address = {};
  return inet_pton(AF_INET, name.c_str(), &address) == 1 && name.starts_with("127.");
}

std::string_view key_of(const http::Request& request) {
  constexpr std::string_view kBearer = "Bearer ";
  if (const auto key = request.header("x-api-key")) return *key;
  const auto authorization = request.header("authorization");
  if (!authorization || authorization->size() < kBearer.size() ||
      !http::same_name(authorization->substr(0, kBearer.size()), kBearer))
    return {};
  return authorization->substr(kBearer.size());
}

Gate::Gate(const GateOptions& options, const TenantStore& tenants)
    : tenants_(tenants),
      api_keys_(digests_of(options.api_keys)),
      admin_keys_(digests_of(options.admin_keys)) {}

Caller Gate::local_caller() const {
  Caller caller{.directory = tenants_.directory()};
  caller.tenant = caller.directory->find(kLocalTenant);
  return caller;
}

std::variant<Caller, Refusal> Gate::local(const http::Request& request) const {
  const auto host = request.header("host");
  if (host && !is_loopback(*host))
    return Refusal{.status = 403,
                   .message =
                       "the request names another host than this machine, wanted "
                       "localhost, or a server with keys",
                   .type = "permission_error"};
  if (from_elsewhere(request))
    return Refusal{.status = 403,
                   .message = "the request comes from a page of elsewhere",
                   .type = "permission_error"};
  return local_caller();
}

std::variant<Caller, Refusal> Gate::let_in(const http::Request& request, Access access) const {
  const std::string_view key = key_of(request);
  if (access == Access::open) return Caller{};
  if (access == Access::admin) {
    if (!needs_admin_key()) return local(request);
    if (is_one_of(admin_keys_, key)) return Caller{};
    return unknown_key(key);
  }
  Caller caller{.directory = tenants_.directory()};
  if (!caller.directory->needs_key()) {
    if (api_keys_.empty()) return local(request);
    if (is_one_of(api_keys_, key)) return local_caller();
    return unknown_key(key);
  }
  caller.tenant = caller.directory->find_key(key);
  if (caller.tenant == nullptr) return unknown_key(key);
  caller.key_id = digest_of(key).id();
  return caller;
}

}  // namespace troika::serve
