// W3C Trace Context: which trace a request belongs to, so that logs and traces of a proxy, a client
// and this server can be laid side by side. Source: www.w3.org/TR/trace-context, level 1.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace troika::serve {

struct TraceContext {
  std::array<uint8_t, 16> trace_id{};  // never all zero
  std::array<uint8_t, 8> span_id{};    // of whoever calls; never all zero
  uint8_t flags = 0;                   // bit 0: sampled

  std::string trace_id_text() const;  // 32 hexadecimal digits
  std::string span_id_text() const;   // 16

  /// "00-<trace id>-<span id>-<flags>": the value of a traceparent header.
  std::string text() const;

  /// The same trace, with a span id of its own: what this server passes on and logs.
  TraceContext child() const;

  bool operator==(const TraceContext&) const = default;
};

/// Reads a traceparent header. Empty: it is none, and a new trace is to be begun, as the standard
/// has it; versions to come are read as far as this one goes.
std::optional<TraceContext> parse_traceparent(std::string_view header);

/// A trace that begins here; not sampled.
TraceContext new_trace();

/// What is passed on of a tracestate header: all of it, or nothing if it is longer than 512 bytes
/// or holds what no header may.
std::string_view passed_tracestate(std::string_view header);

}  // namespace troika::serve
