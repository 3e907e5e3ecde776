// The C interface as a program would use it, over the demo model.
#include <gtest/gtest.h>
#include <troika.h>

#include <atomic>
#include <cstring>
#include <map>
#include <string>
#include <thread>
#include <vector>

namespace troika::testing {
namespace {

const std::string kModel = TROIKA_SOURCE_DIR "/models/troika-demo.gguf";

struct Ended {
  std::string text;
  troika_event event{};
  std::atomic<bool> ended = false;
};

class CInterfaceTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    troika_load_options options;
    troika_load_options_init(&options);
    options.context = 512;
    options.sequences = 3;
    options.requests_max = 8;
    options.on_progress = [](void* user, int64_t done, int64_t total) {
      EXPECT_LE(done, total);
      ++*static_cast<int*>(user);
    };
    options.user = &progress_calls_;
    ASSERT_EQ(troika_load(kModel.c_str(), &options, &engine_), TROIKA_OK) << troika_last_error();
  }
  static void TearDownTestSuite() {
    troika_free(engine_);
    engine_ = nullptr;
  }

  static troika_request question(const char* text) {
    troika_request request;
    troika_request_init(&request);
    request.prompt = text;
    request.prompt_bytes = std::strlen(text);
    request.chat = 1;
    request.temperature = 0;
    request.tokens_max = 40;
    return request;
  }

  static uint64_t submit(const troika_request& request) {
    uint64_t id = 0;
    EXPECT_EQ(troika_submit(engine_, &request, &id), TROIKA_OK) << troika_last_error();
    return id;
  }

  /// Polls until `count` requests have ended.
  static std::map<uint64_t, Ended> collect(size_t count) {
    std::map<uint64_t, Ended> all;
    for (size_t ended = 0; ended < count;) {
      troika_event event{};
      event.size = sizeof event;
      if (troika_poll(engine_, &event, 60000) != TROIKA_OK) {
        ADD_FAILURE() << troika_last_error();
        break;
      }
      Ended& one = all[event.request];
      if (event.kind == TROIKA_EVENT_TEXT) one.text.append(event.text, event.text_bytes);
      if (event.kind != TROIKA_EVENT_END) continue;
      EXPECT_EQ(event.status, TROIKA_OK) << event.error;
      one.event = event;
      ended++;
    }
    return all;
  }

  static std::string answer(const troika_request& request) {
    const uint64_t id = submit(request);
    return collect(1)[id].text;
  }

  static troika_engine* engine_;
  static int progress_calls_;
};
troika_engine* CInterfaceTest::engine_ = nullptr;
int CInterfaceTest::progress_calls_ = 0;

TEST_F(CInterfaceTest, TellsAboutTheModel) {
  EXPECT_EQ(troika_api_version(), TROIKA_API_VERSION);
  EXPECT_STRNE(troika_version(), "");
  EXPECT_GT(progress_calls_, 0);
  troika_model_info info{};
  info.size = sizeof info;
  ASSERT_EQ(troika_get_model_info(engine_, &info), TROIKA_OK);
  EXPECT_STREQ(info.architecture, "qwen35");
  EXPECT_EQ(info.context, 512);
  EXPECT_EQ(info.draft_head, 1);
  EXPECT_GT(info.vocabulary, 0);
  EXPECT_GT(info.weight_bytes, 0);
}

TEST_F(CInterfaceTest, TokensComeBackAsText) {
  const std::string text = "What is 12 + 30?";
  size_t count = 0;
  ASSERT_EQ(troika_tokenize(engine_, text.data(), text.size(), 0, 0, nullptr, 0, &count),
            TROIKA_OK);
  ASSERT_GT(count, 0u);
  std::vector<int32_t> tokens(count);
  ASSERT_EQ(troika_tokenize(engine_, text.data(), text.size(), 0, 0, tokens.data(), count, &count),
            TROIKA_OK);
  std::string back(text.size(), ' ');
  size_t bytes = 0;
  ASSERT_EQ(troika_detokenize(engine_, tokens.data(), count, back.data(), back.size(), &bytes),
            TROIKA_OK);
  EXPECT_EQ(bytes, text.size());
  EXPECT_EQ(back, text);
}

