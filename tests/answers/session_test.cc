// A sequence that is saved in the middle and goes on in another engine writes what it would have
// written; files that do not suit are refused by name.
#include <unistd.h>

#include <filesystem>

#include "answers/answer.h"
#include "engine/session_file.h"

namespace troika::testing {
namespace {

constexpr uint64_t kModel = 0x1234;

class SessionTest : public ::testing::TestWithParam<const char*> {
 protected:
  SessionTest()
      : device_(make_cpu_device({.threads = 2, .shared_work_min = 0}).value()),
        model_(open_model(test_data("fixtures") / "models" / (std::string(GetParam()) + ".gguf"),
                          *device_)),
        path_(
            (std::filesystem::temp_directory_path() / ("session_test." + std::to_string(getpid())))
                .string()) {}
  ~SessionTest() override { std::filesystem::remove(path_); }

  bool has_head() const { return model_.loaded.model.info.draft_head; }
  bool recurrent() const { return model_.loaded.model.info.recurrent; }

  std::unique_ptr<Engine> engine(EngineOptions options = {.context = 512, .chunk_tokens = 32},
                                 uint64_t model = kModel) {
    auto made =
        Engine::make(model_.loaded, options,
                     {.tokens = model_.loaded.model.info.vocab, .end_tokens = {}, .model = model});
    EXPECT_TRUE(made.ok()) << made.error().message();
    return std::move(*made);
  }

  Request request(bool sampled, bool drafts) const {
    Request r{.tokens_max = 60,
              .speculation = {.type = drafts ? SpecType::automatic : SpecType::none}};
    if (drafts && has_head()) r.speculation = {.type = SpecType::mtp, .depth_max = 3};
    for (int64_t i = 0; i < 90; i++)
      r.prompt.push_back(static_cast<TokenId>((3 + 7 * i) % model_.loaded.model.info.vocab));
    r.sampling = {.seed = 5, .temperature = sampled ? 1.1 : 0.0};
    r.sampling.repeat_penalty = 1.1;
    r.keep_state = true;
    return r;
  }

  /// Writes so many tokens of an answer and saves; true if all went well.
  std::vector<TokenId> save_after(int64_t tokens, Request r) {
    const auto e = engine();
    const SeqId id = *e->submit(std::move(r));
    while (std::ssize(e->sequence(id).tokens) < 90 + tokens) EXPECT_TRUE(*e->step());
    const Status saved = e->save(id, path_);
    EXPECT_TRUE(saved.ok()) << saved.error().message();
    return e->sequence(id).tokens;
  }

  std::shared_ptr<const SessionFile> open() const {
    auto file = SessionFile::open(path_);
    EXPECT_TRUE(file.ok()) << file.error().message();
    return std::make_shared<const SessionFile>(std::move(*file));
  }

