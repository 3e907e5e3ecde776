// The wrapper over an inner device made for these tests: bytes in host memory, and a run that adds
// one to the first byte of its token_ids or fails.
#include "device/delayed/delayed_device.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <latch>
#include <string>
#include <vector>

namespace troika {
namespace {

using std::chrono::microseconds;

struct BytesBuffer final : Buffer {
  explicit BytesBuffer(HostMemory m) : Buffer(m.bytes()), memory(std::move(m)) {}
  HostMemory memory;
};

std::byte* at(const BufferView& view) {
  return static_cast<BytesBuffer*>(view.buffer)->memory.data() + view.offset;
}

/// A program that does not start before its gate opens.
struct GatedProgram final : Executable {
  explicit GatedProgram(std::latch& g) : gate(g) {}
  std::latch& gate;
};

class BytesDevice final : public Device {
 public:
  BytesDevice(HostAllocator memory, std::vector<std::string>& calls)
      : memory_(std::move(memory)), calls_(calls) {}
  ~BytesDevice() override { calls_.push_back("gone"); }

  const DeviceInfo& info() const override { return info_; }
  bool supports(const Op&, DType dtype) const override { return dtype == DType::f32; }
  Result<std::unique_ptr<Buffer>> allocate(int64_t bytes) override {
    TROIKA_TRY(HostMemory memory, memory_.allocate(bytes));
    std::ranges::fill(memory.span(), std::byte{0});
    return std::make_unique<BytesBuffer>(std::move(memory));
  }
  Result<std::unique_ptr<Buffer>> allocate_state(const StateSpec&, const StateOptions&,
                                                 int64_t units) override {
    return allocate(units);
  }
  Result<std::unique_ptr<ImportedWeight>> import_weight(const WeightInfo& weight,
                                                        const ImportOptions&) override {
    return fail(ErrorCode::unsupported, "{}: no weights here", weight.name);
  }
  Result<std::unique_ptr<Executable>> compile(const Graph&, const Sizes&,
                                              const Resources&) override {
    return std::make_unique<Executable>();
  }
  Result<Event> run(Executable& program, const Bindings& b) override {
    if (const auto* gated = dynamic_cast<GatedProgram*>(&program)) gated->gate.wait();
    calls_.push_back("run");
    if (b.tokens < 0) return fail(ErrorCode::internal, "run of {} tokens", b.tokens);
    std::byte* first = at(b[Input::token_ids]);
    *first = static_cast<std::byte>(static_cast<int>(*first) + 1);
    return Event{++number_};
  }
  Result<Event> write(BufferView to, std::span<const std::byte> source) override {
    calls_.push_back("write");
    std::ranges::copy(source, at(to));
    return Event{++number_};
  }
  Result<Event> read(BufferView from, std::span<std::byte> destination) override {
    calls_.push_back("read");
    std::copy_n(at(from), destination.size(), destination.data());
    return Event{++number_};
  }
  Result<Event> copy(BufferView from, BufferView to, int64_t bytes) override {
    calls_.push_back("copy");
    std::copy_n(at(from), bytes, at(to));
    return Event{++number_};
  }
  Status wait(Event event) override {
    if (event.number != number_) return fail(ErrorCode::internal, "wrong event");
    return ok();
  }

 private:
  DeviceInfo info_{"bytes", 1000};
  HostAllocator memory_;
  std::vector<std::string>& calls_;
  uint64_t number_ = 0;
};

class DelayedDeviceTest : public ::testing::Test {
 protected:
  void make(microseconds delay_max, uint64_t seed = 1) {
    device_ = make_delayed_device(std::make_unique<BytesDevice>(memory_, calls_),
                                  {.seed = seed, .delay_max = delay_max, .guarded = memory_});
  }
  static std::vector<std::byte> bytes(int first) { return {4, static_cast<std::byte>(first)}; }

