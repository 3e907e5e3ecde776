#include "text/grammar/token_grammar.h"

#include <algorithm>
#include <list>
#include <mutex>
#include <unordered_map>

#include "text/grammar/automaton.h"
#include "text/grammar/state_table.h"

namespace troika {

using grammar::StateContent;
using grammar::StateTable;

struct GrammarState::Place {
  StateContent content;
  int64_t round = 0;  // of the memory in which `state` means something
  int32_t state = StateTable::kNone;
};

/// What is remembered: the table of states, and the masks of some, the latest first.
class TokenGrammar::Memory {
 public:
  Memory(grammar::Automaton automaton, const GrammarVocabulary& vocabulary)
      : automaton_(std::move(automaton)),
        vocabulary_(vocabulary),
        table_(automaton_),
        path_(GrammarVocabulary::kTokenBytesMax + 1),
        nothing_(std::make_shared<const TokenBits>(vocabulary.end_tokens().size())) {
    for (auto id = static_cast<int32_t>(vocabulary.tokens()); id-- > 0;)
      if (vocabulary.same_bytes(id) >= 0) twins_.emplace_back(id, vocabulary.same_bytes(id));
  }

  std::shared_ptr<const GrammarState::Place> start() {
    const std::lock_guard lock(mutex_);
    return place(table_.start());
  }

  std::shared_ptr<const GrammarState::Place> after(const GrammarState::Place& from, TokenId token) {
    const std::lock_guard lock(mutex_);
    const int32_t state = state_of(from);
    if (state == StateTable::kNone || !vocabulary_.has(token) || vocabulary_.ends_text(token))
      return place(StateTable::kNone);
    const std::string_view bytes = vocabulary_.bytes(token);
    if (bytes.size() > GrammarVocabulary::kTokenBytesMax) return place(StateTable::kNone);
    return place(table_.after_token(state, bytes, token));
  }

  std::shared_ptr<const TokenBits> mask(const GrammarState::Place& at) {
    const std::lock_guard lock(mutex_);
    int32_t state = state_of(at);
    if (state == StateTable::kNone) return nothing_;
    if (const auto known = masks_.find(state); known != masks_.end()) {
      latest_.splice(latest_.begin(), latest_, known->second);
      return known->second->bits;
    }
    auto bits = std::make_shared<const TokenBits>(make_mask(state));
    make_room();
    latest_.push_front({state, bits});
    masks_.emplace(state, latest_.begin());
    return bits;
  }

  bool may_end(const GrammarState::Place& at) {
    const std::lock_guard lock(mutex_);
    const int32_t state = state_of(at);
    return state != StateTable::kNone && table_.may_end(state);
  }

  int64_t bytes() const {
    const std::lock_guard lock(mutex_);
    return table_.bytes() + masks_bytes();
  }

 private:
  struct Mask {
    int32_t state;
    std::shared_ptr<const TokenBits> bits;
  };
  static constexpr int64_t kTableBytesMax = kMemoryBytesMax / 2;
  static constexpr int64_t kMasksBytesMax = kMemoryBytesMax / 2;

  std::shared_ptr<const GrammarState::Place> place(int32_t state) {
    auto made = std::make_shared<GrammarState::Place>();
    *made = {table_.content(state), round_, state};
    return made;
  }

  int32_t state_of(const GrammarState::Place& at) {
    if (table_.bytes() > kTableBytesMax) forget({});
    return at.round == round_ ? at.state : table_.add(at.content);
  }

  void forget(std::span<int32_t> kept) {
    table_.forget(kept);
    masks_.clear();
    latest_.clear();
    round_++;
  }

  int64_t masks_bytes() const {
    return std::ssize(latest_) * static_cast<int64_t>(nothing_->size() * sizeof(uint64_t) + 128);
  }

  void make_room() {
    while (!latest_.empty() && masks_bytes() > kMasksBytesMax) {
      masks_.erase(latest_.back().state);
      latest_.pop_back();
    }
  }

