// The flags that choose a device, and the list of devices.

#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <vector>

#include "cli/program.h"
#include "support/models.h"
#include "support/sanitized.h"

namespace troika::testing {
namespace {

using Strings = std::vector<std::string>;

/// What the demo model answers, greedily.
Outcome ask_demo(const Strings& flags) {
  Strings arguments = {"run",    model_path("troika-demo").string(),
                       "-p",     "Troika, What is the capital of France?",
                       "--temp", "0"};
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  return troika(arguments);
}

TEST(CliDevices, AreListedAsTheFlagTakesThem) {
  if (kSanitized) return;  // starts the drivers of GPUs
  const Outcome outcome = troika({"devices"});
  EXPECT_EQ(outcome.status, 0) << outcome.error;
  for (const char* name : {"cpu ", "vulkan", "reference "})
    EXPECT_NE(outcome.out.find(name), std::string::npos) << outcome.out;
}

TEST(CliDevices, UnknownNamesAreWrongUsage) {
  for (const char* name : {"abacus", "vulkan:", "vulkans", ":0"}) {
    const Outcome outcome = ask_demo({"--device", name});
    EXPECT_EQ(outcome.status, 2) << name;
    EXPECT_NE(outcome.error.find("vulkan"), std::string::npos) << outcome.error;
  }
}

TEST(CliDevices, ADeviceThatIsNotThereIsNamed) {
  if (kSanitized) return;
  const Outcome outcome = ask_demo({"--device", "vulkan:99"});
  EXPECT_TRUE(outcome.status == 1 || outcome.status == 2) << outcome.status;
  EXPECT_NE(outcome.error.find("vulkan"), std::string::npos) << outcome.error;
}

TEST(CliDevices, ASplitByMeasuredSpeedsIsToldAndChangesNoAnswer) {
  const Outcome wanted = ask_demo({"--device", "cpu"});
  const Outcome outcome = ask_demo({"--device", "cpu,cpu", "--split", "auto"});
  EXPECT_EQ(outcome.status, 0) << outcome.error;
  EXPECT_EQ(outcome.out, wanted.out);
  EXPECT_NE(outcome.error.find("troika: split "), std::string::npos) << outcome.error;
  EXPECT_NE(outcome.error.find(": cpu "), std::string::npos) << outcome.error;
  expect_refusal(ask_demo({"--split", "auto"}), 1, "wanted several devices");
  EXPECT_EQ(ask_demo({"--device", "cpu,cpu", "--split", "automatic"}).status, 2);
}

TEST(CliDevices, TheDemoModelAnswersOnVulkan) {
  if (kSanitized || troika({"devices"}).out.find("vulkan:0") == std::string::npos) {
    std::printf("passed over: no Vulkan device here\n");
    return;
  }
  const Outcome wanted = ask_demo({"--device", "cpu"});
  EXPECT_EQ(wanted.status, 0) << wanted.error;
  for (const Strings& drafts : {Strings{"--spec-type", "none"}, Strings{"--spec-type", "mtp"}}) {
    Strings flags = {"--device", "vulkan"};
    flags.insert(flags.end(), drafts.begin(), drafts.end());
    const Outcome outcome = ask_demo(flags);
    EXPECT_EQ(outcome.status, 0) << outcome.error;
    EXPECT_EQ(outcome.out, wanted.out) << outcome.error;
  }
}

}  // namespace
}  // namespace troika::testing
