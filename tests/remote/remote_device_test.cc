// A device behind a channel: each call does what it does on the device itself, what makes no sense
// is an error, and a follower that is gone is one.
#include "device/remote/remote_device.h"

#include <gtest/gtest.h>

#include <array>
#include <thread>

#include "remote/remote_group.h"
#include "sharding/failing_device.h"
#include "support/generate.h"
#include "support/models.h"

namespace troika::testing {
namespace {

using namespace std::chrono_literals;
using remote::Message;

/// A follower with a CPU device, and the raw channel to it.
class Served {
 public:
  explicit Served(const std::filesystem::path& path = model_path("k-llama-q4_k"))
      : file_(std::move(*gguf::File::open(path))), device_(one_cpu()) {
    files_.add(file_);
    auto [here, there] = make_channel_pair();
    channel_ = std::move(here);
    thread_ = std::thread([this, leader = std::move(there)]() mutable {
      ended_ = follow(
          *device_, files_,
          {.leader = std::move(leader),
           .transport = std::make_unique<MeshTransport>(std::vector<std::unique_ptr<Channel>>(1)),
           .sign_of_life = 20ms});
    });
  }
  ~Served() {
    if (channel_ != nullptr) (void)channel_->send(remote::encoded(remote::End{}));
    thread_.join();
  }

  std::unique_ptr<Device> connect() {
    auto device = make_remote_device(std::move(channel_), files_, {.place = "rank 1"});
    EXPECT_TRUE(device.ok()) << device.error().message();
    return std::move(*device);
  }

  /// Sends bytes as they are.
  void send(std::span<const std::byte> bytes) { ASSERT_TRUE(channel_->send(bytes).ok()); }

  /// What the follower answers next; the error's text, or none.
  std::string answer() {
    std::vector<std::byte> message;
    while (true) {
      const Result<bool> came = channel_->poll(message);
      if (!came.ok()) return came.error().message();
      if (!*came) continue;
      const auto answer = remote::decode_answer(message);
      if (!answer.ok()) return answer.error().message();
      if (answer->value.kind == remote::AnswerKind::done)
        return answer->value.ok ? "" : answer->value.text;
    }
  }

  std::string ask(const Message& message) {
    send(remote::encoded(message));
    return answer();
  }

  const gguf::File& file() const { return file_; }
  Device& local() { return *device_; }

