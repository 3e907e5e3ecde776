#include "engine/text_stream.h"

namespace troika {

bool TextStream::push(std::string_view bytes, bool may_stop, std::string& text) {
  if (stopped_by_) return true;
  for (const char byte : bytes) {
    held_.push_back(byte);
    const std::optional<size_t> found = stop_.push(byte);
    if (!found || !may_stop) continue;
    stopped_by_ = found;
    release(held_.size() - stop_.string(*found).size(), text);
    held_.clear();
    return true;
  }
  release(held_.size() - stop_.held(), text);
  return false;
}

void TextStream::finish(std::string& text) {
  release(held_.size(), text);
  characters_.flush(text);
}

void TextStream::release(size_t bytes, std::string& text) {
  characters_.push(std::string_view(held_).substr(0, bytes), text);
  held_.erase(0, bytes);
}

}  // namespace troika