TEST_F(CInterfaceTest, TextsOfSeveralRequestsAreThoseOfEachAlone) {
  const std::vector<const char*> questions = {"What is 12 + 30?", "Tell me a story.",
                                              "Who are you?", "What is 7 + 5?", "Say hello."};
  std::vector<std::string> alone;
  for (const char* text : questions) alone.push_back(answer(question(text)));
  EXPECT_NE(alone[0].find("42"), std::string::npos) << alone[0];
  std::vector<uint64_t> ids;
  for (const char* text : questions) ids.push_back(submit(question(text)));
  auto together = collect(ids.size());
  for (size_t i = 0; i < ids.size(); i++) EXPECT_EQ(together[ids[i]].text, alone[i]);
}

TEST_F(CInterfaceTest, DraftsChangeNoByte) {
  troika_request request = question("Tell me a story.");
  const uint64_t with = submit(request);
  request.draft_tokens = 0;
  const uint64_t without = submit(request);
  auto both = collect(2);
  EXPECT_EQ(both[with].text, both[without].text);
  EXPECT_EQ(both[without].event.drafts_proposed, 0);
}

TEST_F(CInterfaceTest, CallbacksGetTheSameTextAsPoll) {
  troika_request request = question("What is 7 + 5?");
  const std::string expected = answer(request);
  Ended got;
  request.user = &got;
  request.on_event = [](void* user, const troika_event* event) {
    auto& ended = *static_cast<Ended*>(user);
    if (event->kind == TROIKA_EVENT_TEXT) ended.text.append(event->text, event->text_bytes);
    if (event->kind != TROIKA_EVENT_END) return;
    ended.event = *event;
    ended.ended = true;
  };
  submit(request);
  while (!got.ended) std::this_thread::yield();
  EXPECT_EQ(got.text, expected);
  EXPECT_EQ(got.event.finish, TROIKA_FINISH_STOP);
}

TEST_F(CInterfaceTest, StopStringsAndLengthsEndTexts) {
  troika_request request = question("Tell me a story.");
  const std::string whole = answer(request);
  const std::string word = whole.substr(whole.find(' ') + 1, 4);
  const char* stop[] = {word.c_str()};
  request.stop = stop;
  request.stop_count = 1;
  uint64_t id = submit(request);
  auto ended = collect(1);
  EXPECT_EQ(ended[id].text, whole.substr(0, whole.find(word)));
  EXPECT_EQ(ended[id].event.finish, TROIKA_FINISH_STOP);
  request.stop_count = 0;
  request.tokens_max = 3;
  id = submit(request);
  ended = collect(1);
  EXPECT_EQ(ended[id].event.finish, TROIKA_FINISH_LENGTH);
  EXPECT_EQ(ended[id].event.answer_tokens, 3);
}

TEST_F(CInterfaceTest, CancelledRequestsEndOnce) {
  troika_request request = question("Tell me a story.");
  request.tokens_max = -1;
  const char* never[] = {"\x01\x02\x03"};
  request.stop = never;
  request.stop_count = 1;
  const uint64_t id = submit(request);
  ASSERT_EQ(troika_cancel(engine_, id), TROIKA_OK);
  ASSERT_EQ(troika_cancel(engine_, id), TROIKA_OK);
  EXPECT_EQ(collect(1)[id].event.finish, TROIKA_FINISH_CANCELLED);
  troika_event event{};
  event.size = sizeof event;
  EXPECT_EQ(troika_poll(engine_, &event, 10), TROIKA_TIMEOUT);
  EXPECT_EQ(troika_cancel(engine_, 123456), TROIKA_OK);
}

TEST_F(CInterfaceTest, AnOlderCallerGetsTheDefaultsOfWhatItDoesNotKnow) {
  troika_request request = question("What is 12 + 30?");
  const std::string expected = answer(request);
  request.size = offsetof(troika_request, draft_tokens);
  request.draft_tokens = 77;  // not part of its structure
  EXPECT_EQ(answer(request), expected);
}

void expect_refused(troika_status got, troika_status wanted, const char* says) {
  EXPECT_EQ(got, wanted);
  EXPECT_NE(std::string(troika_last_error()).find(says), std::string::npos) << troika_last_error();
}

