// Structures of the C interface to those of the engine and back.
#pragma once

#include <troika.h>

#include "core/result.h"
#include "engine/engine.h"
#include "engine/engine_thread.h"
#include "runtime/model_session.h"

namespace troika::capi {

/// The status of an error.
troika_status status_code(ErrorCode code);

/// `given` up to its `size`, the rest from the defaults: what a caller with an older header left
/// out.
troika_load_options complete(const troika_load_options* given);
troika_request complete(const troika_request& given);

/// Errors: invalid_argument — an option that cannot be, by its name.
Result<SessionOptions> session_options(const char* path, const troika_load_options& options);

/// The request without callbacks. Errors: invalid_argument — a field that cannot be, by its name;
/// those of ChatTemplate::load() and render() — `chat` with a template that cannot be used.
Result<Request> engine_request(const ModelSession& session, const troika_request& request);

/// The last event of a request; its `error` is to be set by whoever owns the text.
troika_event end_event(uint64_t request, const Ending& ending);

}  // namespace troika::capi
