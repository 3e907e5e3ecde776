// Several continuations of one prompt: each is what it would be alone, whoever wrote beside it and
// wherever its prompt came from; the best are those with the best mean log-probability.
#include "engine/choices.h"

#include <algorithm>
#include <cmath>

#include "answers/answer.h"

namespace troika::testing {
namespace {

class ChoicesTest : public AnswerTest {
 protected:
  Request hot(int64_t prompt = 150) const {
    Request r = request(3, prompt, 20);
    r.sampling.seed = 5;
    r.sampling.temperature = 2;
    r.speculation = {.type = SpecType::mtp, .depth_max = 3};
    return r;
  }

  /// Runs to the end; the answers by number, with what their callbacks heard.
  std::vector<Answer> run(Engine& e, const ChoiceOptions& options, const Request& r) {
    std::vector<Answer> answers(static_cast<size_t>(options.best_of));
    auto choices = Choices::begin(e, r, options, [&](Request& one, int32_t number) {
      listen(one, answers[static_cast<size_t>(number)]);
    });
    EXPECT_TRUE(choices.ok()) << choices.error().message();
    finish(e, **choices);
    best_.clear();
    for (const Choice* choice : (*choices)->best()) {
      best_.push_back(*choice);
      Answer& answer = answers[static_cast<size_t>(choice->number)];
      answer.tokens = choice->tokens;
      answer.finish = choice->finish;
    }
    return answers;
  }

  static void finish(Engine& e, Choices& choices) {
    for (int steps = 0; !choices.done(); steps++) {
      ASSERT_LT(steps, 10000);
      ASSERT_TRUE(e.step().ok());
      ASSERT_TRUE(choices.advance().ok());
    }
  }

  EngineOptions options(int64_t sequences, bool cache) const {
    EngineOptions o{.context = 256, .sequences_max = sequences, .chunk_tokens = 32};
    if (cache) o.cache = {.on = true, .pages = 8, .checkpoint_bytes = 1 << 22};
    return o;
  }

  std::vector<Choice> best_;
};

TEST_F(ChoicesTest, EachIsWhatItWouldBeAlone) {
  const auto alone = engine(options(1, false));
  std::vector<Answer> wanted;
  for (int32_t number = 0; number < 5; number++) {
    Request r = hot();
    r.choice = number;
    r.speculation = {.type = SpecType::none};
    wanted.push_back(answer_to(*alone, r));
  }
  for (const bool cache : {false, true})
    for (const int64_t sequences : {1, 3, 5}) {
      const auto e = engine(options(sequences, cache));
      const auto answers = run(*e, {.choices = 5, .best_of = 5}, hot());
      for (size_t i = 0; i < 5; i++)
        EXPECT_EQ(answers[i] == wanted[i], true) << i << " of " << sequences << " " << cache;
    }
}

TEST_F(ChoicesTest, TheCacheSharesThePrompt) {
  const auto e = engine(options(4, true));
  run(*e, {.choices = 4, .best_of = 4}, hot());
  ASSERT_EQ(best_.size(), 4u);
  EXPECT_EQ(best_[0].cached_tokens, 0);
  for (size_t i = 1; i < 4; i++) EXPECT_GE(best_[i].cached_tokens, 128) << i;
}

TEST_F(ChoicesTest, TheBestHaveTheBestMean) {
  for (const bool drafts : {false, true}) {
    Request r = hot(40);
    if (!drafts) r.speculation = {.type = SpecType::none};
    const auto e = engine(options(3, false));
    const auto answers = run(*e, {.choices = 2, .best_of = 6}, r);
    std::vector<double> means;
    for (const Answer& answer : answers) {
      double sum = 0;
      for (const KeptLogprob& kept : answer.logprobs) sum += kept.token.logprob;
      means.push_back(sum / static_cast<double>(answer.logprobs.size()));
    }
    ASSERT_EQ(best_.size(), 2u);
    for (const Choice& choice : best_)
      EXPECT_EQ(choice.mean_logprob(), means[static_cast<size_t>(choice.number)]);
    std::ranges::sort(means, std::ranges::greater{});
    EXPECT_EQ(best_[0].mean_logprob(), means[0]);
    EXPECT_EQ(best_[1].mean_logprob(), means[1]);
  }
}

TEST_F(ChoicesTest, CancelEndsThemAll) {
  const auto e = engine(options(2, false));
  const auto choices = Choices::begin(*e, hot(), {.choices = 4, .best_of = 4}, {});
  ASSERT_TRUE(choices.ok());
  while (e->sequence(SeqId{0}).tokens.size() < 155) {
    ASSERT_TRUE(e->step().ok());
    ASSERT_TRUE((*choices)->advance().ok());
  }
  (*choices)->cancel();
  ASSERT_TRUE((*choices)->advance().ok());
  EXPECT_TRUE((*choices)->done());
  for (const Choice* choice : (*choices)->best())
    EXPECT_EQ(choice->finish, FinishReason::cancelled);
  EXPECT_TRUE(e->submit(hot()).ok());  // the places are free again
}

TEST_F(ChoicesTest, WhoGoesAwayLeavesRoom) {
  const auto e = engine(options(1, false));
  { ASSERT_TRUE(Choices::begin(*e, hot(), {.choices = 2, .best_of = 2}, {}).ok()); }
  EXPECT_TRUE(e->submit(hot()).ok());
}

TEST_F(ChoicesTest, RefusalsNameTheField) {
  const auto e = engine(options(1, false));
  const auto refusal = [&](const ChoiceOptions& wanted) {
    const auto choices = Choices::begin(*e, hot(), wanted, {});
    EXPECT_FALSE(choices.ok());
    return choices.ok() ? "" : choices.error().message();
  };
  EXPECT_EQ(refusal({.choices = 0}), "choices is 0, want 1 to 1024");
  EXPECT_EQ(refusal({.choices = 3, .best_of = 2}), "best_of is 2, want 3 to 1024");
  EXPECT_EQ(refusal({.choices = 1, .best_of = 1025}), "best_of is 1025, want 1 to 1024");
}

}  // namespace
}  // namespace troika::testing
