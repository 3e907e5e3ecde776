// Where a file that is opened by its name may lie.
#pragma once

#include <string>
#include <vector>

namespace troika::serve {

/// The folder that `file` is named in and, where the name is a link, that of what it leads to:
/// files beside either are parts of it or will take its place. Nothing of an empty name.
std::vector<std::string> folders_of(const std::string& file);

}  // namespace troika::serve
