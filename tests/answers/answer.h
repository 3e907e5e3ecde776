// An answer with everything that a request can ask to hear of it, written in every way that must
// not matter: without drafts, with drafts that are right and wrong, with the model's own head.
#pragma once

#include <gtest/gtest.h>
#include <xxhash.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/engine.h"
#include "engine/scripted_drafter.h"
#include "support/devices.h"
#include "support/models.h"

namespace troika::testing {

/// Log-probabilities of one token, kept.
struct KeptLogprob {
  TokenLogprob token;
  std::vector<TokenLogprob> top;
  bool operator==(const KeptLogprob&) const = default;
};

struct Answer {
  std::vector<TokenId> tokens;
  std::string text;
  std::vector<KeptLogprob> logprobs;
  FinishReason finish = FinishReason::none;
  int32_t stop_string = -1;
  uint64_t rows_xxh64 = 0;  // of all rows that chose a token
  int64_t accepted = 0;     // drafts; all else must not depend on it

  bool operator==(const Answer& other) const {
    return tokens == other.tokens && text == other.text && logprobs == other.logprobs &&
           finish == other.finish && stop_string == other.stop_string &&
           rows_xxh64 == other.rows_xxh64;
  }
};

/// Lets `request` fill `answer`, which must stay where it is.
inline void listen(Request& request, Answer& answer) {
  request.on_row = [&answer](std::span<const float> row) {
    answer.rows_xxh64 = XXH64(row.data(), row.size_bytes(), answer.rows_xxh64);
  };
  request.on_text = [&answer](std::string_view delta) { answer.text += delta; };
  request.on_logprob = [&answer](const ChosenLogprob& chosen) {
    answer.logprobs.push_back({chosen.token, {chosen.top.begin(), chosen.top.end()}});
  };
}

/// Takes over what the sequence says, and releases it.
inline void collect(Engine& engine, SeqId id, Answer& answer) {
  const Sequence& s = engine.sequence(id);
  answer.tokens.assign(s.tokens.begin() + s.prompt_tokens, s.tokens.end());
  answer.finish = s.finish;
  answer.stop_string = s.stop_string;
  answer.accepted = s.drafts.accepted;
  engine.release(id);
}

inline void step_to_rest(Engine& engine) {
  for (bool more = true; more;) {
    const Result<bool> worked = engine.step();
    ASSERT_TRUE(worked.ok()) << worked.error().message();
    more = *worked;
  }
}

inline Answer answer_to(Engine& engine, Request request) {
  Answer answer;
  listen(request, answer);
  const Result<SeqId> id = engine.submit(std::move(request));
  EXPECT_TRUE(id.ok()) << id.error().message();
  if (!id.ok()) return answer;
  step_to_rest(engine);
  collect(engine, *id, answer);
  return answer;
}

/// Two bytes a token, so that a string of odd length never ends where it began.
inline std::string bytes_of(TokenId id) {
  const auto n = static_cast<unsigned>(id);
  return {static_cast<char>('a' + n % 26), static_cast<char>('A' + n / 26 % 26)};
}

/// The small hybrid model with a draft head, on the reference device.
class AnswerTest : public ::testing::Test {
 protected:
  AnswerTest()
      : device_(make_reference_device()),
        model_(open_model(test_data("fixtures") / "models" / "qwen35-succ-q8_0.gguf", *device_)) {}

  int64_t vocab() const { return model_.loaded.model.info.vocab; }

  std::unique_ptr<Engine> engine(const EngineOptions& options,
                                 std::unique_ptr<Drafter> drafter = nullptr) {
    auto made = Engine::make(model_.loaded, options,
                             {.tokens = vocab(), .end_tokens = end_tokens_, .bytes = bytes_of},
                             std::move(drafter));
    EXPECT_TRUE(made.ok()) << made.error().message();
    return std::move(*made);
  }

  Request request(int first, int64_t prompt, int64_t tokens_max) const {
    Request r{.tokens_max = tokens_max, .speculation = {.type = SpecType::none, .depth_max = 0}};
    for (int64_t i = 0; i < prompt; i++)
      r.prompt.push_back(static_cast<TokenId>((first + 7 * i) % vocab()));
    r.sampling.temperature = 0;
    return r;
  }

  /// The answer without drafts; fails the test if any drafts change it.
  Answer same_with_drafts(const Request& request) {
    const auto plain_engine = engine(kOptions);
    Answer plain = answer_to(*plain_engine, request);
    std::vector<TokenId> text = request.prompt;
    text.insert(text.end(), plain.tokens.begin(), plain.tokens.end());
    Request drafted = request;
    for (const int64_t depth : {1, 3, 8}) {
      drafted.speculation = {.type = SpecType::mtp, .depth_max = depth};
      EXPECT_EQ(answer_to(*plain_engine, drafted) == plain, true) << "head, " << depth;
    }
    for (const int64_t modulus : {1, 2, 9}) {
      const auto scripted =
          engine(kOptions, std::make_unique<ScriptedDrafter>(
                               text, vocab(), [modulus](int64_t position, int64_t index) {
                                 return index < (position - index) % modulus || modulus == 1;
                               }));
      const Answer answer = answer_to(*scripted, drafted);
      EXPECT_EQ(answer == plain, true) << "scripted, " << modulus;
      EXPECT_EQ(answer.accepted > 0 || plain.tokens.size() < 4, true);
    }
    return plain;
  }

  const EngineOptions kOptions{.context = 256, .chunk_tokens = 16};

  std::unique_ptr<Device> device_;
  OpenModel model_;
  std::vector<TokenId> end_tokens_;
};

}  // namespace troika::testing
