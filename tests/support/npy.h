// Reads the .npy files of fixtures: C-order float32 or float16 arrays. Source: NumPy's format
// description (NEP 1).
#pragma once

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/half.h"

namespace troika::testing {

struct Array {
  std::vector<int64_t> shape;
  std::vector<float> values;
  int64_t rows() const { return shape.at(0); }
  int64_t columns() const { return shape.at(1); }
  const float* row(int64_t i) const { return values.data() + i * columns(); }
};

inline std::string read_text(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + path.string());
  return {std::istreambuf_iterator<char>(in), {}};
}

inline Array parse_npy(const std::string& bytes) {
  const bool v2 = bytes.at(6) >= 2;
  uint32_t header = 0;
  std::memcpy(&header, bytes.data() + 8, v2 ? 4 : 2);
  const size_t begin = v2 ? 12 : 10;
  const std::string text = bytes.substr(begin, header);
  const bool half = text.find("<f2") != std::string::npos;
  Array array;
  int64_t count = 1;
  std::string shape = text.substr(text.find('(') + 1);
  shape = shape.substr(0, shape.find(')'));
  for (size_t at = 0; at < shape.size();) {
    const size_t comma = std::min(shape.find(',', at), shape.size());
    if (shape.find_first_of("0123456789", at) < comma)
      array.shape.push_back(std::stoll(shape.substr(at, comma - at)));
    at = comma + 1;
  }
  for (const int64_t length : array.shape) count *= length;
  array.values.resize(static_cast<size_t>(count));
  const char* data = bytes.data() + begin + header;
  for (size_t i = 0; i < array.values.size(); i++) {
    uint16_t h = 0;
    if (half) std::memcpy(&h, data + 2 * i, 2);
    if (half)
      array.values[i] = f16_to_f32(h);
    else
      std::memcpy(&array.values[i], data + 4 * i, 4);
  }
  return array;
}

inline Array read_npy(const std::filesystem::path& path) {
  return parse_npy(read_text(path));
}

}  // namespace troika::testing
