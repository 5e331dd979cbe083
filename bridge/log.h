/* Log lines on stderr, one write(2) each: time, level, context, text. Secrets must never reach it.
 * Thread: any. */
#ifndef BRIDGE_LOG_H
#define BRIDGE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "bridge/mem.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

void log_set_level(enum log_level level);
bool log_enabled(enum log_level level);

/* context is the pipeline's name or "sqsbridge". */
void log_line(enum log_level level, const char *context, const char *format, ...) PRINTF_LIKE(3, 4);

#define log_error(context, ...) log_line(LOG_ERROR, (context), __VA_ARGS__)
#define log_warn(context, ...) log_line(LOG_WARN, (context), __VA_ARGS__)
#define log_info(context, ...) log_line(LOG_INFO, (context), __VA_ARGS__)
#define log_debug(context, ...)                                                                    \
    do {                                                                                           \
        if (log_enabled(LOG_DEBUG)) log_line(LOG_DEBUG, (context), __VA_ARGS__);                   \
    } while (0)

/* A complaint that may repeat a thousand times a second: each text once in 30 s, with a count of
 * what was left out, also where a few texts take turns. Embed one per place that complains;
 * zero-initialise. Not shared between threads. */
enum { LOG_LIMIT_TEXTS = 4 };
struct log_limit {
    struct {
        uint64_t hash, next_ns;
    } said[LOG_LIMIT_TEXTS];
    unsigned oldest, suppressed;
};

void log_limited(struct log_limit *limit, enum log_level level, const char *context,
                 const char *format, ...) PRINTF_LIKE(4, 5);

#endif
