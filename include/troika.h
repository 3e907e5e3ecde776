/* Troika's C interface: load a GGUF model, write texts with it, many at a time.
 *
 * Stability. Functions and fields are added, never changed or taken away, while TROIKA_API_VERSION
 * stays the same. Structures that callers fill begin with `size`: the init functions set it with all
 * defaults, so a program built against an older header works with a newer library.
 *
 * Threads. All functions may be called from any thread; texts are computed on one thread that
 * belongs to the engine, and callbacks are called there.
 *
 * Errors. Functions return a troika_status; troika_last_error() has the line that says what, where
 * and what was wanted. No function stops the program.
 *
 * Strings are UTF-8 and end with a zero byte unless a length stands beside them.
 */
#ifndef TROIKA_H
#define TROIKA_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define TROIKA_API __attribute__((visibility("default")))
#else
#define TROIKA_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define TROIKA_API_VERSION 1

/* The TROIKA_API_VERSION that the library was built with. */
TROIKA_API int32_t troika_api_version(void);
/* The version of the library: "0.1.0". Static. */
TROIKA_API const char* troika_version(void);

typedef enum troika_status {
  TROIKA_OK = 0,
  TROIKA_INVALID_ARGUMENT = 1, /* asked for something that makes no sense */
  TROIKA_NOT_FOUND = 2,        /* a file, a tensor, a key is not there */
  TROIKA_CORRUPT = 3,          /* a file says something impossible */
  TROIKA_UNSUPPORTED = 4,      /* sound, but not something this build or device can do */
  TROIKA_EXHAUSTED = 5,        /* memory, or places for requests; try again later */
  TROIKA_CANCELLED = 6,        /* the engine is about to stop */
  TROIKA_DEVICE_LOST = 7,
  TROIKA_INTERNAL = 8, /* a fault of the library */
  TROIKA_TIMEOUT = 9   /* troika_poll: nothing happened in time */
} troika_status;

/* What went wrong in the last call of this thread that did not return TROIKA_OK; "" before the
 * first. Valid until the next call of this thread. */
TROIKA_API const char* troika_last_error(void);

/* A loaded model and the engine that writes with it. */
typedef struct troika_engine troika_engine;

typedef struct troika_load_options {
  size_t size;
  const char* device;         /* "cpu", or "reference": slow, in float64 */
  int32_t threads;            /* 0: one for each core */
  int64_t context;            /* tokens of a text, prompt and answer; 0: what the model was trained
                                 for, at most 4096 */
  int32_t sequences;          /* texts at the same time; more requests wait */
  int64_t requests_max;       /* not ended yet, in all; more are refused with TROIKA_EXHAUSTED */
  int64_t chunk_tokens;       /* of prompts, in one step */
  const char* kv_type;        /* "f16", "bf16", "q8_0", "f32" */
  int32_t draft_tokens_max;   /* that may be drafted in a step for one text; 0: no drafts */
  /* Called while weights are loaded, on the calling thread or others, never at once; may be null. */
  void (*on_progress)(void* user, int64_t done, int64_t total);
  void* user;
} troika_load_options;

TROIKA_API void troika_load_options_init(troika_load_options* options);

/* Loads the model at `path` and starts its engine. `options` may be null. On failure *engine is
 * null. */
TROIKA_API troika_status troika_load(const char* path, const troika_load_options* options,
                                     troika_engine** engine);

/* Cancels what is not ended, tells so through callbacks, and frees all. Null is nothing. Not from a
 * callback. */
TROIKA_API void troika_free(troika_engine* engine);

typedef struct troika_model_info {
  size_t size;
  char architecture[64]; /* "qwen35" */
  int64_t context_trained;
  int64_t context; /* tokens that a text may have here */
  int64_t vocabulary;
  int64_t layers;
  int32_t draft_head; /* 1: the model drafts for itself */
  int64_t weight_bytes;
} troika_model_info;

