#include "model/keys.h"

namespace troika {

Keys::Keys(const gguf::File& file, std::string_view architecture)
    : file_(file), architecture_(architecture) {}

std::string Keys::full(std::string_view key) const {
  return fmt::format("{}.{}", architecture_, key);
}

bool Keys::has(std::string_view key) const {
  return file_.metadata().has(full(key));
}

Result<int64_t> Keys::in_range(std::string_view key, int64_t value, int64_t min,
                               int64_t max) const {
  if (value < min || value > max)
    return fail(ErrorCode::corrupt, "{}: {} is {}, wanted {} to {}", file_.name(), full(key), value,
                min, max);
  return value;
}

Result<int64_t> Keys::count(std::string_view key, int64_t max) const {
  TROIKA_TRY(const int64_t value, file_.metadata().integer(full(key)));
  return in_range(key, value, 1, max);
}

Result<int64_t> Keys::count_or(std::string_view key, int64_t fallback, int64_t max) const {
  TROIKA_TRY(const int64_t value, file_.metadata().integer_or(full(key), fallback));
  return in_range(key, value, 1, max);
}

Result<int64_t> Keys::count_or_zero(std::string_view key, int64_t max) const {
  TROIKA_TRY(const int64_t value, file_.metadata().integer_or(full(key), 0));
  return in_range(key, value, 0, max);
}

Result<int64_t> Keys::uniform_count(std::string_view key, int64_t layers) const {
  TROIKA_TRY(const std::vector<int64_t> values,
             file_.metadata().integer_per_layer(full(key), layers));
  for (const int64_t value : values)
    if (value != values[0])
      return fail(ErrorCode::unsupported,
                  "{}: {} differs from layer to layer ({} and {}), wanted one value", file_.name(),
                  full(key), values[0], value);
  return in_range(key, values[0], 1, kCountMax);
}

Result<double> Keys::number_or(std::string_view key, double fallback) const {
  return file_.metadata().real_or(full(key), fallback);
}

Result<double> Keys::positive(std::string_view key) const {
  TROIKA_TRY(const double value, file_.metadata().real(full(key)));
  if (!(value > 0))
    return fail(ErrorCode::corrupt, "{}: {} is {}, wanted a number above 0", file_.name(),
                full(key), value);
  return value;
}

Result<double> Keys::positive_or(std::string_view key, double fallback) const {
  if (!has(key)) return fallback;
  return positive(key);
}

Result<std::string> Keys::text_or(std::string_view key, std::string_view fallback) const {
  TROIKA_TRY(const std::string_view value, file_.metadata().string_or(full(key), fallback));
  return std::string(value);
}

Result<std::vector<bool>> Keys::flags(std::string_view key, int64_t count) const {
  std::vector<bool> flags;
  if (Result<std::vector<bool>> booleans = file_.metadata().booleans(full(key)); booleans.ok()) {
    flags = std::move(*booleans);
  } else {
    TROIKA_TRY(const std::vector<int64_t> integers, file_.metadata().integers(full(key)));
    for (const int64_t value : integers) flags.push_back(value != 0);
  }
  if (std::ssize(flags) != count)
    return fail(ErrorCode::corrupt, "{}: {} has {} entries, wanted {}", file_.name(), full(key),
                flags.size(), count);
  return flags;
}

}  // namespace troika
