// The C interface over runtime/ and engine/: turns structures into options, errors into a status
// and a line, and lets nothing that is thrown (memory, by the standard library) pass the border.

#include <troika.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "capi/event_queue.h"
#include "capi/request.h"
#include "core/progress.h"
#include "engine/engine_thread.h"
#include "runtime/model_session.h"

namespace capi = troika::capi;
using troika::EngineThread;
using troika::ErrorCode;
using troika::ModelSession;
using troika::Result;
using troika::Status;
using troika::TokenId;

struct troika_engine {
  std::unique_ptr<ModelSession> session;
  std::unique_ptr<capi::EventQueue> events = std::make_unique<capi::EventQueue>();
  std::unique_ptr<EngineThread> thread;  // last, so that it is gone first
};

namespace {

thread_local std::string last_error;

troika_status failed(troika_status status, std::string_view message) {
  last_error = message;
  return status;
}

troika_status status_of(const Status& status) {
  return status.ok() ? TROIKA_OK
                     : failed(capi::status_code(status.error().code()), status.error().message());
}

/// Runs a function's body. What the standard library throws becomes a status.
template <typename Body>
troika_status guarded(Body body) {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    return failed(TROIKA_EXHAUSTED, "out of memory");
  } catch (const std::exception& thrown) {
    return failed(TROIKA_INTERNAL, thrown.what());
  }
}

#define TROIKA_WANT(condition, message) \
  if (!(condition)) return failed(TROIKA_INVALID_ARGUMENT, message)

/// Hands the events of one request to its callback or to the queue.
class Listener {
 public:
  Listener(const troika_request& request, capi::EventQueue& queue)
      : on_event_(request.on_event), user_(request.user), queue_(&queue) {}

  void text(uint64_t request, std::string_view text) const {
    troika_event event{};
    event.size = sizeof event;
    event.kind = TROIKA_EVENT_TEXT;
    event.request = request;
    event.text_bytes = text.size();
    event.error = "";
    send(event, std::string(text));
  }

  void end(uint64_t request, const troika::Ending& ending) const {
    troika_event event = capi::end_event(request, ending);
    event.text = "";
    send(event, ending.status.ok() ? std::string() : ending.status.error().message());
  }

 private:
  void send(troika_event event, std::string text) const {
    if (on_event_ == nullptr) return queue_->push({event, std::move(text)});
    (event.kind == TROIKA_EVENT_END ? event.error : event.text) = text.c_str();
    on_event_(user_, &event);
  }

  void (*on_event_)(void*, const troika_event*);
  void* user_;
  capi::EventQueue* queue_;
};

troika_status load(const char* path, const troika_load_options& options, troika_engine& engine) {
  Result<troika::SessionOptions> session_options = capi::session_options(path, options);
  if (!session_options.ok()) return status_of(session_options.error());
  Result<std::unique_ptr<ModelSession>> session = ModelSession::open(*session_options);
  if (!session.ok()) return status_of(session.error());
  engine.session = std::move(*session);
  troika::Progress progress([&options](std::string_view, int64_t done, int64_t total) {
    if (options.on_progress != nullptr) options.on_progress(options.user, done, total);
  });
  if (const Status loaded = engine.session->load(progress); !loaded.ok()) return status_of(loaded);
  Result<std::unique_ptr<EngineThread>> thread =
      EngineThread::start(engine.session->take_engine(), {.requests_max = options.requests_max});
  if (!thread.ok()) return status_of(thread.error());
  engine.thread = std::move(*thread);
  return TROIKA_OK;
}

}  // namespace

int32_t troika_api_version(void) {
  return TROIKA_API_VERSION;
}

const char* troika_version(void) {
  return TROIKA_VERSION;
}

const char* troika_last_error(void) {
  return last_error.c_str();
}

void troika_load_options_init(troika_load_options* options) {
  if (options == nullptr) return;
  const troika::EngineOptions engine;
  *options = {};
  options->size = sizeof *options;
  options->device = "cpu";
  options->sequences = 4;
  options->requests_max = troika::EngineThreadOptions{}.requests_max;
  options->chunk_tokens = engine.chunk_tokens;
  options->kv_type = "f16";
  options->draft_tokens_max = static_cast<int32_t>(troika::SpeculationOptions{}.depth_max);
}

troika_status troika_load(const char* path, const troika_load_options* options,
                          troika_engine** engine) {
  return guarded([&] {
    TROIKA_WANT(engine != nullptr, "engine is null, wanted a place for it");
    *engine = nullptr;
    TROIKA_WANT(path != nullptr, "path is null, wanted the name of a GGUF file");
    auto made = std::make_unique<troika_engine>();
    const troika_status status = load(path, capi::complete(options), *made);
    if (status == TROIKA_OK) *engine = made.release();
    return status;
  });
}

void troika_free(troika_engine* engine) {
  delete engine;
}