  void add_whole_tokens(int32_t state, TokenBits& bits) const {
    const auto add_all = [&bits](const TokenBits& more) {
      for (size_t i = 0; i < bits.size(); i++) bits[i] |= more[i];
    };
    for (const StateTable::Item& item : table_.items(state)) {
      const grammar::Node& node = automaton_.node(item.node);
      if (node.kind == grammar::NodeKind::end) add_all(vocabulary_.end_tokens());
      if (node.kind == grammar::NodeKind::bytes && node.free) add_all(vocabulary_.silent_tokens());
      if (node.kind != grammar::NodeKind::token) continue;
      if (!node.negated) {
        set_bit(bits, node.token);
        continue;
      }
      TokenBits others = vocabulary_.other_tokens();
      const auto id = static_cast<uint32_t>(node.token);
      others[id / 64] &= ~(uint64_t{1} << (id % 64));
      add_all(others);
    }
  }

  /// Walks over the tree of tokens as far as the automaton follows. `state` gets a new number where
  /// the table runs full on the way.
  TokenBits make_mask(int32_t& state) {
    TokenBits bits(nothing_->size());
    const std::span<const GrammarVocabulary::Node> nodes = vocabulary_.nodes();
    int64_t visits = 0;
    int64_t states = table_.states();
    path_[0] = state;
    for (size_t i = 0; i < nodes.size() && visits < kVisitsMax;) {
      const GrammarVocabulary::Node& node = nodes[i];
      const StateTable::Step step = table_.next(path_[node.depth], automaton_.class_of(node.byte));
      visits += step.visits;
      if (step.state == StateTable::kNone) {
        i = static_cast<size_t>(node.end);
        continue;
      }
      path_[node.depth + size_t{1}] = step.state;
      if (node.token >= 0) set_bit(bits, node.token);
      if (table_.states() != states) {
        if (table_.bytes() > kTableBytesMax) forget(std::span(path_).first(node.depth + size_t{2}));
        states = table_.states();
      }
      i++;
    }
    state = path_[0];
    for (const auto& [token, twin] : twins_)
      if (has_bit(bits, TokenId{token})) set_bit(bits, twin);
    add_whole_tokens(state, bits);
    return bits;
  }

  mutable std::mutex mutex_;
  const grammar::Automaton automaton_;
  const GrammarVocabulary& vocabulary_;
  StateTable table_;
  int64_t round_ = 0;
  std::list<Mask> latest_;
  std::unordered_map<int32_t, std::list<Mask>::iterator> masks_;
  std::vector<int32_t> path_;
  std::shared_ptr<const TokenBits> nothing_;
  std::vector<std::pair<int32_t, int32_t>> twins_;  // tokens of equal bytes, the later one first
};

TokenGrammar::TokenGrammar(std::shared_ptr<const GrammarVocabulary> vocabulary,
                           std::unique_ptr<Memory> memory)
    : vocabulary_(std::move(vocabulary)), memory_(std::move(memory)) {}

TokenGrammar::~TokenGrammar() = default;

Result<std::shared_ptr<const TokenGrammar>> TokenGrammar::make(
    const grammar::Grammar& grammar, std::shared_ptr<const GrammarVocabulary> vocabulary) {
  TROIKA_TRY(grammar::Automaton automaton, grammar::Automaton::make(grammar));
  auto memory = std::make_unique<Memory>(std::move(automaton), *vocabulary);
  return std::shared_ptr<const TokenGrammar>(
      new TokenGrammar(std::move(vocabulary), std::move(memory)));
}

int64_t TokenGrammar::memory_bytes() const {
  return memory_->bytes();
}

GrammarState::GrammarState(std::shared_ptr<const TokenGrammar> grammar)
    : grammar_(std::move(grammar)), place_(grammar_->memory_->start()) {}

std::shared_ptr<const TokenBits> GrammarState::allowed() const {
  return grammar_->memory_->mask(*place_);
}

bool GrammarState::accept(TokenId token) {
  const bool ends = grammar_->vocabulary().ends_text(token) && can_end();
  place_ = grammar_->memory_->after(*place_, token);
  return ends || !place_->content.empty();
}

bool GrammarState::can_end() const {
  return grammar_->memory_->may_end(*place_);
}

size_t GrammarState::accepted(std::span<const TokenId> tokens) const {
  GrammarState state = *this;
  size_t count = 0;
  while (count < tokens.size() && state.accept(tokens[count])) count++;
  return count;
}

}  // namespace troika
