/* What failed, in words for people, and what may be done next, for the core.
 * The struct lives on the caller's stack and is never NULL. Thread: any. */
#ifndef BRIDGE_ERROR_H
#define BRIDGE_ERROR_H

#include <stdbool.h>
#include <stdint.h>

#include "bridge/mem.h"

enum fault {
    FAULT_NONE,
    FAULT_RETRY, /* may succeed later: the core tries again with backoff, up to max_attempts */
    FAULT_DOWN, /* the far end was away, the message is not to blame: tried again, not counted as an
                   attempt */
    FAULT_REJECT, /* this message can never succeed here: dead letter */
    FAULT_CONFIG, /* the configuration is wrong: somebody must act */
    FAULT_FATAL,  /* this process can't go on */
};

struct error {
    enum fault fault;
    uint32_t retry_after_ms; /* the far end's wish, 0: none */
    char text[512];          /* "what failed: with what: why (what to do)" */
};

/* Sets the error; returns false, so that a fallible function can end with `return error_set(...)`.
 */
bool error_set(struct error *e, enum fault fault, const char *format, ...) PRINTF_LIKE(3, 4);

/* Puts "context: " before the text that is there. Returns false. */
bool error_prefix(struct error *e, const char *format, ...) PRINTF_LIKE(2, 3);

const char *fault_name(enum fault fault);

#endif
