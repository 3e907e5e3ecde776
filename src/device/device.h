// The one narrow interface to anything that computes: an accelerator, a group of CPU cores, several
// devices as one.
//
// Order. A device carries out calls in the order in which they were made, each as if the one before
// had finished; every call may return before its work is done. An Event names a call; wait(event)
// returns when that call and all before it have finished. Host memory handed to write() may be
// reused at once; host memory handed to read() holds the data only after a wait. Errors of
// asynchronous work surface in the wait that covers it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "device/transport.h"
#include "graph/batch.h"
#include "graph/graph.h"
#include "graph/shares.h"
#include "graph/state.h"
#include "graph/weight.h"

namespace troika {

/// Memory of a device, opaque to everybody else. Made by a Device, must not outlive it.
class Buffer {
 public:
  explicit Buffer(int64_t bytes) : bytes_(bytes) {}
  virtual ~Buffer() = default;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  int64_t bytes() const { return bytes_; }

 private:
  int64_t bytes_;
};

/// A weight in the private layout of the device that imported it.
class ImportedWeight {
 public:
  virtual ~ImportedWeight() = default;
};

/// A graph made ready for one device: memory planned, kernels chosen.
class Executable {
 public:
  virtual ~Executable() = default;
};

/// A place in a buffer.
struct BufferView {
  Buffer* buffer = nullptr;
  int64_t offset = 0;  // bytes
};

/// A call that a device has accepted. Numbers grow; 0 is before all calls.
struct Event {
  uint64_t number = 0;
};

struct DeviceInfo {
  std::string name;             // "cpu (avx512, 2 threads)"
  int64_t memory_bytes = 0;     // that this device can give out in all
  int64_t elsewhere_bytes = 0;  // of these, what is not this machine's main memory: a GPU's own, or
                                // what was free on other machines when it was made
};

/// Bytes of memory that a device has given out and not got back.
struct HeldMemory {
  int64_t weights = 0;
  int64_t states = 0;
  int64_t work = 0;  // plain buffers, and what programs need besides
  int64_t total() const { return weights + states + work; }
  HeldMemory& operator+=(const HeldMemory& other) {
    weights += other.weights;
    states += other.states;
    work += other.work;
    return *this;
  }
};

/// The largest step an executable must be able to run.
struct Sizes {
  int64_t tokens = 0;
  int64_t outputs = 0;
  int64_t sequences = 0;
};

/// What an executable works on for its whole life, by WeightInfo and StateInfo number. Not owned;
/// must outlive it. An entry that the graph does not use may be null.
struct Resources {
  std::span<ImportedWeight* const> weights;
  std::span<const StateInfo> state_infos;
  std::span<Buffer* const> states;  // made by allocate_state with these options
  StateOptions state_options;
  Transport* transport = nullptr;  // of the exchanges of a member of a group
  int64_t member = 0;              // which it is
};

/// One step: how many rows there are and where inputs and results lie. Views that the graph does
/// not use may be empty.
struct Bindings {
  int64_t tokens = 0;
  int64_t outputs = 0;           // entries of output_rows
  int64_t sequences = 0;         // entries of spans
  int64_t output_sequences = 0;  // entries of output_spans
  std::array<BufferView, kInputs> inputs;
  std::array<BufferView, kOutputs> results;

  BufferView& operator[](Input input) { return inputs[static_cast<size_t>(input)]; }
  BufferView& operator[](Output output) { return results[static_cast<size_t>(output)]; }
  const BufferView& operator[](Input input) const { return inputs[static_cast<size_t>(input)]; }
  const BufferView& operator[](Output output) const { return results[static_cast<size_t>(output)]; }
};

/// Bytes of `units` units of a state; what every device asks before it allocates them. Errors:
/// invalid_argument — fewer than 0; exhausted — more than the device can give out in all.
Result<int64_t> state_bytes(const DeviceInfo& device, const StateSpec& spec,
                            const StateOptions& options, int64_t units);

/// What every device checks first in run(): that a step is no larger than the program was compiled
/// for. Errors: invalid_argument — names the count, its value and the largest.
Status check_counts(const Bindings& bindings, const Sizes& sizes);

/// How a weight is imported. The hooks, where given, are called from any thread of the device with
/// parts of some megabytes, not necessarily all.
struct ImportOptions {
  using Hook = std::function<void(std::span<const std::byte> part)>;
  Hook before = {};             // a part is about to be read: it may be brought into memory at once
  Hook after = {};              // a part has been read: it may leave memory, but stays readable
  bool must_be_finite = false;  // an infinity or a NaN is an error
};

/// One accelerator, or several that act as one. Used by one thread at a time.
class Device {
 public:
  virtual ~Device() = default;