  std::unique_ptr<Device> device_;
  OpenModel model_;
  std::string path_;
};

/// Rows that chose the tokens from number `from` of the answer on, each hashed.
std::vector<uint64_t> row_hashes(Engine& engine, Request r, std::vector<TokenId>& tokens) {
  std::vector<uint64_t> hashes;
  r.on_row = [&](std::span<const float> row) {
    hashes.push_back(XXH64(row.data(), row.size_bytes(), 0));
  };
  const auto id = engine.submit(std::move(r));
  EXPECT_TRUE(id.ok()) << id.error().message();
  if (!id.ok()) return hashes;
  step_to_rest(engine);
  tokens = engine.sequence(*id).tokens;
  engine.release(*id);
  return hashes;
}

TEST_P(SessionTest, ARestoredTextGoesOnWithTheSameBits) {
  for (const bool sampled : {false, true}) {
    std::vector<TokenId> whole;
    const auto rows = row_hashes(*engine(), request(sampled, false), whole);
    for (const bool saved_with_drafts : {false, true})
      for (const bool restored_with_drafts : {false, true})
        for (const int64_t tokens : {1, 2, 3, 4, 5, 38}) {
          const auto saved = save_after(tokens, request(sampled, saved_with_drafts));
          Request r = request(sampled, restored_with_drafts);
          r.prompt = saved;
          r.session = open();
          r.tokens_max = 60 - (std::ssize(saved) - 90);
          const auto e = engine();
          std::vector<TokenId> text;
          const auto hashes = row_hashes(*e, std::move(r), text);
          EXPECT_EQ(text, whole) << tokens;
          EXPECT_EQ(hashes, std::vector(rows.end() - std::ssize(hashes), rows.end())) << tokens;
          // The prompt was not read again.
          if (!restored_with_drafts) {
            EXPECT_LE(e->forward().trunk_rows(), 60);
          }
        }
  }
}

TEST_P(SessionTest, ALongerPromptComputesOnlyWhatFollows) {
  const auto saved = save_after(10, request(false, false));
  Request r = request(false, has_head());
  r.prompt = saved;
  for (int i = 0; i < 70; i++) r.prompt.push_back(static_cast<TokenId>(i + 3));
  Request cold = r;
  std::vector<TokenId> wanted, text;
  const auto cold_rows = row_hashes(*engine(), cold, wanted);
  r.session = open();
  const auto e = engine({.context = 512, .sequences_max = 2, .chunk_tokens = 7});
  EXPECT_EQ(row_hashes(*e, r, text), cold_rows);
  EXPECT_EQ(text, wanted);
  EXPECT_EQ(row_hashes(*e, r, text), cold_rows);  // any number of times
}

TEST_P(SessionTest, RefusalsSayWhatDoesNotSuit) {
  const auto saved = save_after(10, request(false, false));
  Request r = request(false, false);
  r.prompt = saved;
  r.session = open();
  const auto refusal = [&](Engine& e, const Request& asked) {
    const auto id = e.submit(asked);
    EXPECT_FALSE(id.ok());
    EXPECT_EQ(id.ok() || id.error().message().find(path_) == 0, true);
    return id.ok() ? "" : id.error().message();
  };
  EXPECT_NE(refusal(*engine({.context = 512}, 9), r).find("of model 0000000000001234"),
            std::string::npos);
  EXPECT_NE(refusal(*engine({.context = 512, .kv_dtype = DType::f32}), r).find("KV f16"),
            std::string::npos);
  if (recurrent()) {
    EXPECT_NE(refusal(*engine({.context = 512, .draft_tokens_max = 2}), r).find("drafts"),
              std::string::npos);
  }
  Request other = r;
  other.prompt[5] = TokenId{1};
  EXPECT_NE(refusal(*engine(), other).find("do not begin the prompt"), std::string::npos);
  other.prompt = {TokenId{1}};
  EXPECT_NE(refusal(*engine(), other).find("do not begin the prompt"), std::string::npos);
}

TEST_P(SessionTest, APromptThatIsNotReadCannotBeSaved) {
  const auto e = engine();
  const SeqId id = *e->submit(request(false, false));
  ASSERT_TRUE(*e->step());
  EXPECT_NE(e->save(id, path_).error().message().find("32 of 90 tokens"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(path_));
}

INSTANTIATE_TEST_SUITE_P(Models, SessionTest,
                         ::testing::Values("llama-q8_0", "qwen3moe-q4_0", "qwen35-succ-q8_0",
                                           "qwen35moe-q8_0"),
                         [](const auto& test) {
                           std::string name = test.param;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

TEST(ModelFingerprintTest, TellsModelsApart) {
  std::vector<uint64_t> seen;
  for (const char* name : {"llama-q8_0", "llama-f32", "qwen35-succ-q8_0", "qwen2-f32"}) {
    const auto path = test_data("fixtures") / "models" / (std::string(name) + ".gguf");
    const uint64_t print = model_fingerprint(gguf::File::open(path).value());
    EXPECT_EQ(print, model_fingerprint(gguf::File::open(path).value()));
    EXPECT_EQ(std::ranges::count(seen, print), 0) << name;
    seen.push_back(print);
  }
}

}  // namespace
}  // namespace troika::testing
