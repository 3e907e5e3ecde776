// What a step writes to the device: only what differs from what is there.
#include "engine/step_inputs.h"

#include <gtest/gtest.h>

#include <cstring>

namespace troika {
namespace {

class HostBuffer final : public Buffer {
 public:
  explicit HostBuffer(int64_t bytes) : Buffer(bytes), data(static_cast<size_t>(bytes)) {}
  std::vector<std::byte> data;
};

/// Memory and nothing else; counts what is written.
class MemoryDevice final : public Device {
 public:
  int writes = 0;

  const DeviceInfo& info() const override { return info_; }
  bool supports(const Op&, DType) const override { return false; }
  Result<std::unique_ptr<Buffer>> allocate(int64_t bytes) override {
    return std::unique_ptr<Buffer>(std::make_unique<HostBuffer>(bytes));
  }
  Result<std::unique_ptr<Buffer>> allocate_state(const StateSpec&, const StateOptions&,
                                                 int64_t) override {
    return unsupported();
  }
  Result<std::unique_ptr<ImportedWeight>> import_weight(const WeightInfo&,
                                                        const ImportOptions&) override {
    return unsupported();
  }
  Result<std::unique_ptr<Executable>> compile(const Graph&, const Sizes&,
                                              const Resources&) override {
    return unsupported();
  }
  Result<Event> run(Executable&, const Bindings&) override { return unsupported(); }
  Result<Event> write(BufferView to, std::span<const std::byte> source) override {
    writes++;
    std::memcpy(static_cast<HostBuffer*>(to.buffer)->data.data() + to.offset, source.data(),
                source.size());
    return Event{};
  }
  Result<Event> read(BufferView, std::span<std::byte>) override { return unsupported(); }
  Result<Event> copy(BufferView, BufferView, int64_t) override { return unsupported(); }
  Status wait(Event) override { return ok(); }

 private:
  static Error unsupported() {
    return fail(ErrorCode::unsupported, "this device has memory and nothing else");
  }
  DeviceInfo info_;
};

int32_t word(const Bindings& bindings, Input input, int64_t index) {
  const BufferView view = bindings[input];
  int32_t value = 0;
  std::memcpy(&value,
              static_cast<HostBuffer*>(view.buffer)->data.data() + view.offset +
                  index * static_cast<int64_t>(sizeof(value)),
              sizeof(value));
  return value;
}

TEST(StepInputs, WritesWhatDiffers) {
  MemoryDevice device;
  auto made = StepInputs::make(device, {.tokens = 8, .outputs = 8, .sequences = 2}, 8);
  ASSERT_TRUE(made.ok());
  StepInputs& inputs = *made;
  const std::vector<PageId> pages = {PageId{3}, PageId{5}};
  const auto step = [&](int32_t token, int64_t position, bool tokens) {
    inputs.clear();
    inputs.begin_sequence({.pages = pages, .position = position, .certain = 1});
    inputs.add_row({.token = TokenId{token}, .hidden_in = 2, .hidden_out = 4, .output = true});
    Bindings bindings;
    device.writes = 0;
    EXPECT_TRUE(inputs.upload(device, bindings, tokens).ok());
    EXPECT_EQ(bindings.tokens, 1);
    EXPECT_EQ(bindings.outputs, 1);
    EXPECT_EQ(word(bindings, Input::positions, 0), position);
    EXPECT_EQ(word(bindings, Input::spans, 2), position);
    EXPECT_EQ(word(bindings, Input::page_table, 1), 5);
    EXPECT_EQ(word(bindings, Input::hidden_out, 0), 4);
    if (tokens) {
      EXPECT_EQ(word(bindings, Input::token_ids, 0), token);
    }
    return device.writes;
  };
  EXPECT_EQ(step(7, 20, true), 8);
  EXPECT_EQ(step(7, 20, true), 0);
  EXPECT_EQ(step(9, 21, false), 3);  // positions and spans; the token comes from elsewhere
  EXPECT_EQ(step(7, 22, true), 3);
  EXPECT_EQ(step(8, 22, true), 1);
}

}  // namespace
}  // namespace troika
