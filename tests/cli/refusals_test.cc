// Whatever is wrong with what the program is given: one line, a status, and no more.

#include <gtest/gtest.h>
#include <sched.h>

#include <fstream>
#include <string>
#include <vector>

#include "cli/program.h"
#include "support/npy.h"
#include "support/shared.h"

namespace troika::testing {
namespace {

using Strings = std::vector<std::string>;

constexpr int kFailed = 1;
constexpr int kUsage = 2;

/// `troika run` on a sound model with `flags` added.
Outcome run_with(const Strings& flags) {
  Strings arguments = {"run", model_file("llama-f32"), "--device", "reference"};
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  return troika(arguments);
}

TEST(CliRefusals, WrongUsage) {
  expect_refusal(troika({}), kUsage, "no command");
  expect_refusal(troika({"gallop"}), kUsage, "gallop");
  expect_refusal(troika({"run"}), kUsage, "--model");
  expect_refusal(run_with({}), kUsage, "no prompt");
  expect_refusal(run_with({"-p", "a", "-f", "b"}), kUsage, "several prompts");
  expect_refusal(run_with({"-p", "a", "--gallop"}), kUsage, "--gallop");
  expect_refusal(run_with({"-p"}), kUsage, "--prompt");
  expect_refusal(run_with({"-p", "a", "--temp", "warm"}), kUsage, "--temp");
  expect_refusal(run_with({"-p", "a", "--temp", "nan"}), kUsage, "temperature");
  expect_refusal(run_with({"-p", "a", "--top-p", "2"}), kUsage, "top_p");
  expect_refusal(run_with({"-p", "a", "--repeat-penalty", "0"}), kUsage, "repeat_penalty");
  expect_refusal(run_with({"-p", "a", "--mirostat", "3"}), kUsage, "mirostat");
  expect_refusal(run_with({"-p", "a", "--dry-base", "0.5"}), kUsage, "dry_base");
  expect_refusal(run_with({"-p", "a", "--xtc-probability", "2"}), kUsage, "xtc_probability");
  expect_refusal(run_with({"-p", "a", "--adaptive-decay", "1"}), kUsage, "adaptive_decay");
  expect_refusal(run_with({"-p", "a", "--dry-sequence-breaker", ""}), kUsage,
                 "dry_sequence_breakers[0]");
  expect_refusal(run_with({"-p", "a", "--samplers", "top_k;gallop"}), kUsage, "gallop");
  expect_refusal(run_with({"-p", "a", "--sampling-seq", "kz"}), kUsage, "samplers");
  expect_refusal(run_with({"-p", "a", "--samplers", "top_k", "--sampling-seq", "k"}), kUsage,
                 "--samplers");
  expect_refusal(run_with({"-p", "a", "-n", "-2"}), kUsage, "--predict");
  expect_refusal(run_with({"-p", "a", "-n", "4", "--min-tokens", "5"}), kUsage, "--min-tokens");
  expect_refusal(run_with({"-p", "a", "--min-tokens", "-1"}), kUsage, "--min-tokens");
  expect_refusal(run_with({"-p", "a", "--stop", ""}), kUsage, "stop string 0");
  expect_refusal(run_with({"-p", "a", "--logprobs", "2"}), kUsage, "--json");
  expect_refusal(run_with({"-p", "a", "--json", "--logprobs", "1001"}), kUsage, "--logprobs");
  expect_refusal(run_with({"-p", "a", "--choices", "0"}), kUsage, "--choices");
  expect_refusal(run_with({"-p", "a", "--choices", "3", "--best-of", "2"}), kUsage, "--best-of");
  expect_refusal(run_with({"-p", "a", "--choices", "2", "--session", "x"}), kUsage, "--session");
  expect_refusal(run_with({"-p", "a", "--split", "1,x"}), kUsage, "--split");
  expect_refusal(run_with({"-p", "a", "--split", "1,1"}), kFailed, "2 shares for one device");
  expect_refusal(troika({"run", model_file("llama-f32"), "--device", "cpu,gpu", "-p", "a"}), kUsage,
                 "gpu");
  expect_refusal(run_with({"-p", "a", "--parallel", "0"}), kUsage, "--parallel");
  expect_refusal(run_with({"-p", "a", "--cache-ram", "-1"}), kUsage, "--cache-ram");
  expect_refusal(run_with({"-p", "a", "--ctx-checkpoints", "-1"}), kUsage, "--ctx-checkpoints");
  expect_refusal(run_with({"-p", "a", "--step-ms-max", "-1"}), kUsage, "--step-ms-max");
  expect_refusal(run_with({"-p", "a", "-c", "-1"}), kUsage, "--ctx-size");
  expect_refusal(run_with({"-p", "a", "-t", "-1"}), kUsage, "--threads");
  expect_refusal(run_with({"-p", "a", "-t", "99999999999"}), kUsage, "--threads");
  expect_refusal(run_with({"-p", "a", "--cpus", "0-"}), kUsage, "--cpus");
  expect_refusal(run_with({"-p", "a", "--cpus", "1,1"}), kUsage, "twice");
  expect_refusal(run_with({"-p", "a", "--seed", "-2"}), kUsage, "--seed");
  expect_refusal(run_with({"-p", "a", "--spec-type", "often"}), kUsage, "--spec-type");
  expect_refusal(run_with({"-p", "a", "--spec-draft-n-max", "17"}), kUsage, "--spec-draft-n-max");
  expect_refusal(run_with({"-p", "a", "--kv-type", "q4_0"}), kUsage, "--kv-type");
  expect_refusal(run_with({"-p", "a", "--device", "abacus"}), kUsage, "--device");
  for (const char* bias : {"5", "x+1", "5+", "5+-1", "-5+1", "5+1x", "99999999999+1"})
    expect_refusal(run_with({"-p", "a", "--logit-bias", bias}), kUsage, "--logit-bias");
}

TEST(CliRefusals, Files) {
  const Folder folder;
  expect_refusal(troika({"run", folder / "none.gguf", "-p", "a"}), kFailed, "none.gguf");
  expect_refusal(troika({"run", folder.path().string(), "-p", "a"}), kFailed, "not a regular file");
  expect_refusal(run_with({"-f", folder / "none.txt"}), kFailed, "none.txt");
  expect_refusal(run_with({"-f", folder.path().string()}), kFailed, "directory");
  expect_refusal(run_with({"--prompt-tokens", folder.write("a", "1 2 x")}), kFailed,
                 "entry 3 at byte 4 is \"x\"");
  expect_refusal(run_with({"--prompt-tokens", folder.write("b", "1 -2")}), kFailed, "entry 2");
  expect_refusal(run_with({"--prompt-tokens", folder.write("c", " \n")}), kFailed, "no token ids");
  expect_refusal(run_with({"--prompt-tokens", folder.write("d", "1 99999999999")}), kFailed,
                 "entry 2");
  expect_refusal(run_with({"--prompt-tokens", folder.write("e", "1 288")}), kFailed, "288");
}

TEST(CliRefusals, KeysThatAreNoWholeBlocks) {
  const Outcome outcome = run_with({"-p", "a", "--kv-type", "q8_0"});  // heads of 16
  expect_refusal(outcome, kFailed, "cannot be stored as q8_0");
  expect_refusal(outcome, kFailed, "wanted the KV type f16, bf16 or f32");
  expect_refusal(outcome, kFailed, "blk.0");
}

TEST(CliRefusals, TruncatedModel) {
  const Folder folder;
  const std::string whole = read_text(model_file("llama-f32"));
  for (const size_t bytes :
       {size_t{0}, size_t{20}, size_t{3000}, whole.size() / 2, whole.size() - 64}) {
    const std::string path = folder.write("cut.gguf", whole.substr(0, bytes));
    for (const char* command : {"run", "inspect", "tokenize"}) {
      Strings arguments = {command, path};
      if (std::string(command) != "inspect") arguments.insert(arguments.end(), {"-p", "a"});
      expect_refusal(troika(arguments), kFailed, "cut.gguf");
    }
  }
}

TEST(CliRefusals, HostileFiles) {
  for (const auto& entry : std::filesystem::directory_iterator(test_data("gguf_files") / "files")) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with("bad-")) continue;
    expect_refusal(troika({"run", entry.path().string(), "-p", "a"}), kFailed, name);
    expect_refusal(troika({"inspect", entry.path().string()}), kFailed, name);
  }
}

