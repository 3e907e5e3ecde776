// What a request may ask of an answer, each with drafts and without: stop strings, the shortest
// answer, log-probabilities, bias, alternatives.
#include <cmath>
#include <set>

#include "answers/answer.h"
#include "engine/logprobs.h"

namespace troika::testing {
namespace {

Request sampled(Request request, uint64_t seed) {
  request.sampling.temperature = 1.1;
  request.sampling.seed = seed;
  return request;
}

/// Greedy and sampled.
std::vector<Request> both(const Request& request) {
  return {request, sampled(request, 5)};
}

TEST_F(AnswerTest, StopStringsEndTheTextWhereverTokensCutThem) {
  for (Request r : both(request(3, 20, 40))) {
    const Answer whole = same_with_drafts(r);
    ASSERT_EQ(whole.finish, FinishReason::length);
    ASSERT_GT(whole.text.size(), 60u);
    for (const size_t at : {0u, 17u, 30u, 41u}) {
      const std::string stop = whole.text.substr(at, 5);
      r.stop = {"no such text", stop};
      const Answer cut = same_with_drafts(r);
      EXPECT_EQ(cut.text + stop, whole.text.substr(0, whole.text.find(stop) + stop.size()));
      EXPECT_EQ(cut.finish, FinishReason::stop_string);
      EXPECT_EQ(cut.stop_string, 1);
      EXPECT_LT(cut.tokens.size(), whole.tokens.size());
    }
  }
}

TEST_F(AnswerTest, WhatOnlyLooksLikeAStopStringIsText) {
  Request r = request(3, 20, 30);
  const Answer whole = same_with_drafts(r);
  r.stop = {whole.text.substr(40, 6) + "?", whole.text.substr(whole.text.size() - 3) + "?"};
  const Answer same = same_with_drafts(r);
  EXPECT_EQ(same.text, whole.text);
  EXPECT_EQ(same.finish, FinishReason::length);
  EXPECT_EQ(same.stop_string, -1);
}

TEST_F(AnswerTest, ACancelledTextHandsOutWhatWasHeld) {
  const auto e = engine(kOptions);
  const std::string whole = answer_to(*e, request(3, 20, 3)).text;
  Request r = request(3, 20, 40);
  r.stop = {whole.substr(0, 6) + "?"};
  Answer answer;
  listen(r, answer);
  const SeqId id = *e->submit(std::move(r));
  while (std::ssize(e->sequence(id).tokens) < 23) ASSERT_TRUE(*e->step());
  EXPECT_LT(answer.text.size(), 3u);
  e->cancel(id);
  EXPECT_EQ(answer.text, whole);
}

TEST_F(AnswerTest, EndTokensWaitForTheShortestAnswer) {
  const auto e = engine(kOptions);
  for (Request r : both(request(3, 20, 40))) {
    end_tokens_.clear();
    const Answer whole = answer_to(*engine(kOptions), r);
    const TokenId end = whole.tokens[6];
    end_tokens_ = {end};
    EXPECT_LE(same_with_drafts(r).tokens.size(), 7u);
    for (const int64_t least : {7, 12, 40}) {
      r.tokens_min = least;
      const Answer answer = same_with_drafts(r);
      EXPECT_GE(std::ssize(answer.tokens), least);
      for (int64_t i = 0; i < least; i++)
        EXPECT_NE(answer.tokens[static_cast<size_t>(i)], end) << i;
    }
  }
}

TEST_F(AnswerTest, StopStringsWaitForTheShortestAnswer) {
  Request r = request(3, 20, 30);
  const Answer whole = same_with_drafts(r);
  r.stop = {whole.text.substr(8, 4)};
  EXPECT_EQ(same_with_drafts(r).text, whole.text.substr(0, whole.text.find(r.stop[0])));
  r.tokens_min = 15;
  const Answer later = same_with_drafts(r);
  const size_t again = whole.text.find(r.stop[0], 28);
  EXPECT_EQ(later.text, whole.text.substr(0, again));
}

TEST_F(AnswerTest, LogprobsAreThoseOfTheRowThatChose) {
  for (Request r : both(request(3, 20, 30))) {
    r.top_logprobs = 4;
    r.sampling.logit_bias = {{TokenId{9}, 3}};  // has a say in the choice, none in the numbers
    const Answer answer = same_with_drafts(r);
    ASSERT_EQ(answer.logprobs.size(), answer.tokens.size());
    for (size_t i = 0; i < answer.tokens.size(); i++) {
      const KeptLogprob& kept = answer.logprobs[i];
      EXPECT_EQ(kept.token.id, answer.tokens[i]);
      ASSERT_EQ(kept.top.size(), 4u);
      EXPECT_LE(kept.token.logprob, kept.top[0].logprob);
      for (size_t k = 1; k < 4; k++) EXPECT_LE(kept.top[k].logprob, kept.top[k - 1].logprob);
    }
  }
}

TEST_F(AnswerTest, LogprobsAgreeWithTheLogits) {
  Request r = request(3, 20, 10);
  r.top_logprobs = 1;
  std::vector<KeptLogprob> wanted;
  Logprobs logprobs;
  std::vector<KeptLogprob> got;
  r.on_row = [&](std::span<const float> row) {
    const auto best = static_cast<TokenId>(std::ranges::max_element(row) - row.begin());
    const ChosenLogprob chosen = logprobs.of(row, best, 1);
    wanted.push_back({chosen.token, {chosen.top.begin(), chosen.top.end()}});
  };
  r.on_logprob = [&](const ChosenLogprob& chosen) {
    got.push_back({chosen.token, {chosen.top.begin(), chosen.top.end()}});
  };
  const auto e = engine(kOptions);
  ASSERT_TRUE(e->submit(std::move(r)).ok());
  step_to_rest(*e);
  EXPECT_EQ(got.size(), 10u);
  EXPECT_EQ(got == wanted, true);
}

TEST_F(AnswerTest, BiasForbidsAndForces) {
  for (Request r : both(request(3, 20, 30))) {
    const Answer whole = same_with_drafts(r);
    const double never = -std::numeric_limits<double>::infinity();
    r.sampling.logit_bias = {{whole.tokens[4], never}, {whole.tokens[9], never}};
    for (const TokenId token : same_with_drafts(r).tokens)
      EXPECT_TRUE(token != whole.tokens[4] && token != whole.tokens[9]);
    r.sampling.logit_bias = {{TokenId{17}, 1e6}};
    EXPECT_EQ(same_with_drafts(r).tokens, std::vector<TokenId>(30, TokenId{17}));
  }
}

TEST_F(AnswerTest, ChoicesDifferAndEachIsItself) {
  EngineOptions options = kOptions;
  options.sequences_max = 4;
  const auto many = engine(options);
  std::vector<Answer> answers(4);
  std::vector<SeqId> ids;
  for (int32_t choice = 0; choice < 4; choice++) {
    Request r = sampled(request(3, 20, 30), 5);
    r.choice = choice;
    r.sampling.temperature = 3;
    listen(r, answers[static_cast<size_t>(choice)]);
    ids.push_back(*many->submit(std::move(r)));
  }
  step_to_rest(*many);
  std::set<std::vector<TokenId>> texts;
  for (int32_t choice = 0; choice < 4; choice++) {
    Answer& answer = answers[static_cast<size_t>(choice)];
    collect(*many, ids[static_cast<size_t>(choice)], answer);
    texts.insert(answer.tokens);
    Request alone = sampled(request(3, 20, 30), 5);
    alone.choice = choice;
    alone.sampling.temperature = 3;
    EXPECT_EQ(same_with_drafts(alone) == answer, true) << choice;
  }
  EXPECT_EQ(texts.size(), 4u);
}

TEST_F(AnswerTest, RefusalsNameTheField) {
  const auto e = engine(kOptions);
  const auto refusal = [&](const std::function<void(Request&)>& spoil) {
    Request r = request(3, 20, 30);
    spoil(r);
    const auto id = e->submit(std::move(r));
    EXPECT_FALSE(id.ok());
    return id.ok() ? "" : id.error().message();
  };
  EXPECT_EQ(refusal([](Request& r) { r.tokens_min = 31; }), "tokens_min is 31, wanted 0 to 30");
  EXPECT_EQ(refusal([](Request& r) { r.tokens_min = -1; }), "tokens_min is -1, wanted 0 to 30");
  EXPECT_EQ(refusal([](Request& r) {
              r.tokens_max = -1;
              r.tokens_min = 257;
            }),
            "tokens_min is 257, wanted 0 to 256");
  EXPECT_EQ(refusal([](Request& r) { r.top_logprobs = 1001; }),
            "top_logprobs is 1001, wanted 0 to 1000");
  EXPECT_EQ(refusal([](Request& r) { r.choice = -1; }).find("choice is -1"), 0u);
  EXPECT_EQ(refusal([](Request& r) { r.tokens_max = -2; }).find("tokens_max is -2"), 0u);
  EXPECT_EQ(refusal([](Request& r) {
              r.stop = {"a", ""};
            }),
            "stop string 1 has 0 bytes, want 1 to 4096");
}

TEST_F(AnswerTest, AnEngineOfIdsAloneHasNoText) {
  auto ids_only = Engine::make(model_.loaded, kOptions, {.tokens = vocab()});
  ASSERT_TRUE(ids_only.ok());
  Request r = request(3, 20, 4);
  r.stop = {"a"};
  const auto id = (*ids_only)->submit(std::move(r));
  ASSERT_FALSE(id.ok());
  EXPECT_EQ(id.error().code(), ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace troika::testing
