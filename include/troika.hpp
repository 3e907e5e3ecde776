// Troika for C++: the C interface (troika.h) with owners, strings and exceptions. Header only, so
// that programs depend on nothing but the C functions of the library.
#ifndef TROIKA_HPP
#define TROIKA_HPP

#include <troika.h>

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troika_api {

/// What a call failed with: what() is troika_last_error().
class Error : public std::runtime_error {
 public:
  explicit Error(troika_status status) : runtime_error(troika_last_error()), status_(status) {}
  troika_status status() const { return status_; }

 private:
  troika_status status_;
};

inline void check(troika_status status) {
  if (status != TROIKA_OK) throw Error(status);
}

/// How a text ended.
struct Answer {
  std::string text;
  troika_finish finish = TROIKA_FINISH_NONE;
  int64_t prompt_tokens = 0;
  int64_t answer_tokens = 0;
  int64_t drafts_proposed = 0;
  int64_t drafts_accepted = 0;
};

namespace detail {

/// What generate() collects on the engine's thread.
struct Waiting {
  const std::function<void(std::string_view)>* on_text = nullptr;
  std::mutex mutex;
  std::condition_variable ended;
  Answer answer;
  std::string error;
  bool done = false;

  void take(const troika_event& event) {
    if (event.kind == TROIKA_EVENT_TEXT) {
      const std::string_view text(event.text, event.text_bytes);
      answer.text += text;
      if (*on_text) (*on_text)(text);
      return;
    }
    const std::lock_guard lock(mutex);
    error = event.error;
    answer.finish = event.finish;
    answer.prompt_tokens = event.prompt_tokens;
    answer.answer_tokens = event.answer_tokens;
    answer.drafts_proposed = event.drafts_proposed;
    answer.drafts_accepted = event.drafts_accepted;
    done = true;
    ended.notify_one();
  }

  Answer wait() {
    std::unique_lock lock(mutex);
    ended.wait(lock, [this] { return done; });
    if (!error.empty()) throw std::runtime_error(error);
    return std::move(answer);
  }
};

}  // namespace detail

/// A loaded model and its engine. Functions throw Error.
class Engine {
 public:
  explicit Engine(const std::string& path, const troika_load_options* options = nullptr) {
    troika_engine* engine = nullptr;
    check(troika_load(path.c_str(), options, &engine));
    engine_.reset(engine);
  }

  troika_model_info info() const {
    troika_model_info info{};
    info.size = sizeof info;
    check(troika_get_model_info(engine_.get(), &info));
    return info;
  }

  std::vector<int32_t> tokenize(std::string_view text, bool add_special = true) const {
    size_t count = 0;
    check(tokenize_into(text, add_special, nullptr, 0, &count));
    std::vector<int32_t> tokens(count);
    check(tokenize_into(text, add_special, tokens.data(), count, &count));
    return tokens;
  }

  /// A request with the usual options for `prompt`, which must outlive it.
  static troika_request request(std::string_view prompt) {
    troika_request request;
    troika_request_init(&request);
    request.prompt = prompt.data();
    request.prompt_bytes = prompt.size();
    return request;
  }

  /// Writes a text and waits for its end. `on_text` gets it piece by piece, on the engine's thread.
  /// Any number of threads may do this at once.
  Answer generate(troika_request request,
                  const std::function<void(std::string_view)>& on_text = {}) {
    detail::Waiting waiting;
    waiting.on_text = &on_text;
    request.user = &waiting;
    request.on_event = [](void* user, const troika_event* event) {
      static_cast<detail::Waiting*>(user)->take(*event);
    };
    uint64_t id = 0;
    check(troika_submit(engine_.get(), &request, &id));
    return waiting.wait();
  }

  troika_engine* get() const { return engine_.get(); }

 private:
  struct Free {
    void operator()(troika_engine* engine) const { troika_free(engine); }
  };

  troika_status tokenize_into(std::string_view text, bool add_special, int32_t* tokens,
                              size_t capacity, size_t* count) const {
    return troika_tokenize(engine_.get(), text.data(), text.size(), add_special ? 1 : 0, 0, tokens,
                           capacity, count);
  }

  std::unique_ptr<troika_engine, Free> engine_;
};

}  // namespace troika_api

#endif
