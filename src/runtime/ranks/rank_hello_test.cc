#include "runtime/ranks/rank_hello.h"

#include <gtest/gtest.h>

namespace troika {
namespace {

RankHello hello(std::string_view host) {
  RankHello one;
  one.version = "troika 1";
  one.build = "ab";
  one.host = host;
  one.machine = "m1";
  one.network = "n1";
  one.processors = {0, 1, 2, 5};
  one.model = "12 34 ";
  one.memory_bytes = 7;
  return one;
}

std::string refusal(const std::vector<RankHello>& ranks, bool trust_network = false) {
  const Status status = check_ranks(ranks, trust_network);
  return status.ok() ? "" : status.error().message();
}

TEST(RankHelloTest, TextsComeBack) {
  RankHello one = hello("node1");
  one.public_address = "203.0.113.1";
  one.error = "two\nlines = none";
  const RankHello read = RankHello::read(one.text());
  EXPECT_EQ(read.version, one.version);
  EXPECT_EQ(read.build, one.build);
  EXPECT_EQ(read.host, one.host);
  EXPECT_EQ(read.machine, one.machine);
  EXPECT_EQ(read.network, one.network);
  EXPECT_EQ(read.public_address, one.public_address);
  EXPECT_EQ(read.processors, one.processors);
  EXPECT_EQ(read.model, one.model);
  EXPECT_EQ(read.memory_bytes, 7);
  EXPECT_EQ(read.error, "two lines = none");
}

TEST(RankHelloTest, AnyTextIsRead) {
  for (const char* text :
       {"", "\n\n", "=", "version", "processors=9-x\nmemory_bytes=many", "a=b"}) {
    const RankHello read = RankHello::read(text);
    EXPECT_TRUE(read.version.empty() && read.processors.empty() && read.memory_bytes == 0) << text;
  }
}

TEST(RankHelloTest, ThisMachineTellsWhatItIs) {
  const RankHello here = hello_of_this_machine();
  EXPECT_FALSE(here.machine.empty());
  EXPECT_FALSE(here.processors.empty());
  EXPECT_EQ(here.build.size(), 16U);
  EXPECT_GT(here.memory_bytes, 0);
  EXPECT_EQ(RankHello::read(here.text()).processors, here.processors);
}

TEST(RankHelloTest, EqualRanksWorkTogether) {
  EXPECT_EQ(refusal({hello("a")}), "");
  EXPECT_EQ(refusal({hello("a"), hello("b")}), "");
}

TEST(RankHelloTest, RanksThatDifferAreNamed) {
  RankHello other = hello("b");
  other.build = "cd";
  EXPECT_EQ(
      refusal({hello("a"), other}),
      "rank 1 on b runs troika 1 of build cd and rank 0 troika 1 of build ab, wanted the same "
      "program on all ranks");
  other = hello("b");
  other.version = "troika 2";
  EXPECT_NE(refusal({hello("a"), hello("c"), other}).find("rank 2 on b runs troika 2"),
            std::string::npos);
  other = hello("b");
  other.model = "12 35 ";
  EXPECT_NE(refusal({hello("a"), other}).find("rank 1 on b has another model"), std::string::npos);
  other = hello("b");
  other.error = "x.gguf: no such file";
  EXPECT_EQ(refusal({hello("a"), other}), "rank 1 on b cannot begin: x.gguf: no such file");
}

TEST(RankHelloTest, PublicAddressesAreRefusedWhereANetworkIsBetween) {
  RankHello open = hello("b");
  open.public_address = "203.0.113.1";
  EXPECT_EQ(refusal({hello("a"), open}), "") << "inside of one machine";
  for (std::string RankHello::*way : {&RankHello::machine, &RankHello::network}) {
    RankHello apart = open;
    apart.*way = "other";
    EXPECT_NE(refusal({hello("a"), apart}).find("rank 1 on b has the public address 203.0.113.1"),
              std::string::npos);
    EXPECT_EQ(refusal({hello("a"), apart}, true), "");
    apart.public_address = "";
    EXPECT_EQ(refusal({hello("a"), apart}), "");
  }
}

TEST(RankHelloTest, PrivateAddressesAreKnown) {
  for (const char* address :
       {"127.0.0.1", "127.9.9.9", "10.0.0.1", "10.255.1.2", "172.16.0.1", "172.31.255.255",
        "192.168.3.4", "169.254.1.1", "100.64.0.1", "100.127.9.9", "::1", "fe80::1", "fd12::1"})
    EXPECT_TRUE(is_private_address(address)) << address;
  for (const char* address :
       {"8.8.8.8", "172.15.0.1", "172.32.0.1", "192.169.0.1", "11.0.0.1", "100.128.0.1",
        "169.253.0.1", "2001:db8::1", "::2", "fec0::1", "", "host", "10.0.0"})
    EXPECT_FALSE(is_private_address(address)) << address;
}

TEST(RankHelloTest, RanksCountWhoTheyShareProcessorsWith) {
  RankHello apart = hello("b");
  apart.processors = {3, 4};
  RankHello far = hello("c");
  far.machine = "m2";
  const std::vector<RankHello> ranks = {hello("a"), hello("a"), apart, far};
  EXPECT_EQ(ranks_beside(ranks, 0), 2);
  EXPECT_EQ(ranks_beside(ranks, 2), 1);
  EXPECT_EQ(ranks_beside(ranks, 3), 1);
}

}  // namespace
}  // namespace troika
