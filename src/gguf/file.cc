#include "gguf/file.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "core/printable.h"
#include "gguf/shard.h"

namespace troika::gguf {
namespace {

constexpr int64_t kShardsMax = 65535;  // split.count is a u16

// "-00001-of-00003.gguf", as the names of shards end; `number` counts from 1.
std::string shard_suffix(int64_t number, int64_t count) {
  return fmt::format("-{:05}-of-{:05}.gguf", number, count);
}

Result<int64_t> shard_count(const Metadata& metadata, const std::string& name) {
  TROIKA_TRY(const int64_t count, metadata.integer_or("split.count", 1));
  if (count < 0 || count > kShardsMax)
    return fail(ErrorCode::corrupt, "{}: split.count is {}, want 1 to {}", name, count, kShardsMax);
  return std::max<int64_t>(count, 1);
}

// Shard `index` must say of itself that it is the one of its name.
Status check_place(const Metadata& metadata, const std::string& name, int64_t index,
                   int64_t count) {
  TROIKA_TRY(const int64_t said_index, metadata.integer("split.no"));
  TROIKA_TRY(const int64_t said_count, metadata.integer("split.count"));
  if (said_index != index || said_count != count)
    return fail(index == 0 ? ErrorCode::invalid_argument : ErrorCode::corrupt,
                "{}: is shard {} of {} (split.no counts from 0), want {} of {}{}", name, said_index,
                said_count, index, count, index == 0 ? ": open the first shard" : "");
  return ok();
}

// The file name of the first shard without its suffix.
Result<std::string> shard_prefix(const std::string& name, int64_t count) {
  const std::string suffix = shard_suffix(1, count);
  if (!name.ends_with(suffix))
    return fail(ErrorCode::invalid_argument,
                "{}: the first of {} shards, want a file name that ends in \"{}\"", name, count,
                suffix);
  return name.substr(0, name.size() - suffix.size());
}

Status check_tensor_count(const Metadata& metadata, const std::string& name, size_t tensors) {
  if (!metadata.has("split.tensors.count")) return ok();
  TROIKA_TRY(const int64_t said, metadata.integer("split.tensors.count"));
  if (said != static_cast<int64_t>(tensors))
    return fail(ErrorCode::corrupt, "{}: split.tensors.count is {}, but the shards hold {} tensors",
                name, said, tensors);
  return ok();
}

}  // namespace

int64_t TensorInfo::elements() const {
  int64_t product = 1;
  for (const int64_t extent : shape) product *= extent;
  return product;
}

Result<File> File::parse(std::span<const std::byte> bytes, std::string name) {
  TROIKA_TRY(Shard shard, parse_shard(bytes, name));
  TROIKA_TRY(const int64_t count, shard_count(shard.metadata, name));
  if (count > 1)
    return fail(ErrorCode::invalid_argument, "{}: one of {} shards, want a whole model", name,
                count);
  File file;
  file.name_ = std::move(name);
  file.bytes_ = static_cast<int64_t>(bytes.size());
  file.metadata_ = std::move(shard.metadata);
  file.tensors_ = std::move(shard.tensors);
  TROIKA_RETURN_IF_ERROR(file.index_tensors());
  return file;
}

Result<File> File::open(const std::filesystem::path& path) {
  File file;
  file.name_ = path.string();
  std::string prefix;
  int64_t count = 1;
  for (int64_t i = 0; i < count; i++) {
    const std::string name = i == 0 ? file.name_ : prefix + shard_suffix(i + 1, count);
    TROIKA_TRY(MappedFile mapped, MappedFile::open(name));
    TROIKA_TRY(Shard shard, parse_shard(mapped.bytes(), name));
    if (i == 0) {
      TROIKA_TRY(count, shard_count(shard.metadata, name));
      if (count > 1) {
        TROIKA_RETURN_IF_ERROR(check_place(shard.metadata, name, 0, count));
        TROIKA_TRY(prefix, shard_prefix(name, count));
      }
      file.metadata_ = std::move(shard.metadata);
    } else {
      TROIKA_RETURN_IF_ERROR(check_place(shard.metadata, name, i, count));
    }
    std::ranges::move(shard.tensors, std::back_inserter(file.tensors_));
    file.bytes_ += mapped.size();
    file.shards_.push_back(std::move(mapped));
  }
  if (count > 1)
    TROIKA_RETURN_IF_ERROR(check_tensor_count(file.metadata_, file.name_, file.tensors_.size()));
  TROIKA_RETURN_IF_ERROR(file.index_tensors());
  return file;
}

Status File::index_tensors() {
  by_name_.resize(tensors_.size());
  std::iota(by_name_.begin(), by_name_.end(), 0u);
  const auto name = [this](uint32_t i) -> const std::string& { return tensors_[i].name; };
  std::ranges::sort(by_name_, {}, name);
  const auto twice = std::ranges::adjacent_find(by_name_, {}, name);
  if (twice != by_name_.end())
    return fail(ErrorCode::corrupt, "{}: tensor \"{}\" occurs twice", name_,
                printable(name(*twice)));
  return ok();
}

const TensorInfo* File::find(std::string_view name) const {
  const auto at = std::ranges::lower_bound(
      by_name_, name, {}, [this](uint32_t i) -> std::string_view { return tensors_[i].name; });
  if (at == by_name_.end() || tensors_[*at].name != name) return nullptr;
  return &tensors_[*at];
}

const MappedFile* File::shard_of(std::span<const std::byte> range) const {
  for (const MappedFile& shard : shards_) {
    const std::byte* begin = shard.bytes().data();
    if (range.data() >= begin && range.data() < begin + shard.size()) return &shard;
  }
  return nullptr;
}

void File::read_ahead(std::span<const std::byte> range) const {
  if (const MappedFile* shard = shard_of(range)) shard->read_ahead(range);
}

void File::touch(std::span<const std::byte> range) const {
  if (const MappedFile* shard = shard_of(range)) shard->touch(range);
}

void File::drop(std::span<const std::byte> range) const {
  if (const MappedFile* shard = shard_of(range)) shard->drop(range);
}

}  // namespace troika::gguf
