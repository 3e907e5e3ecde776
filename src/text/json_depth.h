// How deeply JSON nests, found out without recursion, so that what recurses may be asked after.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>

namespace troika {

/// The most brackets that are open at once anywhere in `text`; those in strings do not count. Text
/// that is no JSON gives some number that is not below the depth a parser may reach.
int64_t json_text_depth(std::string_view text);

/// Whether `json` nests deeper than `depth` levels. Recurses no deeper than that.
bool json_deeper_than(const nlohmann::ordered_json& json, int depth);

}  // namespace troika
