// The APIs, one function each: reads a request, answers it or begins to. Thread: a worker's.
#pragma once

#include "serve/api/call.h"

namespace troika::serve {

// OpenAI's.
void handle_completions(const Call& call);       // POST /v1/completions
void handle_chat_completions(const Call& call);  // POST /v1/chat/completions
void handle_embeddings(const Call& call);        // POST /v1/embeddings
void handle_models(const Call& call);            // GET /v1/models, /v1/models/NAME
void handle_responses(const Call& call);         // POST /v1/responses

// Anthropic's.
void handle_messages(const Call& call);      // POST /v1/messages
void handle_count_tokens(const Call& call);  // POST /v1/messages/count_tokens

// llama-server's.
void handle_tokenize(const Call& call);        // POST /tokenize
void handle_detokenize(const Call& call);      // POST /detokenize
void handle_apply_template(const Call& call);  // POST /apply-template
void handle_infill(const Call& call);          // POST /infill
void handle_props(const Call& call);           // GET /props

}  // namespace troika::serve
