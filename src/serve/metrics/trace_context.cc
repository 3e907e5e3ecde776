#include "serve/metrics/trace_context.h"

#include <fmt/format.h>
#include <openssl/rand.h>

#include <algorithm>
#include <random>
#include <span>

namespace troika::serve {
namespace {

std::string hex(std::span<const uint8_t> bytes) {
  std::string text;
  for (const uint8_t byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

/// Lower case only, as the standard asks.
int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool read_hex(std::string_view text, std::span<uint8_t> bytes) {
  for (size_t i = 0; i < bytes.size(); i++) {
    const int high = digit(text[2 * i]);
    const int low = digit(text[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    bytes[i] = static_cast<uint8_t>(high * 16 + low);
  }
  return true;
}

bool is_zero(std::span<const uint8_t> bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](uint8_t byte) { return byte == 0; });
}

void fill_random(std::span<uint8_t> bytes) {
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) {
    std::random_device device;  // ids are no secrets: any number that is new will do
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(device());
  }
  if (is_zero(bytes)) bytes[0] = 1;
}

}  // namespace

std::string TraceContext::trace_id_text() const {
  return hex(trace_id);
}

std::string TraceContext::span_id_text() const {
  return hex(span_id);
}

std::string TraceContext::text() const {
  return fmt::format("00-{}-{}-{:02x}", trace_id_text(), span_id_text(), flags);
}

TraceContext TraceContext::child() const {
  TraceContext own = *this;
  fill_random(own.span_id);
  return own;
}

std::optional<TraceContext> parse_traceparent(std::string_view header) {
  constexpr size_t kBytes = 55;  // 2 + 1 + 32 + 1 + 16 + 1 + 2
  if (header.size() < kBytes || header[2] != '-' || header[35] != '-' || header[52] != '-')
    return std::nullopt;
  TraceContext context;
  uint8_t version = 0;
  const bool sound = read_hex(header.substr(0, 2), {&version, 1}) &&
                     read_hex(header.substr(3, 32), context.trace_id) &&
                     read_hex(header.substr(36, 16), context.span_id) &&
                     read_hex(header.substr(53, 2), {&context.flags, 1});
  if (!sound || version == 0xff) return std::nullopt;
  if (header.size() > kBytes && (version == 0 || header[kBytes] != '-')) return std::nullopt;
  if (is_zero(context.trace_id) || is_zero(context.span_id)) return std::nullopt;
  context.flags &= 1;  // the others mean nothing yet and must not be passed on
  return context;
}

TraceContext new_trace() {
  TraceContext context;
  fill_random(context.trace_id);
  fill_random(context.span_id);
  return context;
}

std::string_view passed_tracestate(std::string_view header) {
  const auto printable = [](char c) { return c >= 0x20 && c < 0x7f; };
  const bool sound = header.size() <= 512 && std::all_of(header.begin(), header.end(), printable);
  return sound ? header : std::string_view();
}

}  // namespace troika::serve
