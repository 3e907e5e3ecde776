// KV pages for any lanes: how a token is stored, and how panels are read. The layout is drawn in
// attention.h.
//
// What a product reads are rows: row k of a panel as vectors of float32. enter(k) comes before the
// first of each kRun rows. Whoever passes over stored rows asks ahead(k) for memory to come: the
// panels of a head lie behind each other, and behind the last comes the head's next page, which no
// hardware can guess.
#pragma once

#include "device/cpu/kernels/attention.h"
#include "device/cpu/kernels/bf16.h"

namespace troika::cpu {

inline constexpr int64_t kNoRuns = int64_t{1} << 62;
inline constexpr int64_t kPanelsAhead = 1;          // asked for while a panel is read
inline constexpr int64_t kKvBlock = 32;             // numbers with one scale
inline constexpr int64_t kKeyBlockBytes = 34 * 32;  // q8_0: 32 dims of 32 keys

/// Rows of numbers that are stored one by one, the last columns of a narrow panel as zeros.
template <class V, class Element, bool kNarrow>
struct PlainRows {
  static constexpr int64_t kRun = kNoRuns;
  static constexpr bool kConverts = sizeof(Element) < sizeof(float);
  const Element* rows;
  int64_t width;
  const uint8_t* coming;  // what to ask for at row 0

  void enter(int64_t) {}
  void ahead(int64_t k) const {
    __builtin_prefetch(coming + k * kPanelColumns * int64_t{sizeof(Element)});
    if (sizeof(Element) == 4)
      __builtin_prefetch(coming + k * kPanelColumns * int64_t{sizeof(Element)} + 64);
  }
  V load(int64_t k, int j) const {
    const Element* row = rows + k * (kNarrow ? width : kPanelColumns) + j * V::kCount;
    if (!kNarrow) return V::load(row);
    const int64_t left = width - j * V::kCount;
    return left > 0 ? V::load_first(row, static_cast<int>(left < V::kCount ? left : V::kCount))
                    : V::all(0.0F);
  }
};

/// Rows [first, ...) of a panel that were converted before. Memory is asked for while they are
/// multiplied, which takes longer than converting them did.
template <class V, class Stored>
struct ConvertedRows {
  static constexpr int64_t kRun = kNoRuns;
  const float* rows;
  int64_t first;
  const Stored& stored;

  void enter(int64_t) {}
  void ahead(int64_t k) const { stored.ahead(k); }
  V load(int64_t k, int j) const {
    return V::load(rows + (k - first) * kPanelColumns + j * V::kCount);
  }
};

/// Keys in q8_0: lanes have scales of their own, 32 rows long.
template <class V>
struct BlockKeys {
  static constexpr int64_t kRun = kKvBlock;
  static constexpr bool kConverts = true;
  const uint8_t* panel;
  const uint8_t* coming;
  const int8_t* rows = nullptr;
  V scales[kPanelColumns / V::kCount] = {};

  void enter(int64_t k) {
    const uint8_t* block = panel + k / kKvBlock * kKeyBlockBytes;
    for (int j = 0; j < kPanelColumns / V::kCount; j++)
      scales[j] = V::load(reinterpret_cast<const uint16_t*>(block) + j * V::kCount);
    rows = reinterpret_cast<const int8_t*>(block) + 2 * kPanelColumns;
  }
  void ahead(int64_t k) const { __builtin_prefetch(coming + k * (kPanelColumns + 2)); }
  V load(int64_t k, int j) const {
    return V::load(rows + k % kKvBlock * kPanelColumns + j * V::kCount) * scales[j];
  }
};

/// Values in q8_0: a row has one scale.
template <class V>
struct BlockValues {
  static constexpr int64_t kRun = kNoRuns;
  static constexpr bool kConverts = true;
  const float* scales;
  const int8_t* rows;
  const uint8_t* coming;

