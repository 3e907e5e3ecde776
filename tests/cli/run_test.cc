// troika run: what it prints, and that it does what its flags say.

#include <gtest/gtest.h>
#include <sched.h>

#include <algorithm>
#include <csignal>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/program.h"
#include "core/ids.h"
#include "support/models.h"

namespace troika::testing {
namespace {

using Json = nlohmann::json;
using Strings = std::vector<std::string>;

Strings operator+(Strings left, const Strings& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

/// `troika run` on the reference device with the fixture's prompt ids.
Strings fixture_run(const std::string& name) {
  return {"run",
          model_file(name),
          "--prompt-tokens",
          model_side_file(base_of(name) + ".tokens.txt"),
          "--device",
          "reference",
          "--kv-type",
          "f32",
          "--ignore-eos"};
}

Json run_json(const Strings& arguments) {
  const Outcome outcome = troika(arguments + Strings{"--json"});
  EXPECT_EQ(outcome.status, 0) << outcome.error;
  EXPECT_EQ(outcome.error, "");
  return Json::parse(outcome.out);
}

TEST(CliRun, GreedyIdsAreTheStoredOnes) {
  for (const std::string name : {"llama-f32", "qwen2-f32", "qwen3-f32", "qwen35-succ-f32"}) {
    const Json object = run_json(fixture_run(name) + Strings{"--temp", "0", "-n", "32"});
    std::vector<int32_t> wanted;
    for (const TokenId id : read_ids(model_side_file(name + ".greedy.txt")))
      wanted.push_back(static_cast<int32_t>(id));
    EXPECT_EQ(object["tokens"].get<std::vector<int32_t>>(), wanted) << name;
  }
}

TEST(CliRun, DevicesAndThreadsAreTheCallersChoice) {
  const auto tokens = [](const Strings& device) {
    return run_json(Strings{"run", model_file("qwen2-f32"), "--prompt-tokens",
                            model_side_file("qwen2.tokens.txt"), "--kv-type", "f32", "--temp", "0",
                            "-n", "16"} +
                    device)["tokens"];
  };
  const Json wanted = tokens({"--device", "reference"});
  EXPECT_EQ(tokens({"-t", "1"}), wanted);
  EXPECT_EQ(tokens({"--device", "cpu", "--threads", "2"}), wanted);
  EXPECT_EQ(tokens({"--device", "cpu", "--isa", "portable", "-t", "1"}), wanted);
  const std::string processor = std::to_string(sched_getcpu());
  EXPECT_EQ(tokens({"--cpus", processor}), wanted);
  EXPECT_EQ(tokens({"--cpu-range", processor, "--no-pin"}), wanted);
}

TEST(CliRun, DevicesInAGroupWriteWhatOneDoes) {
  for (const char* name : {"k-llama-q4_k", "k-qwen35-mix4k"}) {
    const auto tokens = [name](const Strings& device) {
      return run_json(Strings{"run", model_file(name), "--prompt-tokens",
                              model_side_file(base_of(name) + ".tokens.txt"), "--temp", "1",
                              "--seed", "5", "-n", "24"} +
                      device)["tokens"];
    };
    const Json wanted = tokens({"--device", "cpu", "-t", "1"});
    EXPECT_EQ(tokens({"--device", "cpu,cpu", "-t", "1"}), wanted) << name;
    EXPECT_EQ(tokens({"--device", "cpu,cpu,cpu", "--split", "3,0,2", "-t", "1"}), wanted) << name;
    const std::string processor = std::to_string(sched_getcpu());
    EXPECT_EQ(tokens({"--device", "cpu:" + processor + ",cpu", "--split", "5,3"}), wanted) << name;
  }
}

TEST(CliRun, JsonHasEveryField) {
  const Json object =
      run_json(fixture_run("qwen35-succ-f32") +
               Strings{"--temp", "0", "-n", "12", "--spec-type", "mtp", "--spec-draft-n-max", "3"});
  EXPECT_TRUE(object["text"].is_string());
  EXPECT_EQ(object["tokens"].size(), 12u);
  EXPECT_EQ(object["prompt_tokens"], 48);
  EXPECT_EQ(object["finish"], "length");
  for (const char* key :
       {"load_ms", "prompt_ms", "generate_ms", "prompt_tokens_per_s", "generate_tokens_per_s"})
    EXPECT_GT(object["timings"][key].get<double>(), 0) << key;
  const Json& draft = object["draft"];
  EXPECT_EQ(draft["by_depth"].size(), 3u);
  int64_t proposed = 0;
  int64_t accepted = 0;
  for (const Json& depth : draft["by_depth"]) {
    proposed += depth["proposed"].get<int64_t>();
    accepted += depth["accepted"].get<int64_t>();
  }
  EXPECT_EQ(draft["proposed"], proposed);
  EXPECT_EQ(draft["by_class"].size(), 1u);
  EXPECT_EQ(draft["by_class"]["mtp"]["proposed"], proposed);
  EXPECT_EQ(draft["by_class"]["mtp"]["by_depth"], draft["by_depth"]);
  EXPECT_EQ(draft["step_ms"].size(), 4u);  // without drafts and at each depth
  for (const Json& ms : draft["step_ms"]) EXPECT_GT(ms.get<double>(), 0);
  EXPECT_EQ(draft["accepted"], accepted);
  EXPECT_EQ(draft["steps"].get<int64_t>() + accepted + 1, 12);
  EXPECT_EQ(object["logits_xxh64"].get<std::string>().size(), 16u);
}

TEST(CliRun, ADraftModelChangesNoBit) {
  const Strings base = fixture_run("llama-f32") + Strings{"-n", "24", "--temp", "0"};
  const Json plain = run_json(base + Strings{"--spec-type", "none"});
  for (const char* type : {"draft", "combined", "auto"})
    for (const char* model : {"llama-f32", "llama-q8_0"}) {
      const Json drafted =
          run_json(base + Strings{"--spec-type", type, "--model-draft", model_file(model)});
      EXPECT_EQ(drafted["tokens"], plain["tokens"]) << type << " " << model;
      EXPECT_EQ(drafted["logits_xxh64"], plain["logits_xxh64"]) << type << " " << model;
      if (std::string(type) != "draft") continue;
      EXPECT_GT(drafted["draft"]["by_class"]["model"]["proposed"], 0) << model;
    }
}

TEST(CliRun, DraftsChangeNoBit) {
  for (const char* temperature : {"0", "0.9"}) {
    const Strings base =
        fixture_run("qwen35-succ-f32") + Strings{"-n", "24", "--temp", temperature, "--seed", "5"};
    const Json plain = run_json(base + Strings{"--spec-type", "none"});
    EXPECT_EQ(plain["draft"]["proposed"], 0);
    const Json forced_none =
        run_json(base + Strings{"--spec-type", "mtp", "--spec-draft-n-max", "0"});
    EXPECT_EQ(forced_none["logits_xxh64"], plain["logits_xxh64"]);
    for (const char* depth : {"1", "4"}) {
      const Json drafted =
          run_json(base + Strings{"--spec-type", "mtp", "--spec-draft-n-max", depth});
      EXPECT_GT(drafted["draft"]["proposed"], 0);
      EXPECT_EQ(drafted["tokens"], plain["tokens"]);
      EXPECT_EQ(drafted["logits_xxh64"], plain["logits_xxh64"]);
    }
    for (const char* type : {"ngram", "combined", "auto"}) {
      const Json drafted = run_json(
          base + Strings{"--spec-type", type, "--spec-ngram-min", "1", "--spec-ngram-max", "3"});
      EXPECT_EQ(drafted["tokens"], plain["tokens"]) << type;
      EXPECT_EQ(drafted["logits_xxh64"], plain["logits_xxh64"]) << type;
    }
    EXPECT_EQ(run_json(base + Strings{"--chunk", "7"})["logits_xxh64"], plain["logits_xxh64"]);
  }
}

TEST(CliRun, SeedDecidesTheText) {
  const Strings base = fixture_run("llama-f32") + Strings{"-n", "24", "--temp", "1"};
  const Json first = run_json(base + Strings{"-s", "11"});
  EXPECT_EQ(first["seed"], 11);
  EXPECT_EQ(run_json(base + Strings{"--seed", "11"})["tokens"], first["tokens"]);
  EXPECT_NE(run_json(base + Strings{"--seed", "12"})["tokens"], first["tokens"]);
  const Json drawn = run_json(base);  // told, so that the text can be had again
  EXPECT_EQ(run_json(base + Strings{"--seed", drawn["seed"].dump()})["tokens"], drawn["tokens"]);
}

TEST(CliRun, ModelIsPositionalOrNamed) {
  const Strings rest = {"--device", "reference", "--raw", "-p", "the", "--temp", "0", "-n", "6"};
  const Outcome positional = troika(Strings{"run", model_file("llama-f32")} + rest);
  const Outcome named = troika(Strings{"run", "-m", model_file("llama-f32")} + rest);
  EXPECT_EQ(positional.status, 0) << positional.error;
  EXPECT_EQ(positional.out, named.out);
  EXPECT_FALSE(positional.out.empty());
}

TEST(CliRun, StreamedTextIsThatOfTheObject) {
  const Strings base = fixture_run("qwen2-f32") + Strings{"-n", "24", "--temp", "0"};
  const Outcome streamed = troika(base);
  const Json object = run_json(base);
  EXPECT_EQ(streamed.out, object["text"].get<std::string>() + "\n");
  for (const char* words : {"prompt", "48 tokens", "generated", "24 tokens", "drafts", "memory",
                            "lives in the processor's cache"})
    EXPECT_NE(streamed.error.find(words), std::string::npos) << words << "\n" << streamed.error;
}

TEST(CliRun, PromptFromFileIsThatOfFlag) {
  const Folder folder;
  const Strings rest = {"--device", "reference", "--temp", "0", "-n", "4"};
  const std::string model = chat_model(folder);
  const Json flag = run_json(Strings{"run", model, "-p", "the inn"} + rest);
  const Json file =
      run_json(Strings{"run", model, "-f", folder.write("prompt", "the inn\n")} + rest);
  EXPECT_EQ(flag["tokens"], file["tokens"]);
  EXPECT_EQ(flag["prompt_tokens"], file["prompt_tokens"]);
}

TEST(CliRun, ChatTemplateMakesTextATurn) {
  const Folder folder;
  const Strings rest = {"--device", "reference", "--temp", "0", "-n", "4"};
  const std::string model = chat_model(folder);
  const Json turn = run_json(Strings{"run", model, "-p", "hi"} + rest);
  const Json raw = run_json(Strings{"run", model, "--raw", "-p", "hi"} + rest);
  const Json spelt = run_json(Strings{"run", model, "--raw", "-p",
                                      "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n"} +
                              rest);
  EXPECT_EQ(raw["prompt_tokens"], 2);
  EXPECT_EQ(turn["prompt_tokens"], spelt["prompt_tokens"]);
  EXPECT_EQ(turn["logits_xxh64"], spelt["logits_xxh64"]);
}

TEST(CliRun, ChatTemplateCanBeGiven) {
  const Folder folder;
  const Strings rest = {"--device", "reference", "--temp", "0", "-n", "4"};
  const std::string model = chat_model(folder);
  const std::string source = "{{ 'no' if not enable_thinking }}{{ word }}{{ messages[0].content }}";
  const Json given =
      run_json(Strings{"run", model, "-p", "hi", "--chat-template", source, "--reasoning", "off",
                       "--chat-template-kwargs", "{\"word\": \"xy\"}"} +
               rest);
  const Json file = run_json(Strings{"run", model, "-p", "hi", "--chat-template-file",
                                     folder.write("t.jinja", source + "\n"), "--reasoning", "off",
                                     "--chat-template-kwargs", "{\"word\": \"xy\"}"} +
                             rest);
  const Json spelt = run_json(Strings{"run", model, "--raw", "-p", "noxyhi"} + rest);
  EXPECT_EQ(given["logits_xxh64"], spelt["logits_xxh64"]);
  EXPECT_EQ(file["logits_xxh64"], spelt["logits_xxh64"]);
}

TEST(CliRun, BiasForbidsAToken) {
  const Strings base = fixture_run("llama-f32") + Strings{"--temp", "0", "-n", "1"};
  const int32_t best = run_json(base)["tokens"].at(0);
  EXPECT_NE(run_json(base + Strings{"--logit-bias", std::to_string(best) + "-inf"})["tokens"].at(0),
            best);
  EXPECT_EQ(run_json(base + Strings{"--logit-bias", "7+1000", "--logit-bias", "9+1001"})["tokens"],
            Json::array({9}));
}

TEST(CliRun, StopStringsEndTheText) {
  const Strings base = fixture_run("llama-f32") + Strings{"--temp", "0", "-n", "24"};
  const std::string whole = run_json(base)["text"];
  ASSERT_GT(whole.size(), 20u);
  const std::string stop = whole.substr(9, 4);
  for (const char* flag : {"--stop", "-r", "--reverse-prompt"}) {
    const Json object = run_json(base + Strings{"--stop", "never said", flag, stop});
    EXPECT_EQ(object["text"], whole.substr(0, whole.find(stop)));
    EXPECT_EQ(object["finish"], "stop");
    EXPECT_EQ(object["stop_string"], 1);
    EXPECT_LT(object["tokens"].size(), 24u);
  }
  EXPECT_EQ(troika(base + Strings{"--stop", stop}).out, whole.substr(0, whole.find(stop)) + "\n");
  EXPECT_EQ(run_json(base + Strings{"--stop", stop, "--min-tokens", "24"})["tokens"].size(), 24u);
}

TEST(CliRun, LogprobsAreTold) {
  const Strings base = fixture_run("llama-f32") + Strings{"--temp", "0", "-n", "6"};
  EXPECT_FALSE(run_json(base).contains("logprobs"));
  const Json object = run_json(base + Strings{"--logprobs", "3"});
  ASSERT_EQ(object["logprobs"].size(), 6u);
  for (size_t i = 0; i < 6; i++) {
    const Json& entry = object["logprobs"][i];
    EXPECT_EQ(entry["id"], object["tokens"][i]);
    ASSERT_EQ(entry["top"].size(), 3u);
    EXPECT_EQ(entry["top"][0]["id"], entry["id"]);  // greedy
    EXPECT_EQ(entry["top"][0]["logprob"], entry["logprob"]);
    EXPECT_LT(entry["logprob"].get<double>(), 0);
    EXPECT_TRUE(entry["token"].is_string());
  }
}

TEST(CliRun, ASessionGoesOnWhereItEnded) {
  const Folder folder;
  const std::string file = folder / "text";
  const Strings base = Strings{
      "run", model_file("qwen35-succ-f32"), "--raw", "--ignore-eos", "-t", "1", "--temp", "0"};
  const Json whole = run_json(base + Strings{"-p", "the inn", "-n", "20"});
  const Json first = run_json(base + Strings{"-p", "the inn", "-n", "12", "--session", file});
  const Json second = run_json(base + Strings{"-p", "", "-n", "8", "--session", file});
  EXPECT_EQ(second["prompt_tokens"].get<int64_t>(), first["prompt_tokens"].get<int64_t>() + 12);
  auto tokens = first["tokens"].get<std::vector<int32_t>>();
  for (const Json& id : second["tokens"]) tokens.push_back(id);
  EXPECT_EQ(tokens, whole["tokens"].get<std::vector<int32_t>>());
  const Json third = run_json(base + Strings{"-p", "the sea", "-n", "2", "--session", file});
  EXPECT_GT(third["prompt_tokens"].get<int64_t>(), second["prompt_tokens"].get<int64_t>() + 8);

  Strings other = base + Strings{"-p", "a", "--session", file};
  other[1] = model_file("llama-f32");
  expect_refusal(troika(other), 1, "of model");
  expect_refusal(troika(base + Strings{"-p", "a", "--session", folder.write("junk", "junk")}), 1,
                 "not a session file");
}

TEST(CliRun, ChoicesAreWhatEachIsAlone) {
  const Strings base = fixture_run("qwen35-succ-f32") +
                       Strings{"-n", "8", "--temp", "1", "--seed", "5", "--spec-type", "mtp"};
  const Json first = run_json(base);
  EXPECT_FALSE(first.contains("choices"));
  const Json three = run_json(base + Strings{"--choices", "3"});
  ASSERT_EQ(three["choices"].size(), 3u);
  EXPECT_EQ(three["tokens"], first["tokens"]);
  EXPECT_EQ(three["choices"][0]["logits_xxh64"], first["logits_xxh64"]);
  EXPECT_NE(three["choices"][1]["tokens"], first["tokens"]);
  for (const Strings& way : {Strings{"--parallel", "1"}, Strings{"--no-cache-prompt"},
                             Strings{"--ctx-checkpoints", "2", "--checkpoint-every-n-tokens", "64",
                                     "--cache-ram", "1", "--spill-mib", "1", "--step-ms-max", "5"}})
    EXPECT_EQ(run_json(base + Strings{"--choices", "3"} + way)["choices"], three["choices"]);
  const Json best = run_json(base + Strings{"--best-of", "3"});
  EXPECT_TRUE(std::ranges::any_of(
      three["choices"], [&](const Json& choice) { return choice["tokens"] == best["tokens"]; }));
  EXPECT_LT(best["mean_logprob"].get<double>(), 0);
  const Outcome lines = troika(base + Strings{"--choices", "2", "--best-of", "3"});
  EXPECT_EQ(lines.out.rfind("--- 1, log-probability -", 0), 0u) << lines.out;
  EXPECT_NE(lines.out.find("\n--- 2, "), std::string::npos) << lines.out;
}

TEST(CliRun, NoTokensWantedIsNoError) {
  const Json object = run_json(fixture_run("llama-f32") + Strings{"-n", "0"});
  EXPECT_EQ(object["tokens"].size(), 0u);
  EXPECT_EQ(object["text"], "");
}

TEST(CliRun, ReaderThatHangsUpEndsTheRun) {
  Program program(fixture_run("llama-f32") + Strings{"-c", "100000", "--temp", "1"});
  ASSERT_TRUE(program.read_some());
  program.close_out();
  const Outcome outcome = program.finish();
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(outcome.error, "troika: cannot write to stdout: Broken pipe\n");
}

TEST(CliRun, InterruptEndsTheTextAndSumsUp) {
  Program program(fixture_run("llama-f32") + Strings{"-c", "100000", "--temp", "1"});
  ASSERT_TRUE(program.read_some());
  program.signal(SIGINT);
  const Outcome outcome = program.finish();
  EXPECT_EQ(outcome.status, 130);
  EXPECT_NE(outcome.error.find("tokens/s"), std::string::npos) << outcome.error;
  EXPECT_NE(outcome.error.find("troika: interrupted after"), std::string::npos) << outcome.error;
}

}  // namespace
}  // namespace troika::testing
