// The table of all routes.
#include "serve/api/handlers.h"
#include "serve/app.h"
#include "serve/page/page.h"

namespace troika::serve {
namespace {

/// A route that is answered from what is known without the model.
template <typename Answer>
Route at_once(const char* path, Access access, Answer answer) {
  return {
      .method = "GET",
      .path = path,
      .access = access,
      .at_once = [answer](const auto& exchange, const Caller&) { exchange->respond(answer()); }};
}

/// A file, or that the client has it already.
http::Response page_response(const PageFile& file, const http::Request& request) {
  http::Response response{.content_type = std::string(file.type)};
  for (const auto& [name, value] : page_headers())
    response.headers.push_back({std::string(name), std::string(value)});
  response.headers.push_back({"ETag", std::string(file.etag)});
  if (request.header("if-none-match") == file.etag)
    response.status = 304;
  else
    response.body = std::string(file.bytes);
  return response;
}

}  // namespace

void App::add_routes() {
  for (Router* router : {&router_, &admin_router_}) {
    router->add(at_once("/health", Access::open,
                        [] { return http::Response{.body = R"({"status":"ok"})"}; }));
    router->add(at_once("/ready", Access::open, [this] { return readiness(); }));
    add_page_routes(*router);
  }
  const auto with_model = [this](const char* method, const char* path, auto handler) {
    router_.add({.method = method, .path = path, .with_model = handler});
  };
  with_model("GET", "/v1/models", handle_models);
  with_model("GET", "/v1/models/*", handle_models);
  with_model("POST", "/v1/completions", handle_completions);
  with_model("POST", "/v1/chat/completions", handle_chat_completions);
  with_model("POST", "/v1/responses", handle_responses);
  with_model("POST", "/v1/messages", handle_messages);
  with_model("POST", "/v1/messages/count_tokens", handle_count_tokens);
  with_model("POST", "/v1/embeddings", handle_embeddings);
  with_model("POST", "/infill", handle_infill);
  with_model("POST", "/apply-template", handle_apply_template);
  with_model("POST", "/tokenize", handle_tokenize);
  with_model("POST", "/detokenize", handle_detokenize);
  with_model("GET", "/props", handle_props);
  add_operator_routes(admin_router_);
  // One person on one machine needs no second listener.
  if (!gate_->needs_key()) add_operator_routes(router_);
}

/// The page's files hold nothing of anybody; what it asks for needs its key.
void App::add_page_routes(Router& router) {
  for (const PageFile& file : page_files())
    router.add({.method = "GET",
                .path = std::string(file.path),
                .access = Access::open,
                .at_once = [&file](const auto& exchange, const Caller&) {
                  exchange->respond(page_response(file, exchange->request()));
                }});
}

void App::add_operator_routes(Router& router) {
  router.add(at_once("/metrics", Access::admin, [this] { return metrics(); }));
  // These read and write files: on a worker's thread.
  const auto by_worker = [&](const char* method, const char* path, auto answer) {
    router.add(
        {.method = method,
         .path = path,
         .access = Access::admin,
         .at_once = [this, answer](const auto& exchange, const Caller&) {
           const bool taken = workers_->post(
               [answer, exchange] { exchange->respond(answer(exchange->request())); });
           if (!taken)
             exchange->respond(openai_error(
                 {.status = 503, .message = "too many requests wait", .type = "server_error"}));
         }});
  };
  Admin* admin = admin_.get();
  by_worker("GET", "/admin/tenants",
            [admin](const http::Request&) { return admin->list_tenants(); });
  by_worker("POST", "/admin/tenants",
            [admin](const http::Request& request) { return admin->add_tenant(request); });
  for (const char* method : {"POST", "PATCH", "DELETE"})
    by_worker(method, "/admin/tenants/*",
              [admin](const http::Request& request) { return admin->change_tenant(request); });
  by_worker("GET", "/admin/usage",
            [admin](const http::Request& request) { return admin->usage(request); });
}

}  // namespace troika::serve
