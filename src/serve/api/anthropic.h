// Anthropic's requests as conversations in OpenAI's shape.
#pragma once

#include "serve/api/chat_request.h"

namespace troika::serve {

/// Reads system, messages (text, thinking, tool_use and tool_result blocks), tools, tool_choice and
/// thinking. Refuses what is none of these.
ChatRequest read_anthropic_request(Fields& fields);

}  // namespace troika::serve
