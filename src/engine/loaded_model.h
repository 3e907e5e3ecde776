// A file and a device made a pair: the model of the file with its weights imported.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

#include "core/result.h"
#include "device/device.h"
#include "gguf/file.h"
#include "model/model.h"

namespace troika {

/// Called while weights are imported: bytes of the file done, and in all.
using LoadProgress = std::function<void(int64_t done, int64_t total)>;

/// Owns the imported weights; the device is borrowed and must outlive it.
struct LoadedModel {
  Model model;  // its WeightInfo::data no longer points anywhere
  std::vector<std::unique_ptr<ImportedWeight>> weights;  // by Weight::id
  Device* device = nullptr;
};

/// Asks the device for everything that the graphs of `model` need, then imports all weights from
/// `file`, dropping the file's pages behind it. Errors: unsupported — the device lacks an op or
/// type, named before anything is imported; corrupt — a weight holds values that are not finite;
/// exhausted.
Result<LoadedModel> load_model(const gguf::File& file, Model model, Device& device,
                               const LoadProgress& progress);

}  // namespace troika
