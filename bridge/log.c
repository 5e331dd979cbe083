#include "bridge/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bridge/text.h"

enum { LINE_MAX_BYTES = 2048 };

static atomic_int level_now = LOG_INFO;

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&level_now, (int)level, memory_order_relaxed);
}

bool log_enabled(enum log_level level)
{
    return (int)level <= atomic_load_explicit(&level_now, memory_order_relaxed);
}

static size_t put_time(char *line, size_t size)
{
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    size_t n = strftime(line, size, "%Y-%m-%dT%H:%M:%S", &utc);
    return n + (size_t)snprintf(line + n, size - n, ".%03ldZ", now.tv_nsec / 1000000);
}

static size_t put_context(char *line, size_t size, enum log_level level, const char *context)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};
    bool process = strcmp(context, "sqsbridge") == 0;
    int n = snprintf(line, size, process ? " %-5s %s: " : " %-5s pipeline \"%s\": ", names[level],
                     context);
    return n < 0 ? 0 : (size_t)n < size ? (size_t)n : size - 1;
}

/* What comes from a network may hold anything; a log line stays one line. */
static void make_printable(char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f) text[i] = ' ';
}

static void write_line(enum log_level level, const char *context, const char *text)
{
    char line[LINE_MAX_BYTES];
    size_t n = put_time(line, sizeof(line) - 1);
    n += put_context(line + n, sizeof(line) - 1 - n, level, context);
    size_t len = strlen(text), room = sizeof(line) - 1 - n;
    if (len > room) len = room;
    memcpy(line + n, text, len);
    make_printable(line, n + len);
    line[n + len] = '\n';
    if (write(STDERR_FILENO, line, n + len + 1) < 0) return; /* nobody left to tell */
}

void log_line(enum log_level level, const char *context, const char *format, ...)
{
    char text[LINE_MAX_BYTES];
    if (!log_enabled(level)) return;
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    write_line(level, context, text);
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Whether this text was said less than 30 s ago; else it counts as said now. */
static bool said_lately(struct log_limit *limit, const char *text)
{
    uint64_t hash = text_hash(bytes_str(text)), now = now_ns();
    unsigned place = limit->oldest;
    for (unsigned i = 0; i < LOG_LIMIT_TEXTS; i++) {
        if (limit->said[i].hash != hash) continue;
        if (now < limit->said[i].next_ns) return true;
        place = i;
    }
    if (place == limit->oldest) limit->oldest = (limit->oldest + 1) % LOG_LIMIT_TEXTS;
    limit->said[place].hash = hash;
    limit->said[place].next_ns = now + 30 * UINT64_C(1000000000);
    return false;
}

void log_limited(struct log_limit *limit, enum log_level level, const char *context,
                 const char *format, ...)
{
    char text[LINE_MAX_BYTES];
    if (!log_enabled(level)) return;
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (said_lately(limit, text)) {
        limit->suppressed++;
        return;
    }
    if (limit->suppressed) {
        char more[48];
        snprintf(more, sizeof(more), " (and %u such lines before)", limit->suppressed);
        size_t len = strnlen(text, sizeof(text) - sizeof(more));
        memcpy(text + len, more, strlen(more) + 1);
    }
    limit->suppressed = 0;
    write_line(level, context, text);
}
