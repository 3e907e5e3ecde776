#include "device/remote/mesh_transport.h"

#include <gtest/gtest.h>

#include <functional>
#include <thread>

namespace troika {
namespace {

constexpr int64_t kMembers = 3;

using Mesh = std::vector<std::unique_ptr<MeshTransport>>;

/// Channels between all; the ends of [a][b] and [b][a] are a pair.
std::vector<std::vector<std::unique_ptr<Channel>>> channels() {
  std::vector<std::vector<std::unique_ptr<Channel>>> all(kMembers);
  for (auto& one : all) one.resize(kMembers);
  for (size_t a = 0; a < kMembers; a++)
    for (size_t b = a + 1; b < kMembers; b++) std::tie(all[a][b], all[b][a]) = make_channel_pair();
  return all;
}

Mesh make_mesh() {
  Mesh mesh;
  for (auto& peers : channels()) mesh.push_back(std::make_unique<MeshTransport>(std::move(peers)));
  return mesh;
}

void on_members(const std::function<void(int64_t)>& work) {
  std::vector<std::thread> threads;
  for (int64_t member = 0; member < kMembers; member++)
    threads.emplace_back([&work, member] { work(member); });
  for (std::thread& thread : threads) thread.join();
}

TEST(MeshTransportTest, EveryoneSeesWhatEveryoneShowed) {
  Mesh mesh = make_mesh();
  std::vector<int64_t> wrong(kMembers);
  for (int64_t step = 0; step < 3; step++) {
    on_members([&](int64_t member) {
      MeshTransport& transport = *mesh[static_cast<size_t>(member)];
      transport.begin_step();
      std::vector<float> mine[2];
      for (int64_t number = 0; number < 100; number++) {
        // Of other lengths, and of none.
        auto& values = mine[number % 2];
        values.assign(static_cast<size_t>((number + member) % 5),
                      static_cast<float>(1000 * step + 10 * number + member));
        ASSERT_TRUE(transport.exchange(member, number, values));
        for (int64_t other = 0; other < kMembers; other++)
          for (int64_t i = 0; i < (number + other) % 5; i++)
            if (transport.shown(other, number)[i] !=
                static_cast<float>(1000 * step + 10 * number + other))
              wrong[static_cast<size_t>(member)]++;
      }
      EXPECT_TRUE(transport.status().ok());
    });
  }
  EXPECT_EQ(wrong, std::vector<int64_t>(kMembers, 0));
}

TEST(MeshTransportTest, WhoWaitsIsFreedWhenOneGivesUp) {
  Mesh mesh = make_mesh();
  for (int64_t round = 0; round < 20; round++) {
    on_members([&](int64_t member) {
      MeshTransport& transport = *mesh[static_cast<size_t>(member)];
      transport.begin_step();
      const float mine = 1;
      const bool met = transport.exchange(member, 0, {&mine, 1});
      if (member == round % kMembers) {
        EXPECT_TRUE(met);
        return transport.give_up();
      }
      EXPECT_FALSE(transport.exchange(member, 1, {&mine, 1}));
      EXPECT_FALSE(transport.exchange(member, 2, {&mine, 1}));
      EXPECT_EQ(transport.shown(0, 0), nullptr);
      EXPECT_TRUE(transport.status().ok()) << "giving up is nobody's failure";
    });
  }
}

TEST(MeshTransportTest, WhoHasShownMayGiveUp) {
  Mesh mesh = make_mesh();
  for (auto& transport : mesh) transport->begin_step();
  std::thread waits([&] {  // for member 2, which never comes
    const float mine = 1;
    EXPECT_FALSE(mesh[1]->exchange(1, 0, {&mine, 1}));
  });
  std::thread gives_up([&] {
    const float mine = 1;
    EXPECT_FALSE(mesh[0]->exchange(0, 0, {&mine, 1}));
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));  // both have shown theirs by now
  mesh[0]->give_up();
  waits.join();
  gives_up.join();
}

TEST(MeshTransportTest, AMemberThatIsGoneIsTold) {
  Mesh mesh = make_mesh();
  mesh[1].reset();
  on_members([&](int64_t member) {
    if (member == 1) return;
    MeshTransport& transport = *mesh[static_cast<size_t>(member)];
    transport.begin_step();
    const float mine = 1;
    EXPECT_FALSE(transport.exchange(member, 0, {&mine, 1}));
  });
  int told = 0;  // who hears first frees the other
  for (const int64_t member : {0, 2}) {
    const Status status = mesh[static_cast<size_t>(member)]->status();
    if (status.ok()) continue;
    told++;
    EXPECT_EQ(status.error().message(), "exchange with member 1: the other end is closed");
  }
  EXPECT_GT(told, 0);
}

TEST(MeshTransportTest, WhatIsNoExchangeEndsTheStep) {
  auto all = channels();
  const std::unique_ptr<Channel> liar = std::move(all[1][0]);
  MeshTransport transport(std::move(all[0]));
  for (const size_t bytes : {3, 64, 100}) {
    transport.begin_step();
    ASSERT_TRUE(liar->send(std::vector<std::byte>(bytes, std::byte{9})).ok());
    const float mine = 1;
    EXPECT_FALSE(transport.exchange(0, 0, {&mine, 1}));
    EXPECT_FALSE(transport.status().ok());
  }
}

TEST(ChannelTest, MessagesComeInOrderAndEndWithTheOtherEnd) {
  auto [here, there] = make_channel_pair();
  std::vector<std::byte> message;
  EXPECT_FALSE(*here->poll(message));
  const std::byte letters[] = {std::byte{1}, std::byte{2}, std::byte{3}};
  ASSERT_TRUE(there->send(std::span(letters).first(1), std::span(letters).last(2)).ok());
  ASSERT_TRUE(there->send({}).ok());
  EXPECT_TRUE(*there->sent());
  EXPECT_TRUE(*here->poll(message));
  EXPECT_EQ(message, std::vector<std::byte>(std::begin(letters), std::end(letters)));
  there.reset();
  EXPECT_TRUE(*here->poll(message)) << "what was sent arrives";
  EXPECT_TRUE(message.empty());
  EXPECT_EQ(here->poll(message).error().code(), ErrorCode::device_lost);
  EXPECT_FALSE(here->send({}).ok());
}

}  // namespace
}  // namespace troika