  void enter(int64_t) {}
  void ahead(int64_t k) const { __builtin_prefetch(coming + k * (kPanelColumns + 2)); }
  V load(int64_t k, int j) const {
    return V::load(rows + k * kPanelColumns + j * V::kCount) * V::all(scales[k]);
  }
};

/// The memory of one KV head in one page, and in the page after it.
struct HeadPage {
  const uint8_t* head;
  const uint8_t* next;
  int64_t key_dim;
  int64_t value_dim;
};

inline constexpr int64_t kOfKeys = -1;  // stands before all panels of values

/// What will be read a little later than the panel of values `panel` at `at`, `panel_bytes` each.
inline const uint8_t* coming_after(const HeadPage& page, const uint8_t* at, int64_t panel,
                                   int64_t panel_bytes) {
  const int64_t panels = page.value_dim / kPanelColumns;
  const int64_t ahead = kPanelsAhead < panels ? kPanelsAhead : panels;
  return panel + ahead < panels ? at + ahead * panel_bytes
                                : page.next + (panel + ahead - panels) * panel_bytes;
}

/// Panels of the keys and values of a head; use(rows) is called with the rows of one.
template <class V, class Element>
struct PlainPage : HeadPage {
  template <class Use>
  void keys(int64_t panel, Use use) const {
    const uint8_t* at = head + panel * kPanelColumns * key_dim * int64_t{sizeof(Element)};
    use(PlainRows<V, Element, false>{reinterpret_cast<const Element*>(at), kPanelColumns,
                                     coming_after(*this, at, kOfKeys, kPanelBytes)});
  }
  template <class Use>
  void values(int64_t panel, Use use) const {
    const uint8_t* at =
        head + kAttentionBlock * key_dim * int64_t{sizeof(Element)} + panel * kPanelBytes;
    const uint8_t* coming = coming_after(*this, at, panel, kPanelBytes);
    const int64_t left = value_dim - panel * kPanelColumns;
    const auto* rows = reinterpret_cast<const Element*>(at);
    if (left >= kPanelColumns)
      use(PlainRows<V, Element, false>{rows, kPanelColumns, coming});
    else
      use(PlainRows<V, Element, true>{rows, left, coming});
  }

  static constexpr int64_t kPanelBytes = kAttentionBlock * kPanelColumns * int64_t{sizeof(Element)};
};

/// The same in q8_0.
template <class V>
struct BlockPage : HeadPage {
  template <class Use>
  void keys(int64_t panel, Use use) const {
    const uint8_t* at = head + panel * (key_dim / kKvBlock) * kKeyBlockBytes;
    use(BlockKeys<V>{at, coming_after(*this, at, kOfKeys, kPanelBytes)});
  }
  template <class Use>
  void values(int64_t panel, Use use) const {
    const uint8_t* at = head + 2 * (key_dim / kKvBlock) * kKeyBlockBytes + panel * kPanelBytes;
    alignas(64) float scales[kAttentionBlock];
    for (int64_t i = 0; i < kAttentionBlock; i += V::kCount)
      V::load(reinterpret_cast<const uint16_t*>(at) + i).store(scales + i);
    use(BlockValues<V>{scales, reinterpret_cast<const int8_t*>(at) + 2 * kAttentionBlock,
                       coming_after(*this, at, panel, kPanelBytes)});
  }

