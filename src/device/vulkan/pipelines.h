// Shaders made ready for a device, each with its constants: made when a program first asks for
// them.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "device/vulkan/gpu.h"

namespace troika::vulkan {

inline constexpr uint32_t kPushBytes = 128;  // of push constants, at most

class Pipelines {
 public:
  static Result<std::unique_ptr<Pipelines>> make(const Gpu& gpu);
  ~Pipelines();
  Pipelines(const Pipelines&) = delete;
  Pipelines& operator=(const Pipelines&) = delete;

  /// The shader `name` (shaders/<name>.comp) with constant_id 0, 1 ... as in `constants`. Lives as
  /// long as this. Errors: those of the driver.
  Result<VkPipeline> get(std::string_view name, std::initializer_list<uint32_t> constants = {});

  /// One layout serves all: push constants and nothing else.
  VkPipelineLayout layout() const { return layout_; }

 private:
  explicit Pipelines(const Gpu& gpu) : gpu_(gpu) {}
  Result<VkPipeline> create(std::string_view name, const std::vector<uint32_t>& constants);

  const Gpu& gpu_;
  VkPipelineLayout layout_ = VK_NULL_HANDLE;
  std::map<std::pair<std::string_view, std::vector<uint32_t>>, VkPipeline> made_;
};

}  // namespace troika::vulkan
