// troika inflate: the larger model computes what the small one does.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "cli/program.h"
#include "gguf/file.h"
#include "support/npy.h"

namespace troika::testing {
namespace {

using Json = nlohmann::json;
using Strings = std::vector<std::string>;

const std::string kDemo = std::string(TROIKA_SOURCE_DIR) + "/models/troika-demo.gguf";
const Strings kDemoSizes = {"--layers", "8", "--hidden", "128", "--ff", "256", "--vocab", "2048"};

Strings operator+(Strings left, const Strings& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

void expect_inflates(const std::string& source, const Strings& flags, const std::string& out) {
  const Outcome outcome = troika(Strings{"inflate", source, "-o", out} + flags);
  ASSERT_EQ(outcome.status, 0) << outcome.error;
  EXPECT_EQ(outcome.error, "");
  EXPECT_NE(outcome.out.find("parameters"), std::string::npos) << outcome.out;
}

/// Logits of `tokens` by the model at `path`, cut to the first `vocab` of each row.
std::vector<float> logits(const Folder& folder, const std::string& path, const std::string& tokens,
                          size_t vocab, bool draft_head = false) {
  Strings run = {"logits",    path,  "--tokens", tokens,
                 "--kv-type", "f32", "--out",    folder / "trunk.npy"};
  if (draft_head) run = run + Strings{"--mtp-out", folder / "draft.npy"};
  const Outcome outcome = troika(run);
  EXPECT_EQ(outcome.status, 0) << outcome.error;
  const Array array = parse_npy(read_text(folder / (draft_head ? "draft.npy" : "trunk.npy")));
  std::vector<float> cut;
  const auto columns = static_cast<size_t>(array.shape.at(1));
  for (size_t at = 0; at < array.values.size(); at += columns)
    for (size_t c = 0; c < vocab; c++) cut.push_back(array.values[at + c]);
  return cut;
}

double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  EXPECT_EQ(a.size(), b.size());
  double largest = 0;
  for (size_t i = 0; i < std::min(a.size(), b.size()); i++)
    largest = std::max(largest, std::abs(double{a[i]} - double{b[i]}));
  return largest;
}

/// Ids of a text of the demo model's classes.
std::string demo_tokens(const Folder& folder) {
  const std::string all =
      read_text(std::string(TROIKA_SOURCE_DIR) + "/models/oracle/text1.tokens.txt");
  size_t end = 0;
  for (int i = 0; i < 96; i++) end = all.find('\n', end) + 1;
  return folder.write("ids.txt", all.substr(0, end));
}

Json answer(const std::string& model, const std::string& prompt, const std::string& depth) {
  const Outcome outcome =
      troika({"run", model, "-p", prompt, "--temp", "0", "-n", "64", "--json", "--spec-type",
              depth == "0" ? "none" : "mtp", "--spec-draft-n-max", depth});
  EXPECT_EQ(outcome.status, 0) << outcome.error;
  return Json::parse(outcome.out);
}

TEST(CliInflate, LogitsAreThoseOfTheSource) {
  const Folder folder;
  const std::string tokens = demo_tokens(folder);
  const std::string big = folder / "big.gguf";
  for (const std::string type : {"f32", "f16", "q8_0"}) {
    // What is compared is widening, not rounding: the source in the same type.
    const std::string small = folder / "small.gguf";
    expect_inflates(kDemo, kDemoSizes + Strings{"--type", type}, small);
    expect_inflates(
        kDemo,
        {"--layers", "13", "--hidden", "512", "--ff", "704", "--vocab", "2500", "--heads", "12",
         "--kv-heads", "3", "--key-heads", "6", "--value-heads", "18", "--type", type},
        big);
    for (const bool draft_head : {false, true})
      EXPECT_LE(largest_difference(logits(folder, big, tokens, 2048, draft_head),
                                   logits(folder, small, tokens, 2048, draft_head)),
                // An activation that is rounded to 8 bits the other way moves what follows.
                type == "q8_0" ? 0.4 : 0.005)
          << type << draft_head;
  }
}

/// How often drafts of `model` were right, and its answers.
struct Answers {
  std::vector<std::vector<int32_t>> tokens;
  int64_t proposed = 0, accepted = 0;
  double acceptance() const {
    return static_cast<double>(accepted) / static_cast<double>(proposed);
  }
};

Answers answers(const std::string& model, const std::string& depth) {
  Answers all;
  for (const std::string prompt :
       {"Please work out 97 * 98.", "Write a short story: the small bear Gus finds a glass ball.",
        "Write a short story: the old queen Ida finds a silver key.", "Please work out 86 * 79."}) {
    const Json one = answer(model, prompt, depth);
    all.tokens.push_back(one["tokens"]);
    EXPECT_EQ(all.tokens.back().size(), 64u);
    all.proposed += one["draft"]["proposed"].get<int64_t>();
    all.accepted += one["draft"]["accepted"].get<int64_t>();
  }
  return all;
}

TEST(CliInflate, AnswersAndAcceptanceAreThoseOfTheSource) {
  const Folder folder;
  const std::string small = folder / "small.gguf", big = folder / "big.gguf";
  for (const std::string type : {"f16", "q8_0"}) {
    expect_inflates(kDemo, kDemoSizes + Strings{"--type", type}, small);
    expect_inflates(
        kDemo,
        {"--layers", "12", "--hidden", "512", "--ff", "512", "--vocab", "4096", "--type", type},
        big);
    const Answers wanted = answers(type == "f16" ? kDemo : small, "3");
    const Answers drafted = answers(big, "3");
    EXPECT_EQ(drafted.tokens, wanted.tokens) << type;
    EXPECT_EQ(answers(big, "0").tokens, wanted.tokens) << type;
    EXPECT_NEAR(drafted.acceptance(), wanted.acceptance(), 0.02) << type;
    EXPECT_GT(wanted.acceptance(), 0.5);
  }
}

TEST(CliInflate, OtherModelsGrowToo) {
  const Folder folder;
  for (const std::string name :
       {"llama-f32", "llama-l3rope-f32", "qwen2-f32", "qwen3-f32", "qwen35-succ-f32"}) {
    const std::string tokens = model_side_file(name.substr(0, name.size() - 4) + ".tokens.txt");
    const std::string big = folder / "big.gguf";
    expect_inflates(
        model_file(name),
        {"--layers", "5", "--hidden", "320", "--ff", "512", "--vocab", "3000", "--type", "f32"},
        big);
    const auto source = gguf::File::open(model_file(name));
    ASSERT_TRUE(source.ok());
    const auto vocab = static_cast<size_t>(source->find("token_embd.weight")->shape[0]);
    EXPECT_LE(largest_difference(logits(folder, big, tokens, vocab),
                                 logits(folder, model_file(name), tokens, vocab)),
              0.002)
        << name;
  }
}

TEST(CliInflate, TypesAreTheUsualMix) {
  const Folder folder;
  const std::string path = folder / "big.gguf";
  expect_inflates(
      kDemo,
      {"--layers", "16", "--hidden", "256", "--ff", "512", "--vocab", "2100", "--type", "q4_k_m"},
      path);
  const auto file = gguf::File::open(path);
  ASSERT_TRUE(file.ok());
  const auto type = [&](const std::string& name) { return file->find(name)->dtype; };
  EXPECT_EQ(type("token_embd.weight"), DType::q6_k);  // the output, too
  EXPECT_EQ(type("blk.4.attn_qkv.weight"), DType::q5_k);
  EXPECT_EQ(type("blk.4.ffn_gate.weight"), DType::q4_k);
  EXPECT_EQ(type("blk.0.ffn_down.weight"), DType::q6_k);
  EXPECT_EQ(type("blk.2.ffn_down.weight"), DType::q4_k);
  EXPECT_EQ(type("blk.4.ssm_alpha.weight"), DType::q8_0);
  EXPECT_EQ(type("blk.4.ssm_conv1d.weight"), DType::f32);
  EXPECT_EQ(type("blk.16.nextn.eh_proj.weight"), DType::q4_k);
  EXPECT_EQ(*file->metadata().integer("general.file_type"), 15);
  EXPECT_EQ(*file->metadata().integer("qwen35.block_count"), 17);
  EXPECT_EQ(file->metadata().strings("tokenizer.ggml.tokens")->at(2099), "<|unused_2099|>");
  const Outcome outcome = troika({"run", path, "-p", "What is 47 + 54?", "-n", "4"});
  EXPECT_EQ(outcome.status, 0) << outcome.error;
}

TEST(CliInflate, BytesFollowFromTheFlags) {
  const Folder folder;
  const Strings sizes = {"--layers", "9", "--hidden", "256", "--ff", "512", "--vocab", "2100"};
  const auto bytes = [&](const Strings& flags) {
    expect_inflates(kDemo, sizes + flags, folder / "out.gguf");
    return read_text(folder / "out.gguf");
  };
  const std::string first = bytes({"--threads", "1"});
  EXPECT_TRUE(bytes({"--threads", "3"}) == first);  // and replaces what was there
  EXPECT_FALSE(bytes({"--seed", "2"}) == first);
}

TEST(CliInflate, RefusesWhatCannotBe) {
  const Folder folder;
  const auto inflate = [&](const Strings& flags, const std::string& source = kDemo) {
    return troika(Strings{"inflate", source, "-o", folder / "out.gguf"} + flags);
  };
  expect_refusal(inflate({"--layers", "4"}), 1, "layers of 4, wanted 8");
  expect_refusal(inflate({"--hidden", "64"}), 1, "hidden of 64, wanted 128");
  expect_refusal(inflate({"--ff", "200"}), 1, "feed-forward of 200");
  expect_refusal(inflate({"--vocab", "100"}), 1, "vocabulary of 100");
  expect_refusal(inflate({"--heads", "7", "--kv-heads", "2"}), 1, "7 heads over 2 KV heads");
  expect_refusal(inflate({"--heads", "4", "--kv-heads", "4"}), 1, "multiple of at least 2");
  expect_refusal(inflate({"--value-heads", "8", "--key-heads", "8"}), 1, "8 value heads over 8");
  expect_refusal(inflate({"--type", "q3_k"}), 2, "q3_k");
  expect_refusal(inflate({"--hidden", "0"}), 2, "--hidden");
  expect_refusal(inflate({}, model_file("llama-moe-q8_0")), 1, "experts");
  expect_refusal(inflate({"--key-heads", "4"}, model_file("llama-f32")), 1, "no delta nets");
  expect_refusal(inflate({}, folder / "none.gguf"), 1, "none.gguf");
  expect_refusal(troika({"inflate", kDemo, "-o", folder / "none/out.gguf"}), 1, "none/out.gguf");
  EXPECT_TRUE(folder.names().empty());
}

TEST(CliInflate, AnInterruptLeavesNothingBehind) {
  const Folder folder;
  Program program({"inflate", kDemo, "--vocab", "400000", "-o", folder / "out.gguf"});
  for (int i = 0; i < 1000 && folder.names().empty(); i++)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  program.signal(SIGINT);
  expect_refusal(program.finish(), 130, "interrupted");
  EXPECT_TRUE(folder.names().empty());
}

}  // namespace
}  // namespace troika::testing
