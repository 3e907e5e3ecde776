// What a device really does with weights, found by running products on it: the same way for every
// kind of device, with its own layouts and kernels. docs/planner.md.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/result.h"
#include "device/device.h"

namespace troika {

/// Matrices, all zeros, for one input row or several.
struct ProbeShape {
  std::vector<DType> types;  // of the matrices, one after the other
  int64_t rows = 4096;       // of each
  int64_t inputs = 4096;     // whole blocks of all types
  int64_t step_rows = 1;     // input rows at most
  bool chain = false;        // each multiplies what the one before it made: rows are inputs then
};

/// A step that multiplies its rows with each of the matrices. Borrows the device.
class ProductProbe {
 public:
  /// Imports the matrices. Errors: unsupported — the device cannot multiply with such a type;
  /// invalid_argument — a shape that is none; exhausted.
  static Result<std::unique_ptr<ProductProbe>> make(Device& device, const ProbeShape& shape);

  /// One step of `rows` input rows, finished when this returns.
  Status run(int64_t rows);

  int64_t matrices() const { return std::ssize(shape_.types); }
  int64_t bytes() const;                  // of all matrices, as in a file
  double operations(int64_t rows) const;  // of a step; an addition counts as well

 private:
  ProductProbe(Device& device, const ProbeShape& shape) : device_(device), shape_(shape) {}
  Status import();
  Status compile();

  Device& device_;
  ProbeShape shape_;
  std::vector<WeightInfo> infos_;  // the table of inputs, then the matrices
  std::vector<std::unique_ptr<ImportedWeight>> weights_;
  std::unique_ptr<Buffer> inputs_, logits_;
  std::unique_ptr<Executable> program_;
};

/// One of `shape` on each of `devices`, all made at the same time. Errors: naming the device.
Result<std::vector<std::unique_ptr<ProductProbe>>> make_probes(
    std::span<const std::unique_ptr<Device>> devices, const ProbeShape& shape);

/// Lets all of `probes` run at the same time, as members of a group do, for `measure_ms`, after a
/// step that warms up. Returns the seconds of a step of each: the median.
Result<std::vector<double>> time_together(std::span<const std::unique_ptr<ProductProbe>> probes,
                                          int64_t rows, double measure_ms);

}  // namespace troika
