#include "runtime/product_probe.h"

#include <algorithm>
#include <barrier>
#include <chrono>

#include "device/group/crew.h"

namespace troika {
namespace {

constexpr int64_t kTableRows = 2;

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + std::ssize(values) / 2;
  std::ranges::nth_element(values, middle);
  return *middle;
}

Result<double> time_steps(ProductProbe& probe, int64_t rows, double measure_ms) {
  std::vector<double> seconds;
  const Clock::time_point start = Clock::now();
  do {
    const Clock::time_point begin = Clock::now();
    TROIKA_RETURN_IF_ERROR(probe.run(rows));
    seconds.push_back(seconds_since(begin));
  } while (seconds_since(start) * 1e3 < measure_ms);
  return median(std::move(seconds));
}

}  // namespace

Result<std::unique_ptr<ProductProbe>> ProductProbe::make(Device& device, const ProbeShape& shape) {
  const bool blocks = std::ranges::all_of(
      shape.types, [&](DType type) { return shape.inputs % dtype_info(type).block == 0; });
  if (shape.types.empty() || shape.rows < 1 || shape.inputs < 1 || shape.step_rows < 1 || !blocks ||
      (shape.chain && shape.rows != shape.inputs))
    return fail(ErrorCode::invalid_argument,
                "{} probe matrices [{}, {}] for {} rows, wanted some, of whole blocks",
                shape.types.size(), shape.rows, shape.inputs, shape.step_rows);
  std::unique_ptr<ProductProbe> probe(new ProductProbe(device, shape));
  TROIKA_RETURN_IF_ERROR(probe->import());
  TROIKA_RETURN_IF_ERROR(probe->compile());
  return probe;
}

Status ProductProbe::import() {
  // One matrix of zeros serves all: what is imported is memory of its own, and zeros take as long
  // to multiply as others.
  const int64_t elements = std::max(shape_.rows, kTableRows) * shape_.inputs;
  const std::vector<std::byte> zeros(static_cast<size_t>(dtype_bytes(DType::f32, elements)));
  const auto add = [&](DType dtype, WeightUse use, Axis axis, int64_t rows) {
    const auto bytes = static_cast<size_t>(dtype_bytes(dtype, rows * shape_.inputs));
    const bool table = use == WeightUse::lookup;
    infos_.push_back({.name = "probe",
                      .dtype = dtype,
                      .use = use,
                      .weight = {static_cast<int32_t>(infos_.size()), axis, table ? rows : 1,
                                 table ? 1 : rows, shape_.inputs},
                      .data = std::span(zeros).first(bytes),
                      .split = split_whole(shape_.inputs)});
  };
  add(DType::f32, WeightUse::lookup, Axis::vocab, kTableRows);
  for (const DType type : shape_.types) add(type, WeightUse::matmul, Axis::hidden, shape_.rows);
  for (WeightInfo& info : infos_) {
    TROIKA_TRY(weights_.emplace_back(), device_.import_weight(info));
    info.data = {};
  }
  return ok();
}

Status ProductProbe::compile() {
  Graph graph;
  const Tensor x = graph.embed(infos_[0].weight);
  Tensor y = graph.matmul(infos_[1].weight, x);
  for (size_t i = 2; i < infos_.size(); i++) {
    const Tensor product = graph.matmul(infos_[i].weight, shape_.chain ? y : x);
    y = shape_.chain ? product : graph.add(y, product);
  }
  graph.output(Output::logits, graph.gather_rows(y));
  std::vector<ImportedWeight*> weights;
  for (const auto& weight : weights_) weights.push_back(weight.get());
  TROIKA_TRY(program_, device_.compile(graph, {shape_.step_rows, 1, 1},
                                       {.weights = weights, .state_infos = {}, .states = {}}));
  TROIKA_TRY(logits_, device_.allocate(shape_.rows * static_cast<int64_t>(sizeof(float))));
  const std::vector<int32_t> ids(static_cast<size_t>(shape_.step_rows + 1));  // and output row 0
  const std::span<const std::byte> bytes = std::as_bytes(std::span(ids));
  TROIKA_TRY(inputs_, device_.allocate(std::ssize(bytes)));
  TROIKA_TRY(const Event written, device_.write({inputs_.get(), 0}, bytes));
  return device_.wait(written);
}

Status ProductProbe::run(int64_t rows) {
  Bindings bindings{.tokens = rows, .outputs = 1};
  bindings[Input::token_ids] = {inputs_.get(), 0};
  bindings[Input::output_rows] = {inputs_.get(),
                                  shape_.step_rows * static_cast<int64_t>(sizeof(int32_t))};
  bindings[Output::logits] = {logits_.get(), 0};
  TROIKA_TRY(const Event event, device_.run(*program_, bindings));
  return device_.wait(event);
}

int64_t ProductProbe::bytes() const {
  int64_t bytes = 0;
  for (const DType type : shape_.types) bytes += dtype_bytes(type, shape_.rows * shape_.inputs);
  return bytes;
}

double ProductProbe::operations(int64_t rows) const {
  return 2 * static_cast<double>(rows * std::ssize(shape_.types)) *
         static_cast<double>(shape_.rows * shape_.inputs);
}

Result<std::vector<std::unique_ptr<ProductProbe>>> make_probes(
    std::span<const std::unique_ptr<Device>> devices, const ProbeShape& shape) {
  std::vector<std::unique_ptr<ProductProbe>> probes(devices.size());
  std::vector<Status> results(devices.size(), ok());
  TROIKA_TRY(const auto crew, group::Crew::create(std::ssize(devices)));
  crew->run([&](int64_t member) {
    const auto m = static_cast<size_t>(member);
    auto probe = ProductProbe::make(*devices[m], shape);
    if (probe.ok())
      probes[m] = std::move(*probe);
    else
      results[m] = probe.error();
  });
  for (size_t m = 0; m < results.size(); m++)
    if (!results[m].ok())
      return fail(results[m].error().code(), "measuring {}: {}", devices[m]->info().name,
                  results[m].error().message());
  return probes;
}

Result<std::vector<double>> time_together(std::span<const std::unique_ptr<ProductProbe>> probes,
                                          int64_t rows, double measure_ms) {
  std::vector<double> seconds(probes.size());
  std::vector<Status> results(probes.size(), ok());
  TROIKA_TRY(const auto crew, group::Crew::create(std::ssize(probes)));
  std::barrier ready(std::ssize(probes));
  crew->run([&](int64_t member) {
    const auto m = static_cast<size_t>(member);
    results[m] = probes[m]->run(rows);
    ready.arrive_and_wait();
    if (!results[m].ok()) return;
    const Result<double> timed = time_steps(*probes[m], rows, measure_ms);
    if (timed.ok())
      seconds[m] = *timed;
    else
      results[m] = timed.error();
  });
  for (const Status& result : results) TROIKA_RETURN_IF_ERROR(result);
  return seconds;
}

}  // namespace troika
