#include "device/remote/weight_files.h"

#include <functional>

#include "core/printable.h"

namespace troika::remote {
namespace {

bool holds(std::span<const std::byte> whole, std::span<const std::byte> part) {
  const std::less_equal<const std::byte*> not_behind;  // defined for pointers of any two arrays
  return not_behind(whole.data(), part.data()) &&
         not_behind(part.data() + part.size(), whole.data() + whole.size());
}

}  // namespace

void WeightFiles::add(const gguf::File& file) {
  files_.push_back(&file);
}

Result<FilePlace> WeightFiles::find(std::span<const std::byte> data,
                                    const std::string& name) const {
  for (size_t f = 0; f < files_.size(); f++) {
    // By its name first: a file has thousands of tensors, and a model asks for each of them.
    const gguf::TensorInfo* tensor = files_[f]->find(name);
    if (tensor == nullptr || !holds(tensor->data, data)) continue;
    return FilePlace{static_cast<int64_t>(f), tensor - files_[f]->tensors().data(),
                     data.data() - tensor->data.data(), std::ssize(data)};
  }
  return fail(ErrorCode::invalid_argument,
              "weight {} does not lie in a file that all ranks have open", printable(name));
}

Result<std::span<const std::byte>> WeightFiles::at(const FilePlace& place) const {
  if (place.file < 0 || place.file >= std::ssize(files_))
    return fail(ErrorCode::corrupt, "file {} of {}", place.file, files_.size());
  const auto tensors = file(place).tensors();
  if (place.tensor < 0 || place.tensor >= std::ssize(tensors))
    return fail(ErrorCode::corrupt, "tensor {} of {}", place.tensor, tensors.size());
  const gguf::TensorInfo& tensor = tensors[static_cast<size_t>(place.tensor)];
  if (place.offset < 0 || place.bytes < 0 || place.offset > std::ssize(tensor.data) ||
      place.bytes > std::ssize(tensor.data) - place.offset)
    return fail(ErrorCode::corrupt, "{} bytes at {} of tensor {} of {}", place.bytes, place.offset,
                printable(tensor.name), tensor.data.size());
  return tensor.data.subspan(static_cast<size_t>(place.offset), static_cast<size_t>(place.bytes));
}

}  // namespace troika::remote