  static constexpr int64_t kPanelBytes = kAttentionBlock * (2 + kPanelColumns);
};

template <class V, class Element>
inline void store_plain(const KvRow& row) {
  auto* page = reinterpret_cast<Element*>(row.page);
  const int64_t key =
      row.slot / kPanelColumns * kPanelColumns * row.key_dim + row.slot % kPanelColumns;
  for (int64_t head = 0; head < row.kv_heads; head++) {
    for (int64_t i = 0; i < row.key_dim; i += V::kCount) {
      const int64_t left = row.key_dim - i;
      const int n = static_cast<int>(left < V::kCount ? left : V::kCount);
      Element lanes[V::kCount];
      V::load_first(row.k + head * row.key_dim + i, n).store_first(lanes, n);
      for (int j = 0; j < n; j++) page[key + (i + j) * kPanelColumns] = lanes[j];
    }
    page += row.key_dim * kAttentionBlock;
    for (int64_t i = 0; i < row.value_dim; i += V::kCount) {
      const int64_t panel = i / kPanelColumns * kPanelColumns;
      const int64_t left = row.value_dim - panel;
      const int64_t width = left < kPanelColumns ? left : kPanelColumns;
      const int64_t rest = row.value_dim - i;
      const int n = static_cast<int>(rest < V::kCount ? rest : V::kCount);
      V::load_first(row.v + head * row.value_dim + i, n)
          .store_first(page + panel * kAttentionBlock + row.slot * width + (i - panel), n);
    }
    page += row.value_dim * kAttentionBlock;
  }
}

/// 32 numbers as q8_0: the scale as f16, and `q`.
template <class V>
inline uint16_t quantize_block(const float* from, int8_t* q) {
  constexpr int kVectors = kKvBlock / V::kCount;
  const V zero = V::all(0.0F);
  V amax = zero;
  V not_finite = zero;  // zeros, or not a number
  for (int j = 0; j < kVectors; j++) {
    const V x = V::load(from + j * V::kCount);
    amax = V::max(amax, V::max(x, zero - x));
    not_finite = not_finite + (x - x);
  }
  const V d = V::all(amax.largest()) / V::all(127.0F) + V::all(not_finite.sum());
  uint16_t stored = 0;
  d.store_first(&stored, 1);
  uint16_t all[V::kCount];
  for (int j = 0; j < V::kCount; j++) all[j] = stored;
  const V scale = V::load(all);
  float lanes[V::kCount];
  scale.store(lanes);
  const V inverse = lanes[0] > 0 ? V::all(1.0F) / scale : zero;
  for (int j = 0; j < kVectors; j++) {
    // The constants come second: what is not a number becomes one.
    const V x = V::load(from + j * V::kCount) * inverse;
    V::round(V::min(V::max(x, V::all(-127.0F)), V::all(127.0F)))
        .store_first(q + j * V::kCount, V::kCount);
  }
  return stored;
}

template <class V>
inline void store_blocks(const KvRow& row) {
  uint8_t* page = row.page;
  const int64_t key_blocks = row.key_dim / kKvBlock;
  const int64_t panel = row.slot / kPanelColumns;
  const int64_t column = row.slot % kPanelColumns;
  int8_t q[kKvBlock];
  for (int64_t head = 0; head < row.kv_heads; head++) {
    for (int64_t b = 0; b < key_blocks; b++) {
      uint8_t* block = page + (panel * key_blocks + b) * kKeyBlockBytes;
      reinterpret_cast<uint16_t*>(block)[column] =
          quantize_block<V>(row.k + head * row.key_dim + b * kKvBlock, q);
      auto* rows = reinterpret_cast<int8_t*>(block) + 2 * kPanelColumns;
      for (int64_t i = 0; i < kKvBlock; i++) rows[i * kPanelColumns + column] = q[i];
    }
    page += 2 * key_blocks * kKeyBlockBytes;
    for (int64_t i = 0; i < row.value_dim; i += kPanelColumns) {
      auto* rows = reinterpret_cast<int8_t*>(page) + 2 * kAttentionBlock;
      reinterpret_cast<uint16_t*>(page)[row.slot] =
          quantize_block<V>(row.v + head * row.value_dim + i, rows + row.slot * kPanelColumns);
      page += kAttentionBlock * (2 + kPanelColumns);
    }
  }
}

template <class V>
inline void store_body(const KvRow& row) noexcept {
  switch (row.type) {
    case KvType::f32:
      return store_plain<V, float>(row);
    case KvType::f16:
      return store_plain<V, uint16_t>(row);
    case KvType::bf16:
      return store_plain<V, Bf16>(row);
    case KvType::q8_0:
      return store_blocks<V>(row);
  }
}

}  // namespace troika::cpu
