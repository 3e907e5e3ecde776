// Every drafter over real graphs: none changes a token or a bit of any row of logits, alone or
// among others; and a draft model that is the model itself is always right, which shows that it
// reads, forgets and replays as the trunk does.
#include <gtest/gtest.h>

#include <map>

#include "engine/model_drafter.h"
#include "support/devices.h"
#include "support/generate.h"
#include "support/models.h"

namespace troika::testing {
namespace {

struct Pair {
  std::string model;
  std::string draft_model;
};

std::ostream& operator<<(std::ostream& out, const Pair& pair) {
  return out << pair.model << " with " << pair.draft_model;
}

std::filesystem::path path_of(const std::string& model) {
  return model_path(model, model_folder());
}

/// Dense, hybrid, mixture of experts and the demo model; drafts by the model itself and by another.
std::vector<Pair> pairs() {
  std::vector<Pair> all;
  for (const auto& [model, draft] :
       std::vector<std::pair<const char*, const char*>>{{"llama-f32", "llama-f32"},
                                                        {"llama-f32", "llama-q8_0"},
                                                        {"qwen35-succ-f32", "qwen35-succ-f32"},
                                                        {"qwen35-succ-f32", "qwen35-succ-q8_0"},
                                                        {"qwen3moe-q4_0", "qwen3moe-q4_0"},
                                                        {"qwen35moe-q8_0", "qwen35moe-q8_0"},
                                                        {"troika-demo", "troika-demo"}})
    if (std::filesystem::exists(path_of(model)) && std::filesystem::exists(path_of(draft)))
      all.push_back({model, draft});
  return all;
}

NamedDevice fast_device() {
  for (const NamedDevice& device : same_bits_devices())
    if (device.fast) return device;
  return same_bits_devices().front();
}

class DraftersTest : public ::testing::TestWithParam<Pair> {
 protected:
  DraftersTest()
      : device_(fast_device().make(2)),
        model_(open_model(path_of(GetParam().model), *device_)),
        draft_model_(open_model(path_of(GetParam().draft_model), *device_, {.draft_head = false})) {
  }

  const ModelInfo& info() const { return model_.loaded.model.info; }

  std::unique_ptr<Engine> engine(int64_t sequences, bool with_draft_model = true) {
    auto made = Engine::make(model_.loaded,
                             {.context = 256,
                              .sequences_max = sequences,
                              .chunk_tokens = 32,
                              .draft_tokens_max = 8,
                              .draft_model = with_draft_model ? &draft_model_.loaded : nullptr},
                             {.tokens = info().vocab, .end_tokens = {}});
    EXPECT_TRUE(made.ok()) << made.error().message();
    return std::move(*made);
  }

  /// The texts differ in length, and every second one repeats itself.
  Request request(int number, bool sampled, const SpeculationOptions& speculation) const {
    Request r{.tokens_max = 48, .speculation = speculation};
    const int64_t length = 20 + 37 * number;
    for (int64_t i = 0; i < length; i++)
      r.prompt.push_back(
          static_cast<TokenId>((7 * number + 5 * (number % 2 == 0 ? i : i % 9)) % info().vocab));
    r.sampling = {.seed = 3 + static_cast<uint64_t>(number), .temperature = sampled ? 0.9 : 0.0};
    if (sampled) r.sampling.repeat_penalty = 1.1;
    return r;
  }

  std::vector<SpeculationOptions> ways() const {
    std::vector<SpeculationOptions> all;
    for (const SpecType type :
         {SpecType::mtp, SpecType::ngram, SpecType::model, SpecType::combined, SpecType::automatic})
      if (type != SpecType::mtp || info().draft_head)
        all.push_back({.type = type, .depth_max = 5, .ngram_min = 1});
    return all;
  }

