// OpenAI's Responses requests as conversations in the shape of its chat completions.
#pragma once

#include "serve/api/chat_request.h"

namespace troika::serve {

/// Reads instructions, input (text, or messages, calls and their outputs), tools of functions,
/// tool_choice, parallel_tool_calls, text.format and reasoning.effort. Refuses what is none of
/// these, and what would need a memory of earlier answers (previous_response_id, background).
ChatRequest read_responses_request(Fields& fields);

}  // namespace troika::serve
