#include "device/vulkan/pipelines.h"

#include <algorithm>

#include "core/check.h"
#include "device/vulkan/shaders.h"

namespace troika::vulkan {

Result<std::unique_ptr<Pipelines>> Pipelines::make(const Gpu& gpu) {
  std::unique_ptr<Pipelines> pipelines(new Pipelines(gpu));
  const VkPushConstantRange range{VK_SHADER_STAGE_COMPUTE_BIT, 0, kPushBytes};
  VkPipelineLayoutCreateInfo info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO};
  info.pushConstantRangeCount = 1;
  info.pPushConstantRanges = &range;
  TROIKA_RETURN_IF_ERROR(
      check(gpu.api().vkCreatePipelineLayout(gpu.handle(), &info, nullptr, &pipelines->layout_),
            "vkCreatePipelineLayout"));
  return pipelines;
}

Pipelines::~Pipelines() {
  for (const auto& [key, pipeline] : made_)
    gpu_.api().vkDestroyPipeline(gpu_.handle(), pipeline, nullptr);
  if (layout_ != VK_NULL_HANDLE)
    gpu_.api().vkDestroyPipelineLayout(gpu_.handle(), layout_, nullptr);
}

Result<VkPipeline> Pipelines::get(std::string_view name,
                                  std::initializer_list<uint32_t> constants) {
  std::pair<std::string_view, std::vector<uint32_t>> key(name, constants);
  if (const auto found = made_.find(key); found != made_.end()) return found->second;
  TROIKA_TRY(const VkPipeline pipeline, create(name, key.second));
  made_.emplace(std::move(key), pipeline);
  return pipeline;
}

Result<VkPipeline> Pipelines::create(std::string_view name,
                                     const std::vector<uint32_t>& constants) {
  const auto shader = std::ranges::find(shaders(), name, &Shader::name);
  TROIKA_CHECK(shader != shaders().end());
  VkShaderModuleCreateInfo module_info = {.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO};
  module_info.codeSize = shader->code.size_bytes();
  module_info.pCode = shader->code.data();
  VkShaderModule module = VK_NULL_HANDLE;
  TROIKA_RETURN_IF_ERROR(
      check(gpu_.api().vkCreateShaderModule(gpu_.handle(), &module_info, nullptr, &module), name));
  std::vector<VkSpecializationMapEntry> entries;
  for (uint32_t i = 0; i < constants.size(); i++)
    entries.push_back({i, i * uint32_t{sizeof(uint32_t)}, sizeof(uint32_t)});
  const VkSpecializationInfo specialization{static_cast<uint32_t>(entries.size()), entries.data(),
                                            constants.size() * sizeof(uint32_t), constants.data()};
  VkComputePipelineCreateInfo info = {.sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO};
  info.stage.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO;
  info.stage.stage = VK_SHADER_STAGE_COMPUTE_BIT;
  info.stage.module = module;
  info.stage.pName = "main";
  info.stage.pSpecializationInfo = &specialization;
  info.layout = layout_;
  VkPipeline pipeline = VK_NULL_HANDLE;
  const VkResult code = gpu_.api().vkCreateComputePipelines(gpu_.handle(), VK_NULL_HANDLE, 1, &info,
                                                            nullptr, &pipeline);
  gpu_.api().vkDestroyShaderModule(gpu_.handle(), module, nullptr);
  TROIKA_RETURN_IF_ERROR(check(code, name));
  return pipeline;
}

}  // namespace troika::vulkan
