// What the leader asks of a follower, call by call of a Device, and what it answers. Buffers,
// weights and programs have numbers, which the leader gives; 0 is none.
//
//   message = kind, fields (fields.h)            then, of a write, the bytes
//   answer  = alive | done, code, text, number   then, of a read, the bytes
//
// Calls that return something, and Wait, are answered; the errors of others come with the next
// answer. Whoever works on a call for long says so from time to time (alive).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "device/remote/fields.h"

namespace troika::remote {

/// A place in a buffer; of none, both are 0.
struct Place {
  int64_t buffer = 0;
  int64_t offset = 0;
};

/// Where the bytes of a weight lie in the files that both sides have open.
struct FilePlace {
  int64_t file = 0;
  int64_t tensor = 0;  // its number there
  int64_t offset = 0;  // of the first byte among the tensor's
  int64_t bytes = 0;
};

struct AskInfo {};    // text: the name; number: memory in bytes
struct AskSupports {  // number: 1 or 0
  Op op;
  DType dtype = DType::f32;
};
struct AskWeightBytes {  // number
  WeightInfo weight;
};
struct Allocate {
  int64_t number = 0;
  int64_t bytes = 0;
};
struct AllocateState {
  int64_t number = 0;
  StateSpec spec;
  StateOptions options;
  int64_t units = 0;
};
struct Import {
  int64_t number = 0;
  WeightInfo whole;
  WeightCut cut;
  FilePlace place;  // of the whole
  bool must_be_finite = false;
};
struct Compile {
  int64_t number = 0;
  Graph graph;
  Sizes sizes;
  std::vector<int64_t> weights;
  std::vector<StateInfo> state_infos;
  std::vector<int64_t> states;
  StateOptions state_options;
  int64_t member = 0;
};
struct Run {  // not answered
  int64_t program = 0;
  int64_t tokens = 0;
  int64_t outputs = 0;
  int64_t sequences = 0;
  int64_t output_sequences = 0;
  std::array<Place, kInputs> inputs;
  std::array<Place, kOutputs> results;
};
struct Write {  // not answered
  Place to;
};
struct Read {
  Place from;
  int64_t bytes = 0;
};
struct Copy {  // not answered
  Place from;
  Place to;
  int64_t bytes = 0;
};
struct Fill {  // not answered
  Place to;
  uint8_t value = 0;
  int64_t bytes = 0;
};
struct Wait {};
struct Drop {  // not answered
  int64_t number = 0;
};
struct End {};  // not answered: there is nobody any more

using Message = std::variant<AskInfo, AskSupports, AskWeightBytes, Allocate, AllocateState, Import,
                             Compile, Run, Write, Read, Copy, Fill, Wait, Drop, End>;

enum class AnswerKind : uint8_t { alive, done };
template <>
inline int64_t enumerators<AnswerKind>() {
  return up_to(AnswerKind::done);
}

struct Answer {
  AnswerKind kind = AnswerKind::done;
  bool ok = true;
  ErrorCode code = ErrorCode::internal;  // if not ok
  std::string text;                      // the error's, if not ok
  int64_t number = 0;
};

// clang-format off
template <class A> void encode(A& at, Place& o) { auto& [a, b] = o; at(a, b); }
template <class A> void encode(A& at, FilePlace& o) { auto& [a, b, c, d] = o; at(a, b, c, d); }
template <class A> void encode(A&, AskInfo&) {}
template <class A> void encode(A& at, AskSupports& o) { auto& [a, b] = o; at(a, b); }
template <class A> void encode(A& at, AskWeightBytes& o) { auto& [a] = o; at(a); }
template <class A> void encode(A& at, Allocate& o) { auto& [a, b] = o; at(a, b); }
template <class A> void encode(A& at, AllocateState& o) { auto& [a, b, c, d] = o; at(a, b, c, d); }
template <class A> void encode(A& at, Import& o) { auto& [a, b, c, d, e] = o; at(a, b, c, d, e); }
template <class A> void encode(A& at, Compile& o) {
  auto& [a, b, c, d, e, f, g, h] = o;
  at(a, b, c, d, e, f, g, h);
}
template <class A> void encode(A& at, Run& o) {
  auto& [a, b, c, d, e, inputs, results] = o;
  at(a, b, c, d, e);
  for (Place& place : inputs) at(place);
  for (Place& place : results) at(place);
}
template <class A> void encode(A& at, Write& o) { auto& [a] = o; at(a); }
template <class A> void encode(A& at, Read& o) { auto& [a, b] = o; at(a, b); }
template <class A> void encode(A& at, Copy& o) { auto& [a, b, c] = o; at(a, b, c); }
template <class A> void encode(A& at, Fill& o) { auto& [a, b, c] = o; at(a, b, c); }
template <class A> void encode(A&, Wait&) {}
template <class A> void encode(A& at, Drop& o) { auto& [a] = o; at(a); }
template <class A> void encode(A&, End&) {}
template <class A> void encode(A& at, Answer& o) { auto& [a, b, c, d, e] = o; at(a, b, c, d, e); }
// clang-format on

/// A message or an answer, and the bytes behind it, which point into what was decoded.
template <typename T>
struct Decoded {
  T value;
  std::span<const std::byte> body;
};

std::vector<std::byte> encoded(const Message& message);
std::vector<std::byte> encoded(const Answer& answer);

/// Errors: corrupt — truncated, or with values out of their ranges.
Result<Decoded<Message>> decode_message(std::span<const std::byte> bytes);
Result<Decoded<Answer>> decode_answer(std::span<const std::byte> bytes);

}  // namespace troika::remote