  virtual const DeviceInfo& info() const = 0;

  /// Whether the op can run over a weight of this type (nothing for ops without a weight matrix, KV
  /// type for attention). The only capability question there is; what is missing is an error at
  /// load, never a fallback.
  virtual bool supports(const Op& op, DType dtype) const = 0;

  /// Plain memory for inputs and results; contents undefined. Errors: exhausted.
  virtual Result<std::unique_ptr<Buffer>> allocate(int64_t bytes) = 0;

  /// Memory for `units` units of a state; contents undefined. Errors: exhausted.
  virtual Result<std::unique_ptr<Buffer>> allocate_state(const StateSpec& spec,
                                                         const StateOptions& options,
                                                         int64_t units) = 0;

  /// Copies a weight into the layout that is fastest here; the source may be dropped afterwards.
  /// Errors: unsupported — this type cannot be imported for this use; corrupt — a value is not
  /// finite though it must be, named as check_finite does (quant/decode.h); exhausted.
  virtual Result<std::unique_ptr<ImportedWeight>> import_weight(
      const WeightInfo& weight, const ImportOptions& options = {}) = 0;

  /// The same for what `cut` leaves of `whole`, which says how that is used. By itself: imported
  /// from the bytes in place, or from a copy where they are scattered.
  virtual Result<std::unique_ptr<ImportedWeight>> import_part(const WeightInfo& whole,
                                                              const WeightCut& cut,
                                                              const ImportOptions& options);

  /// Bytes of memory that a weight of this type and shape takes once imported, roughly: the sum of
  /// a model's decides whether it is loaded at all. By itself, those of the file.
  virtual int64_t weight_bytes(const WeightInfo& weight) const;

  /// Memory that is held. By itself, nothing: the device does not count.
  virtual HeldMemory held() const { return {}; }

  /// The devices that it consists of; none: it is one.
  virtual std::span<const std::unique_ptr<Device>> members() const { return {}; }

  /// Seconds that its members have spent in exchanges, waiting included, on the average over
  /// members: by number of the exchange in its step, of all steps so far. No step is running.
  virtual std::vector<double> exchange_seconds() const { return {}; }

  /// Bytes of memory that a program for steps up to `sizes` takes, roughly. By itself: the values
  /// that flow through the graph, those whose lives do not meet in one place, and a copy of what
  /// products read.
  virtual int64_t program_bytes(const Graph& graph, const Sizes& sizes) const;

  /// Plans memory and chooses kernels for steps up to `sizes`.
  /// Errors: unsupported — an op, by name and type; exhausted.
  virtual Result<std::unique_ptr<Executable>> compile(const Graph& graph, const Sizes& sizes,
                                                      const Resources& resources) = 0;

  /// Runs one step. The counts of `bindings` are at most the sizes compiled for; `bindings` is
  /// copied.
  virtual Result<Event> run(Executable& program, const Bindings& bindings) = 0;

  /// Copies host bytes into a buffer. `source` may be reused when this returns.
  virtual Result<Event> write(BufferView to, std::span<const std::byte> source) = 0;

  /// Copies from a buffer into host bytes, which must stay alive until the event has been waited
  /// for.
  virtual Result<Event> read(BufferView from, std::span<std::byte> destination) = 0;

  /// Copies within the device; the ranges do not overlap.
  virtual Result<Event> copy(BufferView from, BufferView to, int64_t bytes) = 0;

  /// Sets a range of a buffer to one byte. By itself: written piece by piece.
  virtual Result<Event> fill(BufferView to, std::byte value, int64_t bytes);

  /// Returns when `event` and everything before it has finished; errors of that work come out here.
  virtual Status wait(Event event) = 0;
};

}  // namespace troika