TEST(CliRefusals, ProcessorsThatAreNotThere) {
  const auto cpu_run = [](const Strings& flags) {
    Strings arguments = {"run", model_file("llama-f32"), "-p", "a"};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    return troika(arguments);
  };
  expect_refusal(cpu_run({"--cpus", "1023"}), kFailed, "processor 1023");
  const std::string processor = std::to_string(sched_getcpu());
  expect_refusal(cpu_run({"--cpus", processor, "-t", "2"}), kFailed, "2 threads on 1 processors");
}

TEST(CliRefusals, ModelsOfOtherFamilies) {
  const Folder folder;
  std::string file = read_text(model_file("llama-f32"));
  // The value of general.architecture: the first "llama" of a file of this generator.
  file.replace(file.find("llama"), 5, "camel");
  const std::string path = folder.write("camel.gguf", file);
  expect_refusal(troika({"run", path, "-p", "a"}), kFailed, "camel");
  const Outcome outcome = troika({"inspect", path});
  EXPECT_EQ(outcome.status, 0) << outcome.error;
  EXPECT_NE(outcome.out.find("token_embd.weight"), std::string::npos);
  EXPECT_NE(outcome.out.find("architecture \"camel\" is not supported"), std::string::npos);
}

TEST(CliRefusals, Lengths) {
  const Folder folder;
  const std::string prompt = folder.write("prompt", "1 2 3 4 5 6 7 8");
  expect_refusal(run_with({"--prompt-tokens", prompt, "-c", "8"}), kFailed,
                 "8 tokens and the context 8");
  EXPECT_EQ(run_with({"--prompt-tokens", prompt, "-c", "9"}).status, 0);
  expect_refusal(run_with({"-p", "a", "-c", "1000000000000"}), kFailed, "are available");
  expect_refusal(run_with({"-p", "a", "-c", "9223372036854775807"}), kFailed, "are available");
  expect_refusal(run_with({"-p", "a", "-c", "16777217"}), kFailed, "16777217");
  expect_refusal(run_with({"-p", "a", "-c", "1000000", "--kv-cache-mib", "1"}), kFailed,
                 "room for the context of 1000000");
  expect_refusal(run_with({"-p", "a", "--chunk", "0"}), kUsage, "--chunk");
  expect_refusal(run_with({"-p", "a", "--chunk", "9223372036854775807"}), kUsage, "--chunk");
  expect_refusal(run_with({"-p", "a", "--chunk", "1000000"}), kFailed, "65536");
  expect_refusal(troika({"inspect", model_file("llama-f32"), "-c", "1000000000000"}), kUsage,
                 "--ctx-size");
}