  std::unique_ptr<Device> device_;
  OpenModel model_, draft_model_;
};

/// Rows and tokens of several texts written at once.
std::vector<Written> write_together(Engine& engine, std::vector<Request> requests) {
  std::vector<Written> all(requests.size());
  std::vector<SeqId> ids;
  for (size_t i = 0; i < requests.size(); i++) {
    requests[i].on_row = [&written = all[i]](std::span<const float> row) {
      written.logits_xxh64 = XXH64(row.data(), row.size_bytes(), written.logits_xxh64);
    };
    const auto id = engine.submit(std::move(requests[i]));
    EXPECT_TRUE(id.ok()) << id.error().message();
    ids.push_back(*id);
  }
  for (Result<bool> more = true; more.ok() && *more;) {
    more = engine.step();
    EXPECT_TRUE(more.ok()) << more.error().message();
  }
  for (size_t i = 0; i < ids.size(); i++) {
    const Sequence& s = engine.sequence(ids[i]);
    all[i].tokens.assign(s.tokens.begin() + s.prompt_tokens, s.tokens.end());
    all[i].drafts = s.drafts;
    engine.release(ids[i]);
  }
  return all;
}

TEST_P(DraftersTest, NobodyChangesABit) {
  const auto alone = engine(1);
  const auto many = engine(4);
  for (const bool sampled : {false, true}) {
    std::vector<Written> plain;
    for (int i = 0; i < 4; i++)
      plain.push_back(
          write_together(*alone, {request(i, sampled, {.type = SpecType::none})}).front());
    for (const SpeculationOptions& way : ways()) {
      const auto where = ::testing::Message()
                         << "type " << static_cast<int>(way.type) << ", sampled " << sampled;
      EXPECT_EQ(write_together(*alone, {request(3, sampled, way)}).front(), plain[3]) << where;
      std::vector<Request> requests;
      for (int i = 0; i < 4; i++) requests.push_back(request(i, sampled, way));
      requests[2].speculation.depth_max = 2;
      const std::vector<Written> written = write_together(*many, std::move(requests));
      int64_t proposed = 0;
      for (size_t i = 0; i < written.size(); i++) {
        EXPECT_EQ(written[i], plain[i]) << where << ", text " << i;
        proposed += written[i].drafts.proposed;
        EXPECT_EQ(written[i].drafts.proposed_at[5], 0) << where;
      }
      if (way.type != SpecType::automatic) {
        EXPECT_GT(proposed, 0) << where;
      }
    }
  }
}

TEST_P(DraftersTest, OneOfEachKindSideBySide) {
  const auto alone = engine(1);
  const auto many = engine(6);
  std::vector<Request> requests;
  std::vector<Written> plain;
  for (const SpeculationOptions& way : ways()) {
    const auto number = static_cast<int>(requests.size());
    requests.push_back(request(number, number % 2 == 0, way));
    plain.push_back(
        write_together(*alone, {request(number, number % 2 == 0, {.type = SpecType::none})})
            .front());
  }
  EXPECT_EQ(write_together(*many, requests), plain);
}

/// Of pairs of a model with itself.
class OwnDrafterTest : public DraftersTest {};

TEST_P(OwnDrafterTest, TheModelItselfIsAlwaysRight) {
  const auto many = engine(3);
  for (const bool sampled : {false, true}) {
    std::vector<Request> requests;
    for (int i = 0; i < 3; i++)
      requests.push_back(request(i, sampled, {.type = SpecType::model, .depth_max = 1 + 3 * i}));
    for (const Written& written : write_together(*many, std::move(requests))) {
      EXPECT_GT(written.drafts.of(DraftClass::model).proposed, 20);
      EXPECT_EQ(written.drafts.accepted, written.drafts.proposed);
      EXPECT_EQ(written.drafts.of(DraftClass::model).accepted, written.drafts.accepted);
      EXPECT_EQ(written.drafts.of(DraftClass::mtp).proposed, 0);
    }
  }
}

TEST_P(DraftersTest, EveryRequestMayTurnThemOffOrNameThoseThatAreThere) {
  const auto with = engine(1);
  const Written off = write_text(*with, request(1, false, {.type = SpecType::none}));
  EXPECT_EQ(off.drafts.proposed, 0);
  const Written none = write_text(*with, request(1, false, {.depth_max = 0}));
  EXPECT_EQ(none.drafts.proposed, 0);
  const auto without = engine(1, false);
  const auto refused = without->submit(request(1, false, {.type = SpecType::model}));
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message().find("no draft model"), std::string::npos);
}

/// A draft model by hand: the drafts after a text must not depend on what was drafted and refused
/// on the way there.
class ModelDrafterTest : public DraftersTest {
 protected:
  std::unique_ptr<ModelDrafter> drafter() {
    auto made = ModelDrafter::make(draft_model_.loaded, {.context = 256,
                                                         .sequences_max = 1,
                                                         .chunk_tokens = 32,
                                                         .draft_tokens_max = 8,
                                                         .tokens = info().vocab});
    EXPECT_TRUE(made.ok()) << made.error().message();
    return std::move(*made);
  }

  /// A text whose prompt was read by the trunk and the first token chosen.
  Sequence text(int id, bool sampled) const {
    Sequence s{.id = static_cast<SeqId>(id), .tokens_end = 256, .slot = 0};
    auto sampler =
        Sampler::make({.seed = 9, .temperature = sampled ? 1.0 : 0.0}, 0, info().vocab, {});
    s.sampler = std::move(*sampler);
    for (int64_t i = 0; i < 45; i++) push(s, static_cast<TokenId>((11 * i + 3) % info().vocab));
    s.prompt_tokens = 44;
    s.computed = 44;
    return s;
  }

  static void push(Sequence& s, TokenId id) {
    s.tokens.push_back(id);
    s.sampler->accept(id);
  }

  static std::vector<TokenId> drafts(ModelDrafter& drafter, Sequence& s, int64_t depth) {
    EXPECT_GE(drafter.offer(s, {}).depth_max, depth);
    DraftRequest request{.sequence = &s, .depth = depth};
    const Status proposed = drafter.propose(std::span(&request, 1));
    EXPECT_TRUE(proposed.ok()) << proposed.error().message();
    return request.tokens;
  }