troika_status troika_get_model_info(const troika_engine* engine, troika_model_info* info) {
  return guarded([&] {
    TROIKA_WANT(engine != nullptr && info != nullptr, "engine or info is null");
    const troika::ModelInfo& model = engine->session->info();
    troika_model_info filled{};
    filled.size = std::min(info->size, sizeof filled);
    model.architecture.copy(filled.architecture, sizeof filled.architecture - 1);
    filled.context_trained = model.context_length;
    filled.context = engine->session->context();
    filled.vocabulary = model.vocab;
    filled.layers = model.layers;
    filled.draft_head = model.draft_head ? 1 : 0;
    filled.weight_bytes = engine->session->memory().weights.total();
    std::memcpy(info, &filled, filled.size);
    return TROIKA_OK;
  });
}

troika_status troika_tokenize(const troika_engine* engine, const char* text, size_t text_bytes,
                              int32_t add_special, int32_t parse_special, int32_t* tokens,
                              size_t capacity, size_t* count) {
  return guarded([&] {
    TROIKA_WANT(engine != nullptr && text != nullptr && count != nullptr,
                "engine, text or count is null");
    TROIKA_WANT(tokens != nullptr || capacity == 0, "tokens is null, wanted room for capacity ids");
    const std::vector<TokenId> ids = engine->session->tokenizer().encode(
        {text, text_bytes}, {.add_special = add_special != 0, .parse_special = parse_special != 0});
    *count = ids.size();
    for (size_t i = 0; i < std::min(capacity, ids.size()); i++)
      tokens[i] = static_cast<int32_t>(ids[i]);
    return TROIKA_OK;
  });
}

troika_status troika_detokenize(const troika_engine* engine, const int32_t* tokens, size_t count,
                                char* text, size_t capacity, size_t* bytes) {
  return guarded([&] {
    TROIKA_WANT(engine != nullptr && bytes != nullptr, "engine or bytes is null");
    TROIKA_WANT(tokens != nullptr || count == 0, "tokens is null, wanted count ids");
    TROIKA_WANT(text != nullptr || capacity == 0, "text is null, wanted room for capacity bytes");
    std::vector<TokenId> ids;
    for (size_t i = 0; i < count; i++) ids.push_back(static_cast<TokenId>(tokens[i]));
    const std::string decoded = engine->session->tokenizer().decode(ids, {.show_special = false});
    *bytes = decoded.size();
    decoded.copy(text, std::min(capacity, decoded.size()));
    return TROIKA_OK;
  });
}

void troika_request_init(troika_request* request) {
  if (request == nullptr) return;
  const troika::SamplingOptions sampling;
  *request = {};
  request->size = sizeof *request;
  request->tokens_max = -1;
  request->timeout_ms = -1;
  request->temperature = static_cast<float>(sampling.temperature);
  request->top_k = sampling.top_k;
  request->top_p = static_cast<float>(sampling.top_p);
  request->min_p = static_cast<float>(sampling.min_p);
  request->repeat_penalty = static_cast<float>(sampling.repeat_penalty);
  request->draft_tokens = -1;
}

troika_status troika_submit(troika_engine* engine, const troika_request* request, uint64_t* id) {
  return guarded([&] {
    TROIKA_WANT(engine != nullptr && request != nullptr && id != nullptr,
                "engine, request or id is null");
    const troika_request complete = capi::complete(*request);
    Result<troika::Request> made = capi::engine_request(*engine->session, complete);
    if (!made.ok()) return status_of(made.error());
    const troika::RequestId number = engine->thread->new_id();
    const auto public_id = static_cast<uint64_t>(number);
    const Listener listener(complete, *engine->events);
    made->on_text = [=](std::string_view text) { listener.text(public_id, text); };
    const Status taken = engine->thread->submit(
        number, std::move(*made),
        [=](const troika::Ending& ending) { listener.end(public_id, ending); });
    if (taken.ok()) *id = public_id;
    return status_of(taken);
  });
}

troika_status troika_cancel(troika_engine* engine, uint64_t id) {
  return guarded([&] {
    TROIKA_WANT(engine != nullptr, "engine is null");
    engine->thread->cancel(static_cast<troika::RequestId>(id));
    return TROIKA_OK;
  });
}

troika_status troika_poll(troika_engine* engine, troika_event* event, int32_t timeout_ms) {
  return guarded([&] {
    TROIKA_WANT(engine != nullptr && event != nullptr, "engine or event is null");
    TROIKA_WANT(event->size > 0, "event.size is 0, wanted sizeof(troika_event)");
    const troika_event* next = engine->events->pop(timeout_ms);
    if (next == nullptr) return failed(TROIKA_TIMEOUT, "no event came in time");
    const size_t size = std::min(event->size, sizeof *event);
    std::memcpy(event, next, size);
    event->size = size;
    return TROIKA_OK;
  });
}

troika_status troika_drain(troika_engine* engine) {
  return guarded([&] {
    TROIKA_WANT(engine != nullptr, "engine is null");
    engine->thread->drain();
    return TROIKA_OK;
  });
}