TEST(CliRefusals, DraftsWithoutAHead) {
  expect_refusal(run_with({"-p", "a", "--spec-type", "mtp"}), kFailed, "no draft head");
}

TEST(CliRefusals, DraftModels) {
  const std::string llama = model_file("llama-f32");
  const std::string demo = std::string(TROIKA_SOURCE_DIR) + "/models/troika-demo.gguf";
  const auto drafted = [](const std::string& model, const std::string& draft_model) {
    return troika({"run", model, "-p", "a", "-n", "1", "--model-draft", draft_model});
  };
  expect_refusal(drafted(llama, demo), kFailed,
                 "token 256 is \"er\" in the draft model and \"th\" in the model");
  expect_refusal(drafted(demo, llama), kFailed,
                 "the draft model has 288 tokens and the model 2048");
  expect_refusal(drafted(llama, "/nowhere.gguf"), kFailed, "/nowhere.gguf");
  expect_refusal(run_with({"-p", "a", "--spec-type", "draft"}), kFailed, "--model-draft");
  expect_refusal(run_with({"-p", "a", "--spec-type", "ngram", "--model-draft", llama}), kFailed,
                 "may not draft");
}

TEST(CliRefusals, NGramsOutOfRange) {
  expect_refusal(run_with({"-p", "a", "--spec-ngram-min", "0"}), kUsage, "--spec-ngram-min");
  expect_refusal(run_with({"-p", "a", "--spec-ngram-max", "65"}), kUsage, "--spec-ngram-max");
  expect_refusal(run_with({"-p", "a", "--spec-ngram-min", "5", "--spec-ngram-max", "4"}), kFailed,
                 "the shortest n-gram match is 5, wanted 1 to 4");
}

TEST(CliRefusals, BrokenChatTemplate) {
  const Folder folder;
  const std::string model = chat_model(folder);
  std::string bytes = read_text(model);
  bytes.replace(bytes.find("{% endfor %}"), 12, "{%-endfoo-%}");
  const std::string broken = folder.write("broken.gguf", bytes);
  expect_refusal(troika({"run", broken, "-p", "a"}), kFailed, "--raw");
  expect_refusal(troika({"chat", broken}), kFailed, "no tag 'endfoo'");
}

TEST(CliRefusals, ChatTemplateFlags) {
  const Folder folder;
  const std::string model = chat_model(folder);
  const std::string raising = folder.write("t.jinja", "{{ raise_exception('Never speaks') }}");
  expect_refusal(troika({"run", model, "-p", "a", "--chat-template-file", raising}), kFailed,
                 "Never speaks");
  expect_refusal(troika({"run", model, "-p", "a", "--chat-template-file", folder / "none"}),
                 kFailed, "none");
  expect_refusal(
      troika({"run", model, "-p", "a", "--chat-template", "x", "--chat-template-file", raising}),
      kUsage, "wanted one of them");
  expect_refusal(troika({"chat", model, "--chat-template-kwargs", "[1]"}), kUsage,
                 "--chat-template-kwargs");
  expect_refusal(troika({"chat", model, "--reasoning", "maybe"}), kUsage, "--reasoning");
}

TEST(CliRefusals, HelpAndVersionAreNoErrors) {
  for (const Strings& arguments :
       {Strings{"--help"}, Strings{"run", "--help"}, Strings{"chat", "--help"},
        Strings{"logits", "--help"}, Strings{"tokenize", "--help"}, Strings{"inspect", "--help"},
        Strings{"bench", "--help"}}) {
    const Outcome outcome = troika(arguments);
    EXPECT_EQ(outcome.status, 0);
    EXPECT_EQ(outcome.error, "");
    EXPECT_NE(outcome.out.find("Examples:"), std::string::npos);
  }
  EXPECT_EQ(troika({"--version"}).out.substr(0, 7), "troika ");
}

}  // namespace
}  // namespace troika::testing
