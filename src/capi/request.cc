#include "capi/request.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "text/chat_template.h"

namespace troika::capi {
namespace {

template <typename T>
void overlay(T& target, const T& given) {
  std::memcpy(&target, &given, std::min(given.size, sizeof(T)));
  target.size = sizeof(T);
}

Status within(std::string_view what, int64_t value, int64_t min, int64_t max) {
  if (value < min || value > max)
    return fail(ErrorCode::invalid_argument, "{} is {}, wanted {} to {}", what, value, min, max);
  return ok();
}

Result<std::vector<TokenId>> prompt_tokens(const ModelSession& session,
                                           const troika_request& request) {
  if (request.tokens != nullptr) {
    std::vector<TokenId> tokens;
    for (size_t i = 0; i < request.token_count; i++)
      tokens.push_back(static_cast<TokenId>(request.tokens[i]));
    return tokens;
  }
  if (request.prompt == nullptr)
    return fail(ErrorCode::invalid_argument, "both prompt and tokens are null, wanted one of them");
  const std::string_view text(request.prompt, request.prompt_bytes);
  if (request.chat == 0) return session.tokenizer().encode(text);
  TROIKA_TRY(const ChatTemplate chat,
             ChatTemplate::load(session.file().metadata(), session.tokenizer()));
  using Json = nlohmann::ordered_json;
  const Json messages = Json::array({Json{{"role", "user"}, {"content", text}}});
  TROIKA_TRY(const std::string prompt, chat.render(messages));
  return session.tokenizer().encode(prompt, {.add_special = true, .parse_special = true});
}

}  // namespace

troika_status status_code(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument:
      return TROIKA_INVALID_ARGUMENT;
    case ErrorCode::not_found:
      return TROIKA_NOT_FOUND;
    case ErrorCode::corrupt:
      return TROIKA_CORRUPT;
    case ErrorCode::unsupported:
      return TROIKA_UNSUPPORTED;
    case ErrorCode::exhausted:
      return TROIKA_EXHAUSTED;
    case ErrorCode::cancelled:
      return TROIKA_CANCELLED;
    case ErrorCode::device_lost:
      return TROIKA_DEVICE_LOST;
    case ErrorCode::internal:
      break;
  }
  return TROIKA_INTERNAL;
}

troika_load_options complete(const troika_load_options* given) {
  troika_load_options options;
  troika_load_options_init(&options);
  if (given != nullptr) overlay(options, *given);
  return options;
}

troika_request complete(const troika_request& given) {
  troika_request request;
  troika_request_init(&request);
  overlay(request, given);
  return request;
}

Result<SessionOptions> session_options(const char* path, const troika_load_options& options) {
  TROIKA_RETURN_IF_ERROR(within("draft_tokens_max", options.draft_tokens_max, 0, kDraftTokensMax));
  SessionOptions session;
  session.model.path = path;
  if (options.device != nullptr) session.model.device.kind = options.device;
  session.model.device.threads = options.threads;
  session.model.chunk_tokens = options.chunk_tokens;
  if (options.kv_type != nullptr) {
    TROIKA_TRY(session.model.kv_dtype, kv_dtype_named(options.kv_type));
  }
  if (options.context > 0) session.context = options.context;
  session.sharing.sequences_max = options.sequences;
  session.speculation.depth_max = options.draft_tokens_max;
  if (options.draft_tokens_max == 0) session.speculation.type = SpecType::none;
  return session;
}

Result<Request> engine_request(const ModelSession& session, const troika_request& request) {
  Request made;
  TROIKA_TRY(made.prompt, prompt_tokens(session, request));
  made.tokens_max = request.tokens_max;
  made.timeout_ms = request.timeout_ms;
  for (size_t i = 0; i < request.stop_count; i++) {
    if (request.stop == nullptr || request.stop[i] == nullptr)
      return fail(ErrorCode::invalid_argument, "stop[{}] is null, wanted a string", i);
    made.stop.emplace_back(request.stop[i]);
  }
  made.sampling.temperature = request.temperature;
  made.sampling.top_k = request.top_k;
  made.sampling.top_p = request.top_p;
  made.sampling.min_p = request.min_p;
  made.sampling.repeat_penalty = request.repeat_penalty;
  made.sampling.seed = request.seed;
  made.speculation = session.speculation();
  if (request.draft_tokens >= 0)
    made.speculation.depth_max =
        std::min<int64_t>(request.draft_tokens, made.speculation.depth_max);
  return made;
}

troika_event end_event(uint64_t request, const Ending& ending) {
  troika_event event{};
  event.size = sizeof event;
  event.kind = TROIKA_EVENT_END;
  event.request = request;
  event.status = ending.status.ok() ? TROIKA_OK : status_code(ending.status.error().code());
  switch (ending.finish) {
    case FinishReason::none:
    case FinishReason::no_token:  // of grammars, for which this interface has no words
      event.finish = TROIKA_FINISH_NONE;
      break;
    case FinishReason::stop:
    case FinishReason::stop_string:
      event.finish = TROIKA_FINISH_STOP;
      break;
    case FinishReason::length:
      event.finish = TROIKA_FINISH_LENGTH;
      break;
    case FinishReason::cancelled:
      event.finish = TROIKA_FINISH_CANCELLED;
      break;
    case FinishReason::expired:
      event.finish = TROIKA_FINISH_EXPIRED;
      break;
  }
  event.prompt_tokens = ending.prompt_tokens;
  event.answer_tokens = ending.answer_tokens;
  event.drafts_proposed = ending.drafts.proposed;
  event.drafts_accepted = ending.drafts.accepted;
  return event;
}

}  // namespace troika::capi
