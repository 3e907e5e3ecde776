#include "engine/loaded_model.h"

#include "quant/decode.h"

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

}  // namespace

Result<LoadedModel> load_model(const gguf::File& file, Model model, Device& device,
                               const LoadProgress& progress) {
  TROIKA_RETURN_IF_ERROR(check_support(model.trunk, model, device));
  if (model.draft) TROIKA_RETURN_IF_ERROR(check_support(*model.draft, model, device));
  LoadedModel loaded{.model = std::move(model), .weights = {}, .device = &device};
  int64_t total = 0;
  for (const WeightInfo& weight : loaded.model.weights) total += std::ssize(weight.data);
  int64_t done = 0;
  for (WeightInfo& weight : loaded.model.weights) {
    TROIKA_RETURN_IF_ERROR(check_finite(weight.dtype, weight.data.data(),
                                        weight.weight.rows() * weight.weight.inputs, weight.name));
    TROIKA_TRY(auto imported, device.import_weight(weight));
    loaded.weights.push_back(std::move(imported));
    file.drop(weight.data);
    done += std::ssize(weight.data);
    weight.data = {};
    if (progress) progress(done, total);
  }
  return loaded;
}

}  // namespace troika
