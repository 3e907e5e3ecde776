// Any bytes as a grammar in GBNF: refuse it with a message, or let texts be written by it, where
// what is allowed is accepted and nothing else is.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/check.h"
#include "grammar_walk.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  troika::walk(troika::compile_gbnf(text, troika::walk_vocabulary()), size);
  return 0;
}
