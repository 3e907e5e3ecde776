#include "engine/spill.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "engine/sequence_units.h"

namespace troika {
namespace {

constexpr double kByteMs = 1.0 / 2e6;  // 2 GB/s, until some were copied
constexpr double kShare = 0.2;         // of a new time in the mean

/// The bytes of a text one after the other, in blocks.
template <typename BlockOf>
class Stream {
 public:
  Stream(std::span<const int32_t> blocks, BlockOf block_of)
      : blocks_(blocks), block_of_(block_of) {}

  /// Calls `copy` with piece after piece of the coming `count` bytes and where each begins.
  template <typename Copy>
  void next(size_t count, Copy copy) {
    for (size_t done = 0; done < count;) {
      const std::span<std::byte> block = block_of_(blocks_.front()).subspan(offset_);
      const size_t piece = std::min(block.size(), count - done);
      copy(block.first(piece), done);
      done += piece;
      offset_ += piece;
      if (piece < block.size()) continue;
      blocks_ = blocks_.subspan(1);
      offset_ = 0;
    }
  }

 private:
  std::span<const int32_t> blocks_;
  BlockOf block_of_;
  size_t offset_ = 0;
};

}  // namespace

SpilledText::SpilledText(SpilledText&& other) noexcept
    : spill_(std::exchange(other.spill_, nullptr)),
      blocks_(std::move(other.blocks_)),
      computed_(other.computed_),
      head_computed_(other.head_computed_),
      replay_(other.replay_) {
  other.blocks_.clear();
}

SpilledText& SpilledText::operator=(SpilledText&& other) noexcept {
  std::swap(spill_, other.spill_);
  std::swap(blocks_, other.blocks_);
  std::swap(computed_, other.computed_);
  std::swap(head_computed_, other.head_computed_);
  std::swap(replay_, other.replay_);
  return *this;
}

SpilledText::~SpilledText() {
  if (spill_ != nullptr) spill_->free_.insert(spill_->free_.end(), blocks_.begin(), blocks_.end());
}

Spill::Spill(Forward& forward, AlignedBytes memory)
    : forward_(forward), memory_(std::move(memory)), byte_ms_(kByteMs) {
  for (int64_t i = memory_.size() / kBlockBytes; i-- > 0;) free_.push_back(static_cast<int32_t>(i));
}

Result<std::unique_ptr<Spill>> Spill::make(Forward& forward, int64_t bytes) {
  TROIKA_TRY(AlignedBytes memory, AlignedBytes::allocate(bytes_held(bytes)));
  return std::unique_ptr<Spill>(new Spill(forward, std::move(memory)));
}

int64_t Spill::bytes_of(const Sequence& s, int64_t tokens) const {
  int64_t bytes = 0;
  // Nothing can fail here: sizes are added.
  (void)for_each_unit(forward_, s, tokens, [&](size_t state, int64_t) {
    bytes += forward_.unit_bytes(state);
    return ok();
  }).ok();
  return bytes;
}

Result<std::optional<SpilledText>> Spill::save(const Sequence& s,
                                               const std::function<double()>& clock_ms) {
  SpilledText text(*this, s);
  const int64_t bytes = bytes_of(s, text.tokens());
  const int64_t blocks = (bytes + kBlockBytes - 1) / kBlockBytes;
  if (blocks > std::ssize(free_)) return std::optional<SpilledText>();
  const double start_ms = clock_ms();
  text.blocks_.assign(free_.end() - blocks, free_.end());
  free_.resize(free_.size() - static_cast<size_t>(blocks));
  Stream stream(text.blocks_, [this](int32_t number) { return block(number); });
  const auto save_unit = [&](size_t state, int64_t unit) -> Status {
    unit_.resize(static_cast<size_t>(forward_.unit_bytes(state)));
    TROIKA_RETURN_IF_ERROR(forward_.read_unit(state, unit, unit_));
    stream.next(unit_.size(), [&](std::span<std::byte> piece, size_t begin) {
      std::copy_n(unit_.begin() + static_cast<std::ptrdiff_t>(begin), piece.size(), piece.begin());
    });
    return ok();
  };
  TROIKA_RETURN_IF_ERROR(for_each_unit(forward_, s, text.tokens(), save_unit));
  learn(bytes, clock_ms() - start_ms);
  saved_++;
  return std::optional<SpilledText>(std::move(text));
}

Status Spill::restore(const SpilledText& text, Sequence& s,
                      const std::function<double()>& clock_ms) {
  s.computed = text.computed_;
  s.head_computed = text.head_computed_;
  s.replay = text.replay_;
  const double start_ms = clock_ms();
  Stream stream(text.blocks_, [this](int32_t number) { return block(number); });
  TROIKA_RETURN_IF_ERROR(
      for_each_unit(forward_, s, text.tokens(), [&](size_t state, int64_t unit) -> Status {
        unit_.resize(static_cast<size_t>(forward_.unit_bytes(state)));
        stream.next(unit_.size(), [&](std::span<std::byte> piece, size_t begin) {
          std::ranges::copy(piece, unit_.begin() + static_cast<std::ptrdiff_t>(begin));
        });
        return forward_.write_unit(state, unit, unit_);
      }));
  learn(bytes_of(s, text.tokens()), clock_ms() - start_ms);
  return ok();
}

void Spill::learn(int64_t bytes, double ms) {
  if (bytes > 0 && ms > 0) byte_ms_ += kShare * (ms / static_cast<double>(bytes) - byte_ms_);
}

PreemptionCosts Spill::costs(double row_ms) const {
  int64_t page_bytes = 0, fixed_bytes = 0;
  for (size_t i = 0; i < forward_.states().size(); i++) {
    const bool pages = std::holds_alternative<KvState>(forward_.states()[i].spec);
    (pages ? page_bytes : fixed_bytes) += forward_.unit_bytes(i);
  }
  const double byte_rows = 2 * byte_ms_ / row_ms;  // there and back
  return {.spill_page = byte_rows * static_cast<double>(page_bytes),
          .spill_fixed = byte_rows * static_cast<double>(fixed_bytes),
          .can_spill = true};
}

}  // namespace troika
