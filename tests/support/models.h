// Model fixtures: found, opened and put on a device; and what tests ask of every one.
#pragma once

#include <algorithm>
#include <filesystem>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "core/ids.h"
#include "engine/loaded_model.h"
#include "gguf/file.h"
#include "model/registry.h"
#include "support/npy.h"
#include "support/shared.h"

namespace troika::testing {

/// Whether `device` has every op of the model in `file` over its matrix, and this build its family.
inline bool runs_on(const gguf::File& file, const Device& device) {
  const Result<Model> model = make_model(file, {});
  if (!model.ok()) return model.error().code() != ErrorCode::unsupported;
  return std::ranges::all_of(model->trunk.nodes(), [&](const Node& node) {
    const Weight w = matrix_of(node.op);
    return device.supports(
        node.op, w.present() ? model->weights[static_cast<size_t>(w.id)].dtype : DType::f32);
  });
}

/// "qwen35-f32" of every model in `folder` that `device` can run, sorted.
inline std::vector<std::string> model_names(const std::filesystem::path& folder,
                                            const Device& device) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".gguf") continue;
    const Result<gguf::File> file = gguf::File::open(entry.path());
    if (file.ok() && runs_on(*file, device)) names.push_back(entry.path().stem().string());
  }
  std::ranges::sort(names);
  return names;
}

/// Where the model fixtures are: the whole set beside the checkout, else the subset under tests/.
inline std::filesystem::path model_folder() {
  if (const auto shared = shared_fixtures("models")) return *shared;
  return test_data("fixtures") / "models";
}

/// The model `name` in `folder`, or "troika-demo", which is part of the project.
inline std::filesystem::path model_path(
    const std::string& name,
    const std::filesystem::path& folder = test_data("fixtures") / "models") {
  if (name == "troika-demo")
    return std::filesystem::path(TROIKA_SOURCE_DIR) / "models" / "troika-demo.gguf";
  return folder / (name + ".gguf");
}

/// The ids in a text file, separated by white space.
inline std::vector<TokenId> read_ids(const std::filesystem::path& path) {
  std::istringstream in(read_text(path));
  std::vector<TokenId> ids;
  for (int32_t id = 0; in >> id;) ids.push_back(static_cast<TokenId>(id));
  return ids;
}

/// "qwen35" of "qwen35-f32".
inline std::string base_of(const std::string& name) {
  return name.substr(0, name.rfind('-'));
}

inline std::string type_of(const std::string& name) {
  return name.substr(name.rfind('-') + 1);
}

/// A file on a device. Fails loudly: fixtures are sound.
struct OpenModel {
  std::unique_ptr<gguf::File> file;
  LoadedModel loaded;
};

inline OpenModel open_model(const std::filesystem::path& path, Device& device,
                            const ModelOptions& options = {}) {
  Result<gguf::File> file = gguf::File::open(path);
  if (!file.ok()) throw std::runtime_error(file.error().message());
  auto kept = std::make_unique<gguf::File>(std::move(*file));
  Result<Model> model = make_model(*kept, options);
  if (!model.ok()) throw std::runtime_error(model.error().message());
  Result<LoadedModel> loaded = load_model(*kept, std::move(*model), device, {});
  if (!loaded.ok()) throw std::runtime_error(loaded.error().message());
  return {std::move(kept), std::move(*loaded)};
}

}  // namespace troika::testing
