/* The attributes of a queue that its owner may set: their names, bounds and defaults. */
#ifndef SIM_SETTINGS_H
#define SIM_SETTINGS_H

#include "tests/sim/api_error.h"
#include "tests/sim/text.h"

struct settings {
    int64_t delay_s, max_bytes, retention_s, wait_s, visibility_s, key_reuse_s;
    int64_t fifo, content_dedup, managed_sse; /* booleans */
    char *policy, *redrive, *redrive_allow, *kms_key, *dedup_scope,
        *throughput_limit; /* owned; NULL: not set */
    char *dead_letter_arn; /* from `redrive`, owned; NULL: no dead-letter queue */
    unsigned max_receive_count;
    bool kms_asked, sse_asked; /* between settings_set() and settings_settle() */
};

void settings_default(struct settings *s, bool fifo);
void settings_copy(struct settings *to, const struct settings *from);
void settings_free(struct settings *s);
/* Sets one attribute; false, and nothing changed, when SQS would refuse it. */
bool settings_set(struct settings *s, struct text name, struct text value, struct api_error *e);
/* The rules that join several attributes; call it after the last settings_set(). */
bool settings_settle(struct settings *s, struct api_error *e);
bool settings_dedup_per_group(const struct settings *s);
/* Calls each(ctx, name, value) for every attribute that GetQueueAttributes shows. */
void settings_each(const struct settings *s,
                   void (*each)(void *ctx, const char *name, struct text value), void *ctx);
/* The first attribute of `asked` that differs (CreateQueue on a name that exists), or NULL. */
const char *settings_differ(const struct settings *asked, const struct settings *have);

#endif
