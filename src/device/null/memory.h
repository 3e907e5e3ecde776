// What the null device hands out: plain memory for inputs and results, and stand-ins for weights
// and states that have a size and no bytes.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "device/device.h"
#include "device/host_memory.h"

namespace troika::null {

/// Bytes that are planned, of each kind; outlives the device for the sake of what it handed out.
struct Held {
  int64_t weights = 0;
  int64_t states = 0;
  int64_t buffers = 0;
  int64_t all() const { return weights + states + buffers; }
};

/// Counts bytes as long as it lives.
class Share {
 public:
  Share(std::shared_ptr<Held> held, int64_t Held::*kind, int64_t bytes)
      : held_(std::move(held)), kind_(kind), bytes_(bytes) {
    held_.get()->*kind_ += bytes_;
  }
  ~Share() { held_.get()->*kind_ -= bytes_; }
  Share(const Share&) = delete;
  Share& operator=(const Share&) = delete;

 private:
  std::shared_ptr<Held> held_;
  int64_t Held::*kind_;
  int64_t bytes_;
};

struct NullWeight final : ImportedWeight {
  NullWeight(std::shared_ptr<Held> held, int64_t bytes, const Weight& w)
      : share(std::move(held), &Held::weights, bytes), weight(w) {}
  Share share;
  Weight weight;
};

struct NullState final : Buffer {
  NullState(std::shared_ptr<Held> held, int64_t bytes, StateSpec s, int64_t u)
      : Buffer(bytes), share(std::move(held), &Held::states, bytes), spec(s), units(u) {}
  Share share;
  StateSpec spec;
  int64_t units;
};

/// Plain memory. Logits are nearly all zeros, so only the others are written, and taken back before
/// the next ones: a page of memory that holds none of them is never touched.
class NullBuffer final : public Buffer {
 public:
  NullBuffer(std::shared_ptr<Held> held, HostMemory memory)
      : Buffer(memory.bytes()),
        share_(std::move(held), &Held::buffers, memory.bytes()),
        memory_(std::move(memory)) {}

  std::byte* data() const { return memory_.data(); }

  void clear_marks() {
    for (const int64_t offset : marks_) std::memset(data() + offset, 0, sizeof(float));
    marks_.clear();
  }
  void mark(int64_t offset, float value) {
    std::memcpy(data() + offset, &value, sizeof value);
    marks_.push_back(offset);
  }

 private:
  Share share_;
  HostMemory memory_;
  std::vector<int64_t> marks_;  // bytes
};

/// A range of a buffer of this device; without data if it is of a state.
struct Range {
  NullBuffer* buffer = nullptr;
  std::byte* data = nullptr;
};

/// The bytes [offset, offset + bytes) of a buffer of this device.
inline Result<Range> range(const BufferView& view, int64_t bytes, std::string_view what) {
  auto* plain = dynamic_cast<NullBuffer*>(view.buffer);
  if (plain == nullptr && dynamic_cast<NullState*>(view.buffer) == nullptr)
    return fail(ErrorCode::invalid_argument, "{}: no buffer of this device", what);
  if (view.offset < 0 || bytes < 0 || bytes > view.buffer->bytes() - view.offset)
    return fail(ErrorCode::invalid_argument, "{}: {} bytes at {} of a buffer of {}", what, bytes,
                view.offset, view.buffer->bytes());
  return Range{plain, plain != nullptr ? plain->data() + view.offset : nullptr};
}

/// The same of plain memory, at a multiple of 4 bytes.
inline Result<Range> numbers(const BufferView& view, int64_t count, std::string_view what) {
  TROIKA_TRY(const Range found, range(view, count * 4, what));
  if (found.buffer == nullptr || view.offset % 4 != 0)
    return fail(ErrorCode::invalid_argument, "{}: byte {} of a {}, wanted numbers in plain memory",
                what, view.offset, found.buffer == nullptr ? "state" : "buffer");
  return found;
}

}  // namespace troika::null
