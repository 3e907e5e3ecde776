// A model as data: what it is, which weights and states it needs, and its graphs. Made from a file
// by its family (families/<name>.cc); no device and no thread is known here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "graph/state.h"
#include "graph/weight.h"

namespace troika {

/// What others may ask about a model without knowing its family.
struct ModelInfo {
  std::string architecture;  // as in the file: "qwen35"
  int64_t layers = 0;        // of the trunk
  int64_t hidden = 0;
  int64_t vocab = 0;           // rows of the embedding; the tokenizer may know fewer
  int64_t context_length = 0;  // tokens it was trained for
  int64_t experts = 0;         // of a feed-forward; 0: it has none
  int64_t experts_used = 0;    // for a token
  bool recurrent = false;      // some layers keep a state that cannot be cut back by length
  bool hidden_rows = false;    // Model::hidden is there
  bool draft_head = false;     // Model::draft is there
  int64_t draft_blocks = 0;    // blocks of kBlockRows rows that its logits are of; 0: all rows
};

/// A model made from one file. Views into the file: it must stay open as long as the weights are
/// not imported.
struct Model {
  ModelInfo info;
  std::vector<WeightInfo> weights;  // by Weight::id
  std::vector<StateInfo> states;    // by State::id
  State hidden;                     // the rows that link trunk and head; only with info.hidden_rows

  /// token_ids, positions, spans, page_table, output_rows (and hidden_out with info.hidden_rows) →
  /// logits, argmax. With it every row's hidden state, after the final norm, is stored where
  /// hidden_out says.
  Graph trunk;

  /// The multi-token-prediction head. Row t holds token x_p at position p and reads (hidden_in) the
  /// hidden state of position p - 1. Keys and values are stored for all rows; output rows (at most
  /// one a sequence, its last; their place in output_spans) go on to logits (of the rows that
  /// row_blocks names, if ModelInfo::draft_blocks) and argmax (an id) for position
  /// p + 1 and store the head's own hidden state where hidden_out says, so that the next draft can
  /// read it.
  std::optional<Graph> draft;
};

inline constexpr int64_t kDraftRowsAuto = -1;

/// What of a file to make.
struct ModelOptions {
  bool draft_head = true;    // the file's draft head too, where it has one
  bool hidden_rows = false;  // keep hidden rows even where no draft head wants them

  /// Rows of the vocabulary that the draft head computes logits of, to be named by each step
  /// (Input::row_blocks), rounded up to whole blocks; 0, or as many as there are: all of them.
  /// kDraftRowsAuto: a quarter of a large vocabulary.
  int64_t draft_rows = 0;
};

}  // namespace troika
