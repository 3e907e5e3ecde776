#include "serve/api/generation.h"

#include <utility>

namespace troika::serve {
namespace {

/// Of a continuation that could not begin: nothing failed where the client had left before.
Ending ending_of(const Status& status) {
  if (status.error().code() == ErrorCode::cancelled) return {.finish = FinishReason::cancelled};
  return {.status = status};
}

}  // namespace

Generation::Generation(ServedModel& model, Delivery& delivery, GenerationSpec spec,
                       std::shared_ptr<Listener> listener)
    : model_(model), delivery_(delivery), spec_(std::move(spec)), listener_(std::move(listener)) {}

Result<std::shared_ptr<Generation>> Generation::start(ServedModel& model, Delivery& delivery,
                                                      GenerationSpec spec,
                                                      std::shared_ptr<Listener> listener) {
  std::shared_ptr<Generation> made(
      new Generation(model, delivery, std::move(spec), std::move(listener)));
  const auto prompts = static_cast<int32_t>(made->spec_.prompts.size());
  for (int32_t prompt = 0; prompt < prompts; prompt++) {
    const Status status = made->submit(prompt * made->spec_.choices);
    if (status.ok()) continue;
    if (prompt == 0) return status.error();
    // Some are at work already: what cannot join them ends as they would.
    for (int32_t i = 0; i < made->spec_.choices; i++)
      delivery.tell({.listener = made->listener_,
                     .choice = prompt * made->spec_.choices + i,
                     .ending = ending_of(status)});
  }
  return made;
}

Status Generation::submit(int32_t number) {
  Request request = spec_.request;
  const int32_t choice = number % spec_.choices;
  request.prompt = spec_.prompts[static_cast<size_t>(number / spec_.choices)];
  request.choice = choice;
  const auto track = std::make_shared<Track>(listener_, number);
  EngineThread::OnEnd on_end = delivery_.listen(track, spec_.logprobs, request);
  if (choice == 0 && spec_.choices > 1) {
    auto begun = std::make_shared<bool>(false);
    const auto begin_others = [self = shared_from_this(), number, begun] {
      if (!std::exchange(*begun, true)) self->submit_others(number);
    };
    request.on_token = [tell = std::move(request.on_token), begin_others](TokenId id) {
      tell(id);
      begin_others();
    };
    on_end = [tell = std::move(on_end), begin_others](const Ending& ending) {
      tell(ending);
      begin_others();
    };
  }
  const RequestId id = model_.engine().new_id();
  {
    const std::lock_guard lock(mutex_);
    if (cancelled_) return fail(ErrorCode::cancelled, "the request was cancelled");
    ids_.push_back(id);
  }
  TROIKA_RETURN_IF_ERROR(model_.engine().submit(id, std::move(request), std::move(on_end)));
  const std::lock_guard lock(mutex_);
  if (cancelled_) model_.engine().cancel(id);  // the engine may have heard that before the request
  return ok();
}

void Generation::submit_others(int32_t first) {
  for (int32_t i = 1; i < spec_.choices; i++) {
    const Status status = submit(first + i);
    if (!status.ok())
      delivery_.tell({.listener = listener_, .choice = first + i, .ending = ending_of(status)});
  }
}

void Generation::cancel() {
  std::vector<RequestId> ids;
  {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
    ids = ids_;
  }
  for (const RequestId id : ids) model_.engine().cancel(id);
}

}  // namespace troika::serve
