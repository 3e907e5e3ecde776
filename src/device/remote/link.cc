#include "device/remote/link.h"

namespace troika::remote {

Link::~Link() {
  if (lost_) return;
  if (!post(End{}).ok()) return;
  Silence silence(silence_);
  Patience patience;
  for (Result<bool> sent = channel_->sent(); sent.ok() && !*sent; sent = channel_->sent()) {
    if (silence.is_over()) return;
    patience.pause();
  }
}

Error Link::lose(const Error& why) {
  lost_ = fail(ErrorCode::device_lost, "{}", why.message());
  if (on_lost_) on_lost_();
  return *lost_;
}

Status Link::post(const Message& message, std::span<const std::byte> body) {
  if (lost_) return *lost_;
  const Status sent = channel_->send(encoded(message), body);
  return sent.ok() ? ok() : Status(lose(sent.error()));
}

Result<Decoded<Answer>> Link::ask(const Message& message, bool takes_long) {
  TROIKA_RETURN_IF_ERROR(post(message));
  TROIKA_TRY(Decoded<Answer> answer, await(takes_long));
  if (!answer.value.ok) return Error(answer.value.code, std::move(answer.value.text));
  return answer;
}

Result<Decoded<Answer>> Link::await(bool takes_long) {
  Silence silence(silence_);
  Patience patience;
  if (takes_long) patience.sleep_at_once();
  while (true) {
    const Result<bool> came = channel_->poll(message_);
    if (!came.ok()) return lose(came.error());
    if (*came) {
      Result<Decoded<Answer>> answer = decode_answer(message_);
      if (!answer.ok()) return lose(answer.error());
      if (answer->value.kind == AnswerKind::done) return answer;
      silence.end();
    } else if (silence.is_over()) {
      return lose(fail(ErrorCode::device_lost, "no sign of life for {:.3g} s",
                       std::chrono::duration<double>(silence_).count()));
    }
    patience.pause();
  }
}

}  // namespace troika::remote
