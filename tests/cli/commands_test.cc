// troika logits, tokenize, inspect and chat.

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
#include "support/npy.h"

namespace troika::testing {
namespace {

using Json = nlohmann::json;
using Strings = std::vector<std::string>;

double largest_difference(const Array& a, const Array& b) {
  EXPECT_EQ(a.shape, b.shape);
  double largest = 0;
  for (size_t i = 0; i < std::min(a.values.size(), b.values.size()); i++)
    largest = std::max(largest, std::abs(double{a.values[i]} - double{b.values[i]}));
  return largest;
}

Array array_at(const std::string& path) {
  return parse_npy(read_text(path));
}

Json parse_out(const Outcome& outcome) {
  EXPECT_EQ(outcome.status, 0) << outcome.error;
  return Json::parse(outcome.out);
}

TEST(CliLogits, RowsOfTrunkAndHeadAreTheStoredOnes) {
  const Folder folder;
  const Strings base = {"logits",    model_file("qwen35-succ-f32"),
                        "--tokens",  model_side_file("qwen35-succ.tokens.txt"),
                        "--device",  "reference",
                        "--kv-type", "f32",
                        "--out",     folder / "a.npy"};
  Strings whole = base;
  whole.insert(whole.end(), {"--mtp-out", folder / "b.npy"});
  const Outcome outcome = troika(whole);
  ASSERT_EQ(outcome.status, 0) << outcome.error;
  EXPECT_EQ(outcome.out + outcome.error, "");
  EXPECT_LE(largest_difference(array_at(folder / "a.npy"),
                               array_at(model_side_file("qwen35-succ-f32.logits.npy"))),
            1e-3);
  EXPECT_LE(largest_difference(array_at(folder / "b.npy"),
                               array_at(model_side_file("qwen35-succ-f32.mtp.npy"))),
            1e-3);
  const std::string bytes = read_text(folder / "a.npy");
  Strings chunked = base;
  chunked.insert(chunked.end(), {"--chunk", "7"});
  ASSERT_EQ(troika(chunked).status, 0);
  EXPECT_EQ(read_text(folder / "a.npy"), bytes);
  EXPECT_EQ(folder.names().size(), 2u);
}

TEST(CliLogits, LeavesNothingBehindWhenItFails) {
  const Folder folder;
  const auto logits = [](const std::string& tokens, const std::string& out) {
    return troika({"logits", model_file("llama-f32"), "--device", "reference", "--tokens", tokens,
                   "--out", out});
  };
  const std::string good = folder.write("good", "1 2 3");
  const std::string bad = folder.write("bad", "1 2 9999");
  expect_refusal(logits(bad, folder / "x.npy"), 1, "9999");
  expect_refusal(logits(good, folder / "none/x.npy"), 1, "none/x.npy");
  expect_refusal(logits(good, folder.path().string()), 1, "directory");
  expect_refusal(logits(folder / "none", folder / "x.npy"), 1, "none");
  EXPECT_EQ(folder.names().size(), 2u);
  folder.write("x.npy", "kept");
  expect_refusal(logits(bad, folder / "x.npy"), 1, "9999");
  EXPECT_EQ(read_text(folder / "x.npy"), "kept");
}

TEST(CliLogits, InterruptLeavesNothingBehind) {
  const Folder folder;
  std::string ids;
  for (int i = 0; i < 20000; i++) ids += std::to_string(i % 280) + " ";
  const std::string tokens = folder.write("tokens", ids);
  Program program({"logits", model_file("llama-f32"), "--device", "reference", "--tokens", tokens,
                   "--out", folder / "x.npy", "--chunk", "16"});
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (folder.names().size() < 2 && std::chrono::steady_clock::now() < give_up)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  program.signal(SIGINT);
  expect_refusal(program.finish(), 130, "interrupted");
  EXPECT_EQ(folder.names(), Strings{"tokens"});
}

TEST(CliLogits, HeadIsWantedOnlyWhereThereIsOne) {
  const Folder folder;
  expect_refusal(
      troika({"logits", model_file("llama-f32"), "--tokens", model_side_file("llama.tokens.txt"),
              "--out", folder / "a.npy", "--mtp-out", folder / "b.npy"}),
      1, "no draft head");
  EXPECT_TRUE(folder.names().empty());
}

TEST(CliTokenize, PrintsTableIdsOrJson) {
  const std::string model = model_file("qwen35-succ-f32");
  EXPECT_EQ(troika({"tokenize", model, "-p", "Hi<|im_start|>"}).out,
            "      72  \"H\"\n     105  \"i\"\n     287  \"<|im_start|>\"\n");
  EXPECT_EQ(troika({"tokenize", model, "--ids", "-p", "Hi<|im_start|>"}).out, "72 105 287\n");
  EXPECT_NE(troika({"tokenize", model, "--ids", "--no-parse-special", "-p", "<|im_start|>"}).out,
            "287\n");
  const Json object = parse_out(troika({"tokenize", model, "--json", "-p", "Hi"}));
  EXPECT_EQ(object["tokens"], Json::array({72, 105}));
  EXPECT_EQ(object["pieces"], Json::array({"H", "i"}));
  EXPECT_EQ(parse_out(troika({"tokenize", model, "--json", "--ids", "-p", "Hi"})),
            Json::array({72, 105}));
}

TEST(CliTokenize, BosIsAddedWhereTheFileWantsIt) {
  const std::string model = model_file("llama-f32");
  const std::string with = troika({"tokenize", model, "--ids", "-p", "Hi"}).out;
  const std::string without = troika({"tokenize", model, "--ids", "--no-bos", "-p", "Hi"}).out;
  EXPECT_TRUE(with == without || with.ends_with(" " + without)) << with << without;
}

TEST(CliTokenize, FileIsTakenByteByByte) {
  const Folder folder;
  const std::string model = model_file("qwen35-succ-f32");
  EXPECT_EQ(troika({"tokenize", model, "--ids", "-f", folder.write("a", "Hi\n")}).out,
            troika({"tokenize", model, "--ids", "-p", "Hi\n"}).out);
  expect_refusal(troika({"tokenize", model}), 2, "no text");
}

TEST(CliInspect, TellsModelTokenizerAndMemory) {
  const Json object =
      parse_out(troika({"inspect", model_file("qwen35-succ-f32"), "--json", "-c", "1024"}));
  EXPECT_EQ(object["metadata"]["general.architecture"], "qwen35");
  EXPECT_EQ(object["metadata"]["tokenizer.ggml.tokens"]["count"], 288);
  EXPECT_EQ(object["metadata"]["tokenizer.ggml.tokens"]["first"].size(), 8u);
  EXPECT_EQ(object["model"]["draft_head"], true);
  EXPECT_EQ(object["model"]["layers"], 2);
  EXPECT_EQ(object["tokenizer"]["tokens"], 288);
  int64_t bytes = 0;
  for (const Json& tensor : object["tensors"]) bytes += tensor["bytes"].get<int64_t>();
  const Json& memory = object["memory"];
  EXPECT_EQ(memory["context"], 1024);
  EXPECT_EQ(memory["weights_bytes"]["trunk"].get<int64_t>() +
                memory["weights_bytes"]["draft_head"].get<int64_t>(),
            bytes);
  EXPECT_GT(memory["log_bytes_per_token"], 0);
  EXPECT_GT(memory["draft_head_percent"], 0);
  const Outcome text = troika({"inspect", model_file("qwen35-succ-f32")});
  for (const char* words :
       {"metadata (", "tensors (", "draft head", "1 with attention, 1 recurrent", "keys and values",
        "draft log", "token_embd.weight"})
    EXPECT_NE(text.out.find(words), std::string::npos) << words;
}

TEST(CliInspect, CountsExpertsAndAllOfTheirBytes) {
  const std::string path = model_file("qwen35moe-q8_0");
  const Json object = parse_out(troika({"inspect", path, "--json", "-c", "1024"}));
  EXPECT_EQ(object["model"]["experts"], 6);
  EXPECT_EQ(object["model"]["experts_used"], 3);
  int64_t trunk = 0;
  int64_t draft_head = 0;
  for (const Json& tensor : object["tensors"])
    (tensor["name"].get<std::string>().starts_with("blk.3.") ? draft_head : trunk) +=
        tensor["bytes"].get<int64_t>();
  EXPECT_EQ(object["memory"]["weights_bytes"]["trunk"], trunk);
  EXPECT_EQ(object["memory"]["weights_bytes"]["draft_head"], draft_head);
  const Outcome text = troika({"inspect", path});
  EXPECT_NE(text.out.find("6, 3 used for a token"), std::string::npos) << text.out;
  EXPECT_EQ(troika({"inspect", model_file("llama-f32")}).out.find("used for a token"),
            std::string::npos);
}

TEST(CliInspect, TwiceAsMuchContextIsTwiceTheKeysAndValues) {
  const auto kv_bytes = [](const char* context) {
    return parse_out(troika({"inspect", model_file("llama-f32"), "--json", "-c",
                             context}))["memory"]["kv_bytes"]["trunk"]
        .get<int64_t>();
  };
  EXPECT_EQ(kv_bytes("4096"), 2 * kv_bytes("2048"));
}

TEST(CliChat, RemembersTurnsUntilCleared) {
  const Folder folder;
  const Strings chat = {"chat", chat_model(folder), "--device", "reference", "--temp", "0", "-n",
                        "5"};
  const std::string once = troika(chat, "the inn\n").out;
  EXPECT_FALSE(once.empty());
  const Outcome cleared = troika(chat, "the inn\n/clear\n\nthe inn\n/exit\nnot read\n");
  EXPECT_EQ(cleared.status, 0) << cleared.error;
  EXPECT_EQ(cleared.out, once + once);
  const std::string turns = troika(chat, "the inn\nthe inn\n").out;
  EXPECT_TRUE(turns.starts_with(once));
  EXPECT_NE(turns, once + once);
}

TEST(CliChat, ConversationLongerThanTheContextIsAnError) {
  const Folder folder;
  const Strings chat = {"chat", chat_model(folder), "--device", "reference", "-c",
                        "24",   "--temp",           "0",        "-n",        "1"};
  expect_refusal(troika(chat, std::string(100, 'x') + "\n"), 1, "context 24");
}

}  // namespace
}  // namespace troika::testing
