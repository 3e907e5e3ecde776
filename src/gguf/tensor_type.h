// What to say about tensor types that cannot be read: removed ones and those of forks.
#pragma once

#include <cstdint>
#include <string>

namespace troika::gguf {

/// One clause for people about type `id`, which core/dtype.h does not know: what it was, and what
/// to use instead.
std::string explain_type(uint32_t id);

}  // namespace troika::gguf
