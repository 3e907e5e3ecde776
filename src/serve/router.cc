#include "serve/router.h"

#include <string_view>

namespace troika::serve {
namespace {

bool matches(std::string_view pattern, std::string_view path) {
  if (!pattern.ends_with("/*")) return pattern == path;
  pattern.remove_suffix(1);
  return path.size() > pattern.size() && path.starts_with(pattern);
}

}  // namespace

Router::Match Router::find(const http::Request& request) const {
  std::string_view method = request.method;
  if (method == "HEAD") method = "GET";
  Match match;
  for (const Route& route : routes_) {
    if (!matches(route.path, request.path)) continue;
    if (route.method == method) return {.route = &route};
    match.methods += (match.methods.empty() ? "" : ", ") + route.method;
  }
  return match;
}

}  // namespace troika::serve
