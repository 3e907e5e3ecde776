// What a step computes: rows of several sequences, side by side. All of it is int32 in device
// buffers, so that a step can read what the step before it wrote. Rows of different sequences meet
// in weights and nowhere else.
#pragma once

#include <cstdint>

namespace troika {

/// The inputs of a step; a graph uses some of them.
enum class Input : uint8_t {
  token_ids,     // [tokens]
  positions,     // [tokens] absolute, from 0
  spans,         // [sequences] Span: the rows of each sequence among the tokens
  output_spans,  // [sequences] Span: the rows of each sequence among the output rows (one or none
                 // each)
  page_table,    // [*] page numbers, the pages of one sequence in a row from Span::page_begin
  output_rows,   // [outputs] rows of the tokens whose result is wanted, ascending
  hidden_in,     // [tokens] unit of the hidden state that a row reads; -1 reads zeros
  hidden_out,    // [tokens] unit of the hidden state that a row writes (draft graph: [outputs])
  row_blocks,    // [MatMulBlocks::blocks] blocks of kBlockRows rows of a weight, ascending
};
inline constexpr int kInputs = 9;

/// Rows of a weight that Input::row_blocks names together.
inline constexpr int64_t kBlockRows = 16;

/// The results of a step.
enum class Output : uint8_t {
  logits,  // [outputs, vocab] f32
  argmax,  // [outputs] int32: the lowest id among the largest logits
};
inline constexpr int kOutputs = 2;

/// The part of one sequence in a step.
struct Span {
  int32_t row_begin = 0;   // its first row
  int32_t rows = 0;        // how many rows; 0 is allowed (a replay alone)
  int32_t position = 0;    // absolute position of its first row; keys before it are valid
  int32_t page_begin = 0;  // its first entry in the page table
  int32_t state_slot = 0;  // its unit in recurrent states
  int32_t replay = 0;   // logged tokens, oldest first, that turned out right: applied to the state
                        // before the first row
  int32_t certain = 0;  // leading rows that cannot be rolled back; the state is written after them,
                        // later rows are logged
  int32_t fresh = 0;    // 1: the state starts as zeros, whatever the slot holds
};
static_assert(sizeof(Span) == 32);

}  // namespace troika
