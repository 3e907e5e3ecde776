#include "engine/loaded_model.h"

namespace troika {
namespace {

Status check_support(const Graph& graph, const Model& model, const Device& device) {
  for (const Node& node : graph.nodes()) {
    const Weight w = matrix_of(node.op);
    const WeightInfo* info = w.present() ? &model.weights[static_cast<size_t>(w.id)] : nullptr;
    const DType dtype = info != nullptr ? info->dtype : DType::f32;
    if (!device.supports(node.op, dtype))
      return fail(ErrorCode::unsupported, "device {} has no {} over {}{}{}", device.info().name,
                  op_name(node.op), dtype_info(dtype).name, info != nullptr ? ", wanted for " : "",
                  info != nullptr ? info->name : "");
  }
  return ok();
}

/// Keeps the disk busy while weights are packed: asks for the data of the next ones.
class ReadAhead {
 public:
  ReadAhead(const gguf::File& file, std::span<const WeightInfo> weights)
      : file_(file), weights_(weights) {}

  /// `done` bytes of the weights have been imported.
  void go_on(int64_t done) {
    constexpr int64_t kAhead = int64_t{128} << 20;
    for (; next_ < weights_.size() && asked_ < done + kAhead; next_++) {
      file_.read_ahead(weights_[next_].data);
      asked_ += std::ssize(weights_[next_].data);
    }
  }

 private:
  const gguf::File& file_;
  std::span<const WeightInfo> weights_;
  size_t next_ = 0;
  int64_t asked_ = 0;
};

}  // namespace

Result<LoadedModel> load_model(const gguf::File& file, Model model, Device& device,
                               const LoadProgress& progress) {
  TROIKA_RETURN_IF_ERROR(check_support(model.trunk, model, device));
  if (model.draft) TROIKA_RETURN_IF_ERROR(check_support(*model.draft, model, device));
  LoadedModel loaded{.model = std::move(model), .weights = {}, .device = &device};
  int64_t total = 0;
  for (const WeightInfo& weight : loaded.model.weights) total += std::ssize(weight.data);
  const ImportOptions options{.before = [&file](auto part) { file.touch(part); },
                              .after = [&file](auto part) { file.drop(part); },
                              .must_be_finite = true};
  int64_t done = 0;
  ReadAhead read_ahead(file, loaded.model.weights);
  for (WeightInfo& weight : loaded.model.weights) {
    read_ahead.go_on(done);
    TROIKA_TRY(auto imported, device.import_weight(weight, options));
    loaded.weights.push_back(std::move(imported));
    file.drop(weight.data);
    done += std::ssize(weight.data);
    weight.data = {};
    if (progress) progress(done, total);
  }
  return loaded;
}

}  // namespace troika
