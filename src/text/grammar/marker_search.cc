#include "text/grammar/marker_search.h"

namespace troika::grammar {

MarkerSearch::MarkerSearch(const std::vector<std::string>& markers) {
  const auto add_place = [this] {
    places_.emplace_back().to.fill(-1);
    return static_cast<int32_t>(places_.size() - 1);
  };
  add_place();
  for (const std::string& marker : markers) {
    int32_t at = 0;
    for (const char c : marker) {
      const auto byte = static_cast<uint8_t>(c);
      if (places_[static_cast<size_t>(at)].to[byte] < 0) {
        const int32_t added = add_place();
        places_[static_cast<size_t>(at)].to[byte] = added;
      }
      at = places_[static_cast<size_t>(at)].to[byte];
    }
    places_[static_cast<size_t>(at)].found = true;
  }
  link();
  for (Place& place : places_) {
    if (place.found) continue;
    place.number = static_cast<int32_t>(kept_.size());
    kept_.push_back(static_cast<int32_t>(&place - places_.data()));
  }
}

/// Fills the gaps, the places nearest to the start first.
void MarkerSearch::link() {
  std::vector<int32_t> order = {0};
  for (size_t i = 0; i < order.size(); i++) {
    Place& place = places_[static_cast<size_t>(order[i])];
    place.found = place.found || places_[static_cast<size_t>(place.shorter)].found;
    for (size_t byte = 0; byte < 256; byte++) {
      int32_t& to = place.to[byte];
      const int32_t otherwise =
          order[i] == 0 ? 0 : places_[static_cast<size_t>(place.shorter)].to[byte];
      if (to < 0) {
        to = otherwise;
      } else {
        places_[static_cast<size_t>(to)].shorter = otherwise;
        order.push_back(to);
      }
    }
  }
}

std::vector<Edge> MarkerSearch::edges(int32_t state, const std::vector<NodeId>& entries,
                                      NodeId found) const {
  std::vector<Edge> edges;
  const Place& place = places_[static_cast<size_t>(kept_[static_cast<size_t>(state)])];
  for (size_t byte = 0; byte < 256; byte++) {
    const Place& target = places_[static_cast<size_t>(place.to[byte])];
    const NodeId to = target.found ? found : entries[static_cast<size_t>(target.number)];
    const auto value = static_cast<uint8_t>(byte);
    if (!edges.empty() && edges.back().to == to)
      edges.back().last = value;
    else
      edges.push_back({value, value, to});
  }
  return edges;
}

}  // namespace troika::grammar
