#include "serve/sandbox/file_folders.h"

#include <filesystem>
#include <system_error>

namespace troika::serve {

std::vector<std::string> folders_of(const std::string& file) {
  if (file.empty()) return {};
  const std::filesystem::path named = std::filesystem::path(file).parent_path();
  std::vector<std::string> folders = {named.empty() ? "." : named.string()};
  std::error_code error;
  const std::filesystem::path real = std::filesystem::canonical(file, error).parent_path();
  if (!error && !std::filesystem::equivalent(real, folders[0], error) && !error)
    folders.push_back(real.string());
  return folders;
}

}  // namespace troika::serve
