#include "core/memory_nodes.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "core/aligned.h"

namespace troika {
namespace {

TEST(MemoryNodesTest, AreThoseOfTheCoresWithTheProcessors) {
  const std::vector<Core> cores = {{{0, 4}, 0, 1}, {{1, 5}, 0, 0}, {{2}, 0, 0}, {{3}, 0, 2}};
  EXPECT_EQ(memory_nodes_of(cores, std::vector{4}), std::vector{1});
  EXPECT_EQ(memory_nodes_of(cores, (std::vector{0, 2, 5})), (std::vector{0, 1}));
  EXPECT_EQ(memory_nodes_of(cores, (std::vector{3, 9})), std::vector{2});
  EXPECT_TRUE(memory_nodes_of(cores, std::vector<int>{}).empty());
}

/// What the system says of the mapping that starts at `data`: "prefer (many):0", "default".
std::string policy_of(const std::byte* data) {
  std::ifstream maps("/proc/self/numa_maps");
  const std::string start = fmt::format("{:x} ", reinterpret_cast<uintptr_t>(data));
  for (std::string line; std::getline(maps, line);)
    if (line.starts_with(start)) return line.substr(start.size());
  return {};
}

TEST(MemoryNodesTest, TheSystemHearsTheWish) {
  const int node = available_cores().front().memory_node;
  const Result<AlignedBytes> plain = AlignedBytes::allocate(8 << 20);
  const Result<AlignedBytes> bound = AlignedBytes::allocate(8 << 20);
  ASSERT_TRUE(plain.ok() && bound.ok());
  if (policy_of(plain->data()).empty()) GTEST_SKIP() << "a system without memory nodes";
  const std::span<std::byte> range(bound->data(), static_cast<size_t>(bound->size()));
  if (!prefer_memory_nodes(range, {&node, 1})) GTEST_SKIP() << "this process may not choose";
  EXPECT_TRUE(policy_of(plain->data()).starts_with("default"));
  const std::string policy = policy_of(bound->data());
  EXPECT_TRUE(policy.starts_with("prefer")) << policy;
  EXPECT_NE(policy.find(fmt::format(":{}", node)), std::string::npos) << policy;
}

TEST(MemoryNodesTest, NoNodesAreNoWish) {
  EXPECT_TRUE(prefer_memory_nodes({}, {}));
}

TEST(MemoryNodesTest, ANodeThatIsNotThereIsRefused) {
  const Result<AlignedBytes> memory = AlignedBytes::allocate(1 << 20);
  ASSERT_TRUE(memory.ok());
  const int node = 1000;
  EXPECT_FALSE(
      prefer_memory_nodes({memory->data(), static_cast<size_t>(memory->size())}, {&node, 1}));
}

}  // namespace
}  // namespace troika
