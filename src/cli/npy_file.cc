#include "cli/npy_file.h"

#include <bit>
#include <cstddef>

namespace troika::cli {
namespace {

static_assert(std::endian::native == std::endian::little, "values are written as they lie");

/// Magic, version, length of the description, the description, padded to a whole 64 bytes.
std::string npy_header(int64_t rows, int64_t columns) {
  constexpr size_t kPrefixBytes = 10;
  constexpr size_t kAlignment = 64;
  std::string text =
      fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}", rows, columns);
  const size_t used = kPrefixBytes + text.size() + 1;
  text.append((kAlignment - used % kAlignment) % kAlignment, ' ');
  text += '\n';
  std::string header("\x93NUMPY\x01\x00", 8);
  header += static_cast<char>(text.size() & 255);
  header += static_cast<char>(text.size() >> 8);
  return header + text;
}

}  // namespace

Result<NpyFile> NpyFile::create(const std::string& path, int64_t rows, int64_t columns) {
  TROIKA_TRY(OutputFile file, OutputFile::create(path));
  const std::string header = npy_header(rows, columns);
  TROIKA_RETURN_IF_ERROR(file.write(std::as_bytes(std::span(header))));
  return NpyFile(std::move(file));
}

}  // namespace troika::cli