  /// Steps of the trunk without drafts, until the drafter could make some.
  static void catch_up(ModelDrafter& drafter, Sequence& s) {
    const FollowedRows rows{.sequence = &s, .rows = 1, .kept = true};
    for (int i = 0; i < 20 && drafter.offer(s, {}).depth_max == 0; i++)
      EXPECT_TRUE(drafter.follow(std::span(&rows, 1)).ok());
  }

  /// Lets the drafter read the prompt of `s`, as steps of the trunk would.
  static void read_prompt(ModelDrafter& drafter, Sequence& s) {
    const int64_t computed = s.computed;
    for (const int64_t end : {int64_t{20}, int64_t{44}, computed}) {
      if (end > computed) continue;
      s.computed = end;
      const FollowedRows rows{.sequence = &s, .position = 0, .rows = end};
      EXPECT_TRUE(drafter.follow(std::span(&rows, 1)).ok());
    }
  }
};

TEST_P(ModelDrafterTest, ForgetsWhatWasRefused) {
  for (const bool sampled : {false, true}) {
    const auto used = drafter();
    Sequence s = text(1, sampled);
    EXPECT_EQ(used->offer(s, {}).depth_max, 0);  // it has read nothing yet
    read_prompt(*used, s);
    for (int round = 0; round < 12; round++) {
      const int64_t depth = 1 + round % 6;
      const std::vector<TokenId> drafted = drafts(*used, s, depth);
      const auto fresh = drafter();
      Sequence same = s;
      same.id = static_cast<SeqId>(100 + round);
      read_prompt(*fresh, same);
      EXPECT_EQ(drafted, drafts(*fresh, same, depth)) << round << ", sampled " << sampled;
      const int64_t accepted = (round * 5 + 2) % (depth + 1);
      for (int64_t i = 0; i < accepted; i++) push(s, drafted[static_cast<size_t>(i)]);
      const auto after = accepted < depth
                             ? static_cast<int64_t>(drafted[static_cast<size_t>(accepted)]) + 1
                             : int64_t{5};
      push(s, static_cast<TokenId>(after % info().vocab));
      s.computed = std::ssize(s.tokens) - 1;
      const FollowedRows rows{.sequence = &s, .rows = 1 + accepted, .kept = true};
      EXPECT_TRUE(used->follow(std::span(&rows, 1)).ok());
    }
  }
}

TEST_P(ModelDrafterTest, CatchesUpAfterALongRestAndStartsAnewForAnotherText) {
  const auto used = drafter();
  Sequence s = text(1, false);
  read_prompt(*used, s);
  drafts(*used, s, 4);
  for (int64_t i = 0; i < 60; i++) {  // written without drafts
    push(s, static_cast<TokenId>((3 * i + 1) % info().vocab));
    s.computed = std::ssize(s.tokens) - 1;
    const FollowedRows rows{.sequence = &s, .rows = 1, .kept = true};
    EXPECT_TRUE(used->follow(std::span(&rows, 1)).ok());
    EXPECT_LE(used->offer(s, {}).catch_up, ModelDrafter::kLagMax + 1);
  }
  const auto fresh = drafter();
  Sequence same = s;
  same.id = static_cast<SeqId>(2);
  read_prompt(*fresh, same);
  catch_up(*fresh, same);
  const std::vector<TokenId> wanted = drafts(*fresh, same, 5);
  EXPECT_EQ(drafts(*used, s, 5), wanted);
  catch_up(*used, s);  // nothing came of the drafts: once more
  EXPECT_EQ(drafts(*used, s, 5), wanted);

  used->forget(s);
  Sequence other = text(3, false);
  read_prompt(*used, other);
  const auto anew = drafter();
  Sequence other_too = text(4, false);
  read_prompt(*anew, other_too);
  EXPECT_EQ(drafts(*used, other, 3), drafts(*anew, other_too, 3));
}

TEST_P(ModelDrafterTest, RefusesASmallerVocabulary) {
  const auto made =
      ModelDrafter::make(draft_model_.loaded, {.context = 64, .tokens = info().vocab + 1});
  ASSERT_FALSE(made.ok());
  EXPECT_NE(made.error().message().find("wanted the same vocabulary"), std::string::npos);
}

std::vector<Pair> own_pairs() {
  std::vector<Pair> own = pairs();
  std::erase_if(own, [](const Pair& pair) { return pair.model != pair.draft_model; });
  return own;
}

std::string name_of(const ::testing::TestParamInfo<Pair>& test) {
  std::string name = test.param.model + "_by_" + test.param.draft_model;
  std::ranges::replace(name, '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Models, DraftersTest, ::testing::ValuesIn(pairs()), name_of);
INSTANTIATE_TEST_SUITE_P(Models, OwnDrafterTest, ::testing::ValuesIn(own_pairs()), name_of);
INSTANTIATE_TEST_SUITE_P(Models, ModelDrafterTest, ::testing::ValuesIn(pairs()), name_of);

}  // namespace
}  // namespace troika::testing