TEST_F(CInterfaceTest, RefusesWhatMakesNoSense) {
  troika_engine* none = nullptr;
  expect_refused(troika_load(nullptr, nullptr, &none), TROIKA_INVALID_ARGUMENT, "path");
  expect_refused(troika_load("no-such-file.gguf", nullptr, &none), TROIKA_NOT_FOUND,
                 "no-such-file");
  EXPECT_EQ(none, nullptr);
  troika_load_options options;
  troika_load_options_init(&options);
  options.kv_type = "f17";
  expect_refused(troika_load(kModel.c_str(), &options, &none), TROIKA_INVALID_ARGUMENT, "f17");
  troika_load_options_init(&options);
  options.device = "abacus";
  expect_refused(troika_load(kModel.c_str(), &options, &none), TROIKA_INVALID_ARGUMENT, "abacus");
  troika_load_options_init(&options);
  options.sequences = 0;
  expect_refused(troika_load(kModel.c_str(), &options, &none), TROIKA_INVALID_ARGUMENT, "0");

  uint64_t id = 0;
  troika_request request = question("");
  request.chat = 0;
  expect_refused(troika_submit(engine_, &request, &id), TROIKA_INVALID_ARGUMENT, "empty");
  request = question("x");
  request.prompt = nullptr;
  expect_refused(troika_submit(engine_, &request, &id), TROIKA_INVALID_ARGUMENT, "prompt");
  const int32_t bad[] = {1 << 30};
  request.tokens = bad;
  request.token_count = 1;
  expect_refused(troika_submit(engine_, &request, &id), TROIKA_INVALID_ARGUMENT, "1073741824");
  request = question("x");
  request.top_p = -1;
  expect_refused(troika_submit(engine_, &request, &id), TROIKA_INVALID_ARGUMENT, "top_p");
  request = question("x");
  request.stop_count = 1;
  expect_refused(troika_submit(engine_, &request, &id), TROIKA_INVALID_ARGUMENT, "stop[0]");
  expect_refused(troika_submit(nullptr, &request, &id), TROIKA_INVALID_ARGUMENT, "engine");
}

TEST_F(CInterfaceTest, MoreThanRequestsMaxAreRefused) {
  size_t taken = 0;
  troika_status status = TROIKA_OK;
  for (int i = 0; i < 100 && status == TROIKA_OK; i++) {
    const troika_request request = question("Tell me a story.");
    uint64_t id = 0;
    status = troika_submit(engine_, &request, &id);
    taken += status == TROIKA_OK ? 1 : 0;
  }
  EXPECT_EQ(status, TROIKA_EXHAUSTED);
  EXPECT_GE(taken, 8u);
  EXPECT_EQ(collect(taken).size(), taken);
}

TEST(CInterfaceEndTest, DrainFinishesWhatWasTakenAndRefusesTheRest) {
  troika_engine* engine = nullptr;
  ASSERT_EQ(troika_load(kModel.c_str(), nullptr, &engine), TROIKA_OK) << troika_last_error();
  troika_request request;
  troika_request_init(&request);
  request.prompt = "hello";
  request.prompt_bytes = 5;
  request.temperature = 0;
  request.tokens_max = 2;
  uint64_t id = 0;
  ASSERT_EQ(troika_submit(engine, &request, &id), TROIKA_OK);
  EXPECT_EQ(troika_drain(engine), TROIKA_OK);
  EXPECT_EQ(troika_submit(engine, &request, &id), TROIKA_CANCELLED);
  troika_event event{};
  event.size = sizeof event;
  do {
    ASSERT_EQ(troika_poll(engine, &event, 0), TROIKA_OK);
  } while (event.kind != TROIKA_EVENT_END);
  EXPECT_EQ(event.answer_tokens, 2);
  troika_free(engine);
}

TEST(CInterfaceEndTest, FreeingAnEngineEndsWhatIsAtWork) {
  troika_engine* engine = nullptr;
  ASSERT_EQ(troika_load(kModel.c_str(), nullptr, &engine), TROIKA_OK) << troika_last_error();
  troika_request request;
  troika_request_init(&request);
  request.prompt = "hello";
  request.prompt_bytes = 5;
  int ends = 0;
  request.user = &ends;
  request.on_event = [](void* user, const troika_event* event) {
    *static_cast<int*>(user) += event->kind == TROIKA_EVENT_END ? 1 : 0;
  };
  uint64_t id = 0;
  for (int i = 0; i < 10; i++) ASSERT_EQ(troika_submit(engine, &request, &id), TROIKA_OK);
  troika_free(engine);
  EXPECT_EQ(ends, 10);
  troika_free(nullptr);
}

}  // namespace
}  // namespace troika::testing
