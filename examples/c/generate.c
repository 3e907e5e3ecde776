/* Writes the answer to a prompt, piece by piece: generate MODEL.gguf "PROMPT" */
#include <stdio.h>
#include <string.h>
#include <troika.h>

static int fail(const char* what) {
  fprintf(stderr, "generate: %s: %s\n", what, troika_last_error());
  return 1;
}

int main(int argc, char** argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: generate MODEL.gguf PROMPT\n");
    return 2;
  }
  troika_engine* engine;
  if (troika_load(argv[1], NULL, &engine) != TROIKA_OK) return fail("loading");

  troika_request request;
  troika_request_init(&request);
  request.prompt = argv[2];
  request.prompt_bytes = strlen(argv[2]);
  request.chat = 1;
  request.temperature = 0;
  uint64_t id;
  if (troika_submit(engine, &request, &id) != TROIKA_OK) {
    troika_free(engine);
    return fail("submitting");
  }

  troika_event event;
  do {
    event.size = sizeof event;
    if (troika_poll(engine, &event, -1) != TROIKA_OK) break;
    if (event.kind == TROIKA_EVENT_TEXT) fwrite(event.text, 1, event.text_bytes, stdout);
    fflush(stdout);
  } while (event.kind != TROIKA_EVENT_END);
  printf("\n");
  fprintf(stderr, "%lld tokens, %lld of %lld drafts accepted\n", (long long)event.answer_tokens,
          (long long)event.drafts_accepted, (long long)event.drafts_proposed);
  troika_free(engine);
  return 0;
}