  HostAllocator memory_;
  std::vector<std::string> calls_;  // of the inner device; read it after a wait
  std::unique_ptr<Device> device_;
};

TEST_F(DelayedDeviceTest, CarriesCallsOutInOrder) {
  for (uint64_t seed = 0; seed < 10; seed++) {
    calls_.clear();
    make(microseconds{50}, seed);
    const auto a = device_->allocate(4).value();
    const auto b = device_->allocate(4).value();
    const auto program = device_->compile({}, {}, {}).value();
    Bindings bindings;
    bindings[Input::token_ids] = {a.get(), 0};
    std::vector<std::byte> result(4);
    Event last{};
    ASSERT_TRUE(device_->write({a.get(), 0}, bytes(5)).ok());
    for (int i = 0; i < 20; i++) ASSERT_TRUE(device_->run(*program, bindings).ok());
    ASSERT_TRUE(device_->copy({a.get(), 0}, {b.get(), 0}, 4).ok());
    ASSERT_TRUE(device_->run(*program, bindings).ok());
    last = device_->read({b.get(), 0}, result).value();
    EXPECT_EQ(last.number, 24u);
    ASSERT_TRUE(device_->wait(last).ok());
    EXPECT_EQ(result[0], std::byte{25});
    EXPECT_EQ(result[1], std::byte{5});
    EXPECT_EQ(calls_.size(), 24u);
    EXPECT_EQ(calls_.front(), "write");
    EXPECT_EQ(calls_[21], "copy");
    device_.reset();
  }
}

TEST_F(DelayedDeviceTest, ReadsArePoisonUntilCarriedOut) {
  make(microseconds{0});
  const auto buffer = device_->allocate(1).value();
  std::latch gate(1);
  GatedProgram gated(gate);
  Bindings bindings;
  bindings[Input::token_ids] = {buffer.get(), 0};
  std::vector<std::byte> result(1);
  ASSERT_TRUE(device_->run(gated, bindings).ok());
  const Event event = device_->read({buffer.get(), 0}, result).value();
  EXPECT_EQ(result[0], std::byte{0xA5});
  gate.count_down();
  ASSERT_TRUE(device_->wait(event).ok());
  EXPECT_EQ(result[0], std::byte{1});
}

TEST_F(DelayedDeviceTest, SourcesMayBeReusedAtOnce) {
  make(microseconds{500});
  const auto buffer = device_->allocate(4).value();
  std::vector<std::byte> source = bytes(1);
  std::vector<std::byte> result(4);
  ASSERT_TRUE(device_->write({buffer.get(), 0}, source).ok());
  source = bytes(2);
  ASSERT_TRUE(device_->wait(device_->read({buffer.get(), 0}, result).value()).ok());
  EXPECT_EQ(result, bytes(1));
}

TEST_F(DelayedDeviceTest, ErrorsSurfaceInTheWaitThatCoversThem) {
  make(microseconds{50});
  const auto buffer = device_->allocate(4).value();
  const auto program = device_->compile({}, {}, {}).value();
  Bindings good;
  good[Input::token_ids] = {buffer.get(), 0};
  Bindings bad = good;
  bad.tokens = -1;
  const Event first = device_->run(*program, good).value();
  ASSERT_TRUE(device_->run(*program, bad).ok());
  bad.tokens = -2;
  const Event third = device_->run(*program, bad).value();
  const Event fourth = device_->run(*program, good).value();
  EXPECT_TRUE(device_->wait(first).ok());
  const Status status = device_->wait(third);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().message(), "run of -1 tokens");
  EXPECT_TRUE(device_->wait(fourth).ok());  // told once
  EXPECT_EQ(device_->wait({fourth.number + 1}).error().code(), ErrorCode::invalid_argument);
}

TEST_F(DelayedDeviceTest, AsksTheInnerDeviceAboutTheRest) {
  make(microseconds{0});
  EXPECT_EQ(device_->info().name, "delayed bytes");
  EXPECT_EQ(device_->info().memory_bytes, 1000);
  EXPECT_TRUE(device_->supports(MatMul{}, DType::f32));
  EXPECT_FALSE(device_->supports(MatMul{}, DType::f16));
  EXPECT_EQ(device_->import_weight({.name = "w"}).error().message(), "w: no weights here");
  EXPECT_EQ(device_->allocate_state(HiddenState{1}, {}, 3).value()->bytes(), 3);
}

TEST_F(DelayedDeviceTest, DestructionFinishesWhatWasAccepted) {
  make(microseconds{2000});
  const auto buffer = device_->allocate(4).value();
  std::vector<std::byte> result(4);
  ASSERT_TRUE(device_->write({buffer.get(), 0}, bytes(3)).ok());
  ASSERT_TRUE(device_->read({buffer.get(), 0}, result).ok());
  device_.reset();
  EXPECT_EQ(result, bytes(3));
  EXPECT_EQ(calls_, (std::vector<std::string>{"write", "read", "gone"}));
}

TEST(DelayedDeviceDeathTest, BuffersCannotBeReachedBetweenCalls) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const HostAllocator memory;
  std::vector<std::string> calls;
  const auto device = make_delayed_device(std::make_unique<BytesDevice>(memory, calls),
                                          {.delay_max = microseconds{0}, .guarded = memory});
  const auto buffer = device->allocate(4).value();
  ASSERT_TRUE(device->wait(device->write({buffer.get(), 0}, {}).value()).ok());
  EXPECT_DEATH(*at({buffer.get(), 0}) = std::byte{1}, "");
}

}  // namespace
}  // namespace troika