 private:
  gguf::File file_;
  remote::WeightFiles files_;
  std::unique_ptr<Device> device_;
  std::unique_ptr<Channel> channel_;
  Status ended_;
  std::thread thread_;
};

std::array<std::byte, 4> four(uint8_t first) {
  std::array<std::byte, 4> bytes{};
  for (size_t i = 0; i < 4; i++) bytes[i] = static_cast<std::byte>(first + i);
  return bytes;
}

TEST(RemoteDeviceTest, MemoryIsThatOfTheFollower) {
  Served served;
  const auto device = served.connect();
  EXPECT_EQ(device->info().name, served.local().info().name + ", rank 1");
  EXPECT_EQ(device->info().memory_bytes, served.local().info().memory_bytes);
  const auto buffer = device->allocate(12);
  ASSERT_TRUE(buffer.ok());
  EXPECT_EQ((*buffer)->bytes(), 12);
  ASSERT_TRUE(device->fill({buffer->get(), 0}, std::byte{9}, 12).ok());
  ASSERT_TRUE(device->write({buffer->get(), 0}, four(1)).ok());
  ASSERT_TRUE(device->copy({buffer->get(), 0}, {buffer->get(), 8}, 4).ok());
  std::array<std::byte, 12> read{};
  const auto event = device->read({buffer->get(), 0}, read);
  ASSERT_TRUE(event.ok());
  ASSERT_TRUE(device->wait(*event).ok());
  EXPECT_TRUE(std::ranges::equal(std::span(read).first(4), four(1)));
  EXPECT_EQ(read[4], std::byte{9});
  EXPECT_TRUE(std::ranges::equal(std::span(read).last(4), four(1)));
  EXPECT_FALSE(device->wait({1000}).ok());
}

TEST(RemoteDeviceTest, AnswersAreThoseOfTheDevice) {
  Served served;
  const auto device = served.connect();
  EXPECT_TRUE(device->supports(MatMul{}, DType::q4_k));
  EXPECT_EQ(device->supports(Embed{}, DType::i32), served.local().supports(Embed{}, DType::i32));
  const Result<Model> model = make_model(served.file(), {});
  ASSERT_TRUE(model.ok());
  for (const WeightInfo& weight : model->weights)
    EXPECT_EQ(device->weight_bytes(weight), served.local().weight_bytes(weight));
  const auto state = device->allocate_state(KvState{2, 32, 32}, {}, 3);
  const auto same = served.local().allocate_state(KvState{2, 32, 32}, {}, 3);
  ASSERT_TRUE(state.ok() && same.ok());
  EXPECT_EQ((*state)->bytes(), (*same)->bytes());
}

TEST(RemoteDeviceTest, ErrorsAreThoseOfTheDevice) {
  Served served;
  const auto device = served.connect();
  const auto huge = device->allocate(int64_t{1} << 60);
  ASSERT_FALSE(huge.ok());
  EXPECT_EQ(huge.error().code(), ErrorCode::exhausted);
  EXPECT_FALSE(device->allocate_state(KvState{1, 20, 20}, {.kv_dtype = DType::q8_0}, 1).ok());
  const auto buffer = device->allocate(8);
  ASSERT_TRUE(buffer.ok());
  std::array<std::byte, 4> bytes{};
  EXPECT_FALSE(device->write({buffer->get(), 6}, bytes).ok());
  EXPECT_FALSE(device->read({buffer->get(), -1}, bytes).ok());
  EXPECT_FALSE(device->read({nullptr, 0}, bytes).ok());
  const auto other = one_cpu();
  const auto foreign = other->allocate(8);
  EXPECT_FALSE(device->write({foreign->get(), 0}, bytes).ok());
  // Of a call that is not answered, the next wait tells.
  const auto overlaps = device->copy({buffer->get(), 0}, {buffer->get(), 2}, 4);
  ASSERT_TRUE(overlaps.ok());
  const auto later = device->write({buffer->get(), 0}, bytes);
  ASSERT_TRUE(later.ok());
  const Status waited = device->wait(*later);
  ASSERT_FALSE(waited.ok());
  EXPECT_NE(waited.error().message().find("overlaps"), std::string::npos);
  EXPECT_TRUE(device->wait(*device->write({buffer->get(), 0}, bytes)).ok()) << "it goes on";
}

TEST(RemoteDeviceTest, AWeightOfNoFileIsRefused) {
  Served served;
  const auto device = served.connect();
  const std::vector<std::byte> data(32 * 4);
  const WeightInfo weight{.name = "stray",
                          .dtype = DType::f32,
                          .use = WeightUse::vector,
                          .weight = {0, Axis::hidden, 1, 32, 1},
                          .data = data};
  const auto imported = device->import_weight(weight, {});
  ASSERT_FALSE(imported.ok());
  EXPECT_EQ(imported.error().message(),
            "weight stray does not lie in a file that all ranks have open");
}

TEST(RemoteDeviceTest, NoMessageCrashesTheFollower) {
  Served served;
  using namespace remote;
  EXPECT_EQ(served.ask(Compile{.number = 1, .weights = {77}}), "weight 77 is not here");
  EXPECT_EQ(served.ask(Compile{.number = 1, .states = {78}}), "state 78 is not here");
  EXPECT_NE(served.ask(Read{{5, 0}, 4}), "");
  EXPECT_NE(served.ask(Read{{0, 0}, 4}), "");
  ASSERT_EQ(served.ask(Allocate{5, 16}), "");
  EXPECT_NE(served.ask(Read{{5, 0}, 17}), "");
  EXPECT_NE(served.ask(Read{{5, -8}, 4}), "");
  EXPECT_NE(served.ask(Read{{5, 0}, -1}), "");
  EXPECT_NE(served.ask(Allocate{6, -1}), "");
  EXPECT_NE(served.ask(AllocateState{7, HiddenState{-4}, {}, 2}), "");
  EXPECT_NE(served.ask(AllocateState{7, KvState{1 << 30, 1 << 30, 1 << 30}, {}, 2}), "");
  EXPECT_EQ(served.ask(AskWeightBytes{}), "");
  const std::vector<Message> silent = {
      remote::Run{.program = 9},        remote::Run{},       Write{{9, 0}},     Write{{5, 99}},
      remote::Copy{{5, 0}, {5, 8}, 99}, Fill{{5, 12}, 1, 5}, Fill{{0, 0}, 1, 5}};
  for (const Message& message : silent) {
    std::vector<std::byte> bytes = encoded(message);
    bytes.resize(bytes.size() + 8);  // a body, where there is one
    served.send(bytes);
    EXPECT_NE(served.ask(Wait{}), "") << message.index();
  }
  for (const size_t length : {0, 1, 5}) {
    served.send(std::vector<std::byte>(length, std::byte{200}));
    EXPECT_NE(served.ask(Wait{}), "");
  }
  served.send(encoded(Drop{12345}));
  EXPECT_EQ(served.ask(Wait{}), "");
}

TEST(RemoteDeviceTest, ImportsStayInsideTheFile) {
  Served served;
  const Result<Model> model = make_model(served.file(), {});
  ASSERT_TRUE(model.ok());
  const WeightInfo& weight = model->weights[0];
  remote::WeightFiles files;
  files.add(served.file());
  const auto place = files.find(weight.data, weight.name);
  ASSERT_TRUE(place.ok());
  const Weight& shape = weight.weight;
  const remote::Import sound{
      .number = 1,
      .whole = weight,
      .cut = {shape, {{0, shape.units * shape.width}}, {{0, shape.inputs}}, weight.split},
      .place = *place};
  EXPECT_EQ(served.ask(sound), "");
  const auto refuses = [&](const std::function<void(remote::Import&)>& change) {
    remote::Import import = sound;
    change(import);
    return served.ask(import) != "";
  };
  EXPECT_TRUE(refuses([](auto& i) { i.place.file = 1; }));
  EXPECT_TRUE(refuses([](auto& i) { i.place.tensor = 1 << 20; }));
  EXPECT_TRUE(refuses([](auto& i) { i.place.offset = 1; }));
  EXPECT_TRUE(refuses([](auto& i) { i.place.bytes = -1; }));
  EXPECT_TRUE(refuses([](auto& i) { i.whole.weight.units *= 2; }));
  EXPECT_TRUE(refuses([](auto& i) { i.cut.rows[0].end += 1; }));
  EXPECT_TRUE(refuses([](auto& i) { i.cut.rows[0].begin = -1; }));
  EXPECT_TRUE(refuses([](auto& i) { i.cut.columns[0].end += 256; }));
  EXPECT_TRUE(refuses([](auto& i) { i.cut.weight.experts = 2; }));
}

TEST(RemoteDeviceTest, AFollowerThatIsGoneIsAnError) {
  auto [here, there] = make_channel_pair();
  there.reset();
  const remote::WeightFiles files;
  const auto device = make_remote_device(std::move(here), files, {});
  ASSERT_FALSE(device.ok());
  EXPECT_EQ(device.error().code(), ErrorCode::device_lost);
}

TEST(RemoteDeviceTest, AFollowerThatSaysNothingIsAnError) {
  auto [here, there] = make_channel_pair();
  const remote::WeightFiles files;
  const auto device = make_remote_device(std::move(here), files, {.silence = 50ms});
  ASSERT_FALSE(device.ok());
  EXPECT_EQ(device.error().message(), "no sign of life for 0.05 s");
}

/// Submits a text and steps until it ends or fails; returns the error.
Error failure_of(LoadedModel& model) {
  auto engine = Engine::make(model, {.context = 128}, {.tokens = model.model.info.vocab});
  EXPECT_TRUE(engine.ok());
  Request request{.tokens_max = 20};
  request.prompt = {TokenId{1}, TokenId{2}};
  EXPECT_TRUE((*engine)->submit(std::move(request)).ok());
  Result<bool> more = true;
  for (int steps = 0; more.ok() && *more && steps < 50; steps++) more = (*engine)->step();
  EXPECT_FALSE(more.ok());
  const auto again = (*engine)->step();
  EXPECT_FALSE(again.ok());
  EXPECT_NE(again.error().message().find("load the model anew"), std::string::npos);
  return more.ok() ? fail(ErrorCode::internal, "no error") : more.error();
}

TEST(RemoteGroupTest, AMemberThatFailsEndsTheStepForAll) {
  RemoteGroup group(model_path("k-llama-q4_k"), {1, 1, 1}, [](int64_t member) {
    if (member != 1) return one_cpu();
    return std::unique_ptr<Device>(std::make_unique<FailingDevice>(one_cpu(), 3));
  });
  const Error error = failure_of(group.load());
  EXPECT_EQ(error.code(), ErrorCode::device_lost);
  EXPECT_NE(error.message().find("member 1 of 3 (cpu"), std::string::npos) << error.message();
  EXPECT_NE(error.message().find("rank 1): it went away"), std::string::npos) << error.message();
}

TEST(RemoteGroupTest, TheFirstMemberThatFailsEndsTheStepForAll) {
  RemoteGroup group(model_path("k-llama-q4_k"), {1, 1}, [](int64_t member) {
    if (member != 0) return one_cpu();
    return std::unique_ptr<Device>(std::make_unique<FailingDevice>(one_cpu(), 2));
  });
  const Error error = failure_of(group.load());
  EXPECT_NE(error.message().find("member 0 of 2"), std::string::npos) << error.message();
}

TEST(RemoteGroupTest, AMemberThatStopsIsMissed) {
  // Its whole rank stands still, signs of life included: nobody is at its end of the channel.
  auto [here, there] = make_channel_pair();
  const remote::WeightFiles files;
  std::thread follower([end = there.get(), &files] {
    (void)files;
    std::vector<std::byte> message;
    while (!end->poll(message).value()) {
    }
    (void)end->send(remote::encoded(remote::Answer{.text = "cpu (avx512, 1 thread)"}));
  });
  auto device = make_remote_device(std::move(here), files, {.silence = 200ms});
  follower.join();
  ASSERT_TRUE(device.ok()) << device.error().message();
  const auto buffer = (*device)->allocate(4);
  ASSERT_FALSE(buffer.ok());
  EXPECT_EQ(buffer.error().code(), ErrorCode::device_lost);
  EXPECT_EQ(buffer.error().message(), "no sign of life for 0.2 s");
}

}  // namespace
}  // namespace troika::testing
