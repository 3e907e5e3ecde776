// Where an automaton may be after some bytes, by number: sets of (node, stack) that were met so
// far, and where a byte leads from each, found when first asked for. What is not asked for costs
// nothing; what was found may be forgotten at any time and is found again.
//
// What is in a set, and in which order, is a function of the bytes alone, not of what was asked
// before: so is what the limits below cut off.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "text/grammar/automaton.h"

namespace troika::grammar {

/// A set of (node, stack) in a form that needs no table: for each, the node, the number of stack
/// entries, and these from the top down. Empty: no text goes on from here.
using StateContent = std::vector<int32_t>;

/// Thread: one at a time. Borrows the automaton.
class StateTable {
 public:
  explicit StateTable(const Automaton& automaton);

  static constexpr int32_t kNone = -1;         // no text goes on from here
  static constexpr size_t kItemsMax = 2048;    // of a set; ways beyond are not followed
  static constexpr int32_t kVisitsMax = 8192;  // nodes, for one byte; ways beyond are not followed

  /// One way that is open: at a node that reads something, or at the end of the text.
  struct Item {
    NodeId node = 0;
    int32_t stack = 0;
    bool operator==(const Item&) const = default;
  };
  struct Step {
    int32_t state = kUnknown;
    int32_t visits = 0;  // nodes looked at to find it
  };

  int32_t start();
  int32_t add(const StateContent& content);
  StateContent content(int32_t state) const;

  /// Where a byte of the class leads.
  Step next(int32_t state, uint8_t byte_class) {
    const Step& known = steps_[static_cast<size_t>(state) * classes_ + byte_class];
    return known.state != kUnknown ? known : find_next(state, byte_class);
  }

  /// Where `bytes` lead, then the token as a whole: what it may be read as, both at once.
  int32_t after_token(int32_t state, std::string_view bytes, TokenId token);

  /// The ways open in a state.
  std::span<const Item> items(int32_t state) const {
    const Span& span = states_[static_cast<size_t>(state)];
    return std::span(items_).subspan(span.first, span.count);
  }
  bool may_end(int32_t state) const;

  int64_t states() const { return std::ssize(states_); }
  /// What all this takes.
  int64_t bytes() const;
  /// Forgets all states but `kept`, which get new numbers.
  void forget(std::span<int32_t> kept);

 private:
  static constexpr int32_t kUnknown = -2;
  struct Span {
    size_t first = 0, count = 0;
  };
  struct StackEntry {
    int32_t below = 0;
    NodeId node = 0;
    int32_t depth = 0;
  };
  /// Which ways were looked at while one set is made.
  class Visited {
   public:
    void clear();
    bool add(Item item);

   private:
    struct Place {
      Item item;
      uint32_t round = 0;
    };
    std::vector<Place> places_ = std::vector<Place>(64);
    size_t count_ = 0;
    uint32_t round_ = 1;
  };

  Step find_next(int32_t state, uint8_t byte_class);
  void begin();
  void follow(Item from);
  void look_at(Item item);
  int32_t push(int32_t stack, NodeId node);
  int32_t intern();

  const Automaton& automaton_;
  size_t classes_;
  std::vector<StackEntry> stacks_;  // entry 0: the empty stack
  std::unordered_map<uint64_t, int32_t> stack_of_;
  std::vector<Item> items_;
  std::vector<Span> states_;
  std::vector<Step> steps_;                              // [states][classes]
  std::unordered_multimap<uint64_t, int32_t> state_of_;  // by hash

  // Of the set that is being made.
  std::vector<Item> found_;
  std::vector<Item> open_;
  Visited visited_;
  int32_t visits_ = 0;
};

}  // namespace troika::grammar
