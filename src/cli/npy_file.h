// Writes a float32 matrix as a .npy file, row by row. Source: NumPy's format description (NEP 1),
// version 1.0.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "core/output_file.h"
#include "core/result.h"

namespace troika::cli {

class NpyFile {
 public:
  /// For an array [rows, columns] at `path`. Errors: those of OutputFile::create().
  static Result<NpyFile> create(const std::string& path, int64_t rows, int64_t columns);

  /// Appends one row of `columns` values.
  Status row(std::span<const float> values) { return file_.write(std::as_bytes(values)); }

  /// Completes the file after the last row.
  Status commit() { return file_.commit(); }

 private:
  explicit NpyFile(OutputFile file) : file_(std::move(file)) {}
  OutputFile file_;
};

}  // namespace troika::cli
