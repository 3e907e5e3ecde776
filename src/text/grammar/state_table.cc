#include "text/grammar/state_table.h"

#include <algorithm>
#include <string_view>

namespace troika::grammar {
namespace {

uint64_t mix(uint64_t hash, uint64_t value) {
  hash = (hash ^ value) * 0x9e3779b97f4a7c15;
  return hash ^ (hash >> 29);
}

uint64_t key_of(uint32_t a, uint32_t b) {
  return uint64_t{a} << 32 | b;
}

}  // namespace

void StateTable::Visited::clear() {
  count_ = 0;
  if (++round_ != 0) return;
  std::ranges::fill(places_, Place{});
  round_ = 1;
}

bool StateTable::Visited::add(Item item) {
  if (2 * (count_ + 1) > places_.size()) {
    std::vector<Place> old(2 * places_.size());
    old.swap(places_);
    count_ = 0;
    for (const Place& place : old)
      if (place.round == round_) (void)add(place.item);
  }
  const uint64_t key = key_of(static_cast<uint32_t>(item.node), static_cast<uint32_t>(item.stack));
  size_t at = mix(0, key) & (places_.size() - 1);
  while (places_[at].round == round_) {
    if (places_[at].item == item) return false;
    at = (at + 1) & (places_.size() - 1);
  }
  places_[at] = {item, round_};
  count_++;
  return true;
}

StateTable::StateTable(const Automaton& automaton)
    : automaton_(automaton), classes_(static_cast<size_t>(automaton.classes())) {
  stacks_.emplace_back();
}

int32_t StateTable::push(int32_t stack, NodeId node) {
  const uint64_t key = key_of(static_cast<uint32_t>(stack), static_cast<uint32_t>(node));
  const auto [place, added] = stack_of_.try_emplace(key, static_cast<int32_t>(stacks_.size()));
  if (added) stacks_.push_back({stack, node, stacks_[static_cast<size_t>(stack)].depth + 1});
  return place->second;
}

void StateTable::begin() {
  found_.clear();
  visited_.clear();
  visits_ = 0;
}

/// Adds to the set all that can be reached from `from` without reading anything.
void StateTable::follow(Item from) {
  open_.push_back(from);
  while (!open_.empty()) {
    const Item item = open_.back();
    open_.pop_back();
    if (visits_ >= kVisitsMax || found_.size() >= kItemsMax) continue;
    visits_++;
    // A way that would need too large a stack is never begun, so none ends without a way on.
    const Node& node = automaton_.node(item.node);
    if (stacks_[static_cast<size_t>(item.stack)].depth + node.need <= kStackMax &&
        node.need != kNeverEnds && visited_.add(item))
      look_at(item);
  }
}

void StateTable::look_at(Item item) {
  const Node& node = automaton_.node(item.node);
  switch (node.kind) {
    case NodeKind::end:
      if (item.stack == 0) return found_.push_back(item);
      return open_.push_back({stacks_[static_cast<size_t>(item.stack)].node,
                              stacks_[static_cast<size_t>(item.stack)].below});
    case NodeKind::split:
      open_.push_back({node.other, item.stack});
      return open_.push_back({node.to, item.stack});
    case NodeKind::call:
      // What follows the last rule of a rule is what follows that rule: nothing to come back to.
      return open_.push_back({automaton_.rule_start(node.rule),
                              node.to == kEnd ? item.stack : push(item.stack, node.to)});
    case NodeKind::bytes:
    case NodeKind::token:
      found_.push_back(item);
  }
}

/// The number of the set that was made.
int32_t StateTable::intern() {
  if (found_.empty()) return kNone;
  uint64_t hash = 0;
  for (const Item& item : found_)
    hash = mix(hash, key_of(static_cast<uint32_t>(item.node), static_cast<uint32_t>(item.stack)));
  const auto [first, last] = state_of_.equal_range(hash);
  for (auto at = first; at != last; ++at)
    if (std::ranges::equal(items(at->second), found_)) return at->second;
  const auto state = static_cast<int32_t>(states_.size());
  states_.push_back({items_.size(), found_.size()});
  items_.insert(items_.end(), found_.begin(), found_.end());
  steps_.resize(steps_.size() + classes_);
  state_of_.emplace(hash, state);
  return state;
}

int32_t StateTable::start() {
  begin();
  follow({automaton_.start(), 0});
  return intern();
}

StateTable::Step StateTable::find_next(int32_t state, uint8_t byte_class) {
  const uint8_t byte = automaton_.byte_of(byte_class);
  begin();
  const size_t count = states_[static_cast<size_t>(state)].count;
  for (size_t i = 0; i < count; i++) {
    const Item item = items(state)[i];
    const Node& node = automaton_.node(item.node);
    if (node.kind != NodeKind::bytes) continue;
    const std::span<const Edge> edges = automaton_.edges(node);
    const auto behind = std::ranges::upper_bound(edges, byte, {}, &Edge::first);
    if (behind != edges.begin() && byte <= behind[-1].last) follow({behind[-1].to, item.stack});
  }
  const Step step{intern(), visits_ + static_cast<int32_t>(count)};
  return steps_[static_cast<size_t>(state) * classes_ + byte_class] = step;
}

int32_t StateTable::after_token(int32_t state, std::string_view bytes, TokenId token) {
  int32_t end = bytes.empty() ? kNone : state;
  for (const char c : bytes) {
    end = next(end, automaton_.class_of(static_cast<uint8_t>(c))).state;
    if (end == kNone) break;
  }
  begin();
  if (end != kNone)
    for (const Item& item : items(end)) follow(item);
  for (size_t i = 0; i < states_[static_cast<size_t>(state)].count; i++) {
    const Item item = items(state)[i];
    const Node& node = automaton_.node(item.node);
    if (node.kind == NodeKind::token && (node.token == static_cast<int32_t>(token)) != node.negated)
      follow({node.to, item.stack});
    if (node.kind == NodeKind::bytes && node.free && bytes.empty()) follow(item);
  }
  return intern();
}

bool StateTable::may_end(int32_t state) const {
  return std::ranges::find(items(state), kEnd, &Item::node) != items(state).end();
}

StateContent StateTable::content(int32_t state) const {
  StateContent content;
  if (state == kNone) return content;
  for (const Item& item : items(state)) {
    content.push_back(item.node);
    content.push_back(stacks_[static_cast<size_t>(item.stack)].depth);
    for (int32_t at = item.stack; at != 0; at = stacks_[static_cast<size_t>(at)].below)
      content.push_back(stacks_[static_cast<size_t>(at)].node);
  }
  return content;
}

int32_t StateTable::add(const StateContent& content) {
  begin();
  for (size_t at = 0; at < content.size();) {
    const NodeId node = content[at];
    const auto depth = static_cast<size_t>(content[at + 1]);
    int32_t stack = 0;
    for (size_t i = depth; i-- > 0;) stack = push(stack, content[at + 2 + i]);
    found_.push_back({node, stack});
    at += 2 + depth;
  }
  return intern();
}

int64_t StateTable::bytes() const {
  constexpr size_t kMapEntry = 48;
  return static_cast<int64_t>(stacks_.size() * (sizeof(StackEntry) + kMapEntry) +
                              items_.size() * sizeof(Item) + steps_.size() * sizeof(Step) +
                              states_.size() * (sizeof(Span) + kMapEntry));
}

void StateTable::forget(std::span<int32_t> kept) {
  std::vector<StateContent> contents;
  for (const int32_t state : kept) contents.push_back(content(state));
  stacks_.resize(1);
  stack_of_.clear();
  items_.clear();
  states_.clear();
  steps_.clear();
  state_of_.clear();
  for (size_t i = 0; i < kept.size(); i++) kept[i] = add(contents[i]);
}

}  // namespace troika::grammar
