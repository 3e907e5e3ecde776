// Where the large fixture sets lie: beside the checkout, and not on every machine. Tests that need
// them pass over them where they are absent; the subset under tests/ always runs.
#pragma once

#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>

namespace troika::testing {

/// The fixture folder `name`, or nothing and a note on stdout where it is absent.
inline std::optional<std::filesystem::path> shared_fixtures(const std::string& name) {
  const auto folder =
      std::filesystem::path(TROIKA_SOURCE_DIR).parent_path() / "shared" / "fixtures" / name;
  if (std::filesystem::exists(folder)) return folder;
  std::printf("passed over: no ../shared/fixtures/%s\n", name.c_str());
  return std::nullopt;
}

/// The folder `name` of tests/.
inline std::filesystem::path test_data(const std::string& name) {
  return std::filesystem::path(TROIKA_SOURCE_DIR) / "tests" / name;
}

}  // namespace troika::testing
