// The compiled shaders: cmake/TroikaVulkan.cmake makes them from shaders/*.comp.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace troika::vulkan {

struct Shader {
  std::string_view name;  // of the file, without its suffix
  std::span<const uint32_t> code;
};

/// All of them.
std::span<const Shader> shaders();

}  // namespace troika::vulkan