/* Fills *info up to info->size. */
TROIKA_API troika_status troika_get_model_info(const troika_engine* engine, troika_model_info* info);

/* Token ids of `text`. Writes at most `capacity` of them and sets *count to how many there are: call
 * with capacity 0 to ask. `add_special`: 1 adds what the model wants at the start of a text;
 * `parse_special`: 1 reads the names of control tokens as those tokens. */
TROIKA_API troika_status troika_tokenize(const troika_engine* engine, const char* text,
                                         size_t text_bytes, int32_t add_special,
                                         int32_t parse_special, int32_t* tokens, size_t capacity,
                                         size_t* count);

/* The text of `count` tokens, control tokens left out. Writes at most `capacity` bytes, without a
 * zero at the end, and sets *bytes to how many there are. */
TROIKA_API troika_status troika_detokenize(const troika_engine* engine, const int32_t* tokens,
                                           size_t count, char* text, size_t capacity,
                                           size_t* bytes);

typedef enum troika_event_kind {
  TROIKA_EVENT_TEXT = 1, /* more of the answer */
  TROIKA_EVENT_END = 2   /* the last of a request */
} troika_event_kind;

typedef enum troika_finish {
  TROIKA_FINISH_NONE = 0,   /* the engine failed: see `status` */
  TROIKA_FINISH_STOP = 1,   /* a token that ends texts, or a stop string */
  TROIKA_FINISH_LENGTH = 2, /* tokens_max, or the context is full */
  TROIKA_FINISH_CANCELLED = 3,
  TROIKA_FINISH_EXPIRED = 4 /* timeout_ms passed */
} troika_finish;

typedef struct troika_event {
  size_t size;
  troika_event_kind kind;
  uint64_t request;
  const char* text; /* TEXT: whole characters; valid until the callback returns or the next poll */
  size_t text_bytes;
  /* END: */
  troika_status status;
  const char* error; /* "" if status is TROIKA_OK; valid as text is */
  troika_finish finish;
  int64_t prompt_tokens;
  int64_t answer_tokens;
  int64_t drafts_proposed;
  int64_t drafts_accepted;
} troika_event;

typedef struct troika_request {
  size_t size;
  /* The prompt: text, or token ids where `tokens` is not null. */
  const char* prompt;
  size_t prompt_bytes;
  int32_t chat; /* 1: the text is a user's message, for the model's chat template */
  const int32_t* tokens;
  size_t token_count;
  int64_t tokens_max; /* of the answer; -1: until the context is full */
  double timeout_ms;  /* from now to the last token; -1: none */
  const char* const* stop;
  size_t stop_count;
  /* Sampling; the defaults are those of `troika run`. temperature 0: the likeliest token. */
  float temperature;
  int32_t top_k;
  float top_p;
  float min_p;
  float repeat_penalty;
  uint64_t seed;
  int32_t draft_tokens; /* in a step at most; -1: as many as pay; 0: none; changes no bit of the text */
  /* Called with each event of this request; null: troika_poll() hands them out. */
  void (*on_event)(void* user, const troika_event* event);
  void* user;
} troika_request;

TROIKA_API void troika_request_init(troika_request* request);

/* Takes a request; everything it points to may be freed when this returns. *id is its number. */
TROIKA_API troika_status troika_submit(troika_engine* engine, const troika_request* request,
                                       uint64_t* id);

/* Ends a request soon, with an END event; nothing if it has ended. */
TROIKA_API troika_status troika_cancel(troika_engine* engine, uint64_t id);

/* Waits for the next event of requests without on_event: at most timeout_ms (negative: until one
 * comes), and returns TROIKA_TIMEOUT if none came. One thread at a time. */
TROIKA_API troika_status troika_poll(troika_engine* engine, troika_event* event, int32_t timeout_ms);

/* Refuses new requests and returns when all have ended. Not from a callback. */
TROIKA_API troika_status troika_drain(troika_engine* engine);

#ifdef __cplusplus
}
#endif

#endif
