#include "gguf/metadata.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <utility>

#include "core/printable.h"

namespace troika::gguf {
namespace {

constexpr int64_t kLayersMax = 65536;
constexpr std::string_view kInteger = "an integer of at most 63 bits";
constexpr std::string_view kIntegers = "an array of integers of at most 63 bits";
constexpr std::string_view kReal = "a finite number";
constexpr std::string_view kReals = "an array of numbers";

// All elements of `value` by `get`, or nothing if one of them is of another kind.
template <typename T, typename Get>
std::optional<std::vector<T>> collect(const Value& value, Get get) {
  std::vector<T> out;
  out.reserve(static_cast<size_t>(value.count));
  for (int64_t i = 0; i < value.count; i++) {
    const std::optional<T> element = get(i);
    if (!element) return std::nullopt;
    out.push_back(*element);
  }
  return out;
}

}  // namespace

// Sorted rather than hashed: a hostile file cannot make keys collide, and order costs n log n at
// worst.
Result<Metadata> Metadata::make(std::vector<Value> values, std::string name) {
  Metadata made;
  made.values_ = std::move(values);
  made.name_ = std::move(name);
  made.by_key_.resize(made.values_.size());
  std::iota(made.by_key_.begin(), made.by_key_.end(), 0u);
  const auto key = [&made](uint32_t i) { return made.values_[i].key; };
  std::ranges::sort(made.by_key_, {}, key);
  const auto twice = std::ranges::adjacent_find(made.by_key_, {}, key);
  if (twice != made.by_key_.end())
    return fail(ErrorCode::corrupt, "{}: key \"{}\" occurs twice", made.name_,
                printable(key(*twice)));
  return made;
}

const Value* Metadata::find(std::string_view key) const {
  const auto at =
      std::ranges::lower_bound(by_key_, key, {}, [this](uint32_t i) { return values_[i].key; });
  if (at == by_key_.end() || values_[*at].key != key) return nullptr;
  return &values_[*at];
}

Result<const Value*> Metadata::want(std::string_view key, Form form,
                                    std::string_view wanted) const {
  const Value* value = find(key);
  if (value == nullptr)
    return fail(ErrorCode::not_found, "{}: key \"{}\" is missing, want {}", name_, printable(key),
                wanted);
  if (value->is_array != (form == Form::array)) return mismatch(*value, wanted);
  return value;
}

Error Metadata::mismatch(const Value& value, std::string_view wanted) const {
  return fail(ErrorCode::corrupt, "{}: key \"{}\" is {} {}, want {}", name_, printable(value.key),
              value.type_text(), value_text(value, 3), wanted);
}

Result<int64_t> Metadata::integer(std::string_view key) const {
  TROIKA_TRY(const Value* value, want(key, Form::scalar, kInteger));
  const std::optional<int64_t> got = value->integer_at(0);
  if (!got) return mismatch(*value, kInteger);
  return *got;
}

Result<double> Metadata::real(std::string_view key) const {
  TROIKA_TRY(const Value* value, want(key, Form::scalar, kReal));
  const std::optional<double> got = value->real_at(0);
  if (!got || !std::isfinite(*got)) return mismatch(*value, kReal);
  return *got;
}

Result<bool> Metadata::boolean(std::string_view key) const {
  TROIKA_TRY(const Value* value, want(key, Form::scalar, "a boolean"));
  const std::optional<bool> got = value->boolean_at(0);
  if (!got) return mismatch(*value, "a boolean");
  return *got;
}

Result<std::string_view> Metadata::string(std::string_view key) const {
  TROIKA_TRY(const Value* value, want(key, Form::scalar, "a string"));
  if (value->type != ValueType::string) return mismatch(*value, "a string");
  return value->strings().front();
}

Result<int64_t> Metadata::integer_or(std::string_view key, int64_t fallback) const {
  return has(key) ? integer(key) : fallback;
}

Result<double> Metadata::real_or(std::string_view key, double fallback) const {
  return has(key) ? real(key) : fallback;
}

Result<bool> Metadata::boolean_or(std::string_view key, bool fallback) const {
  return has(key) ? boolean(key) : fallback;
}

Result<std::string_view> Metadata::string_or(std::string_view key,
                                             std::string_view fallback) const {
  return has(key) ? string(key) : fallback;
}

Result<std::vector<int64_t>> Metadata::integers(std::string_view key) const {
  TROIKA_TRY(const Value* value, want(key, Form::array, kIntegers));
  auto got = collect<int64_t>(*value, [&](int64_t i) { return value->integer_at(i); });
  if (!got) return mismatch(*value, kIntegers);
  return *std::move(got);
}

Result<std::vector<double>> Metadata::reals(std::string_view key) const {
  TROIKA_TRY(const Value* value, want(key, Form::array, kReals));
  auto got = collect<double>(*value, [&](int64_t i) { return value->real_at(i); });
  if (!got) return mismatch(*value, kReals);
  return *std::move(got);
}

Result<std::vector<bool>> Metadata::booleans(std::string_view key) const {
  TROIKA_TRY(const Value* value, want(key, Form::array, "an array of booleans"));
  auto got = collect<bool>(*value, [&](int64_t i) { return value->boolean_at(i); });
  if (!got) return mismatch(*value, "an array of booleans");
  return *std::move(got);
}

Result<std::vector<std::string_view>> Metadata::strings(std::string_view key) const {
  TROIKA_TRY(const Value* value, want(key, Form::array, "an array of strings"));
  if (value->type != ValueType::string) return mismatch(*value, "an array of strings");
  return value->strings();
}

Result<std::vector<int64_t>> Metadata::integer_per_layer(std::string_view key,
                                                         int64_t layers) const {
  if (layers < 0 || layers > kLayersMax)
    return fail(ErrorCode::corrupt, "{}: {} layers, want 0 to {}", name_, layers, kLayersMax);
  const Value* value = find(key);
  if (value == nullptr || !value->is_array) {
    TROIKA_TRY(const int64_t same, integer(key));
    return std::vector<int64_t>(static_cast<size_t>(layers), same);
  }
  if (value->count != layers)
    return mismatch(*value, fmt::format("an integer or an array of {} integers", layers));
  return integers(key);
}

}  // namespace troika::gguf
