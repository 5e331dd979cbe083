#include "bridge/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool error_set(struct error *e, enum fault fault, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    e->fault = fault;
    e->retry_after_ms = 0;
    vsnprintf(e->text, sizeof(e->text), format, args);
    va_end(args);
    return false;
}

bool error_prefix(struct error *e, const char *format, ...)
{
    char text[sizeof(e->text)];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    size_t used = n < 0 ? 0 : (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1;
    snprintf(text + used, sizeof(text) - used, ": %.*s", (int)(sizeof(text) - used), e->text);
    memcpy(e->text, text, sizeof(text));
    return false;
}

const char *fault_name(enum fault fault)
{
    switch (fault) {
    case FAULT_NONE:
        return "none";
    case FAULT_RETRY:
        return "retry";
    case FAULT_DOWN:
        return "down";
    case FAULT_REJECT:
        return "reject";
    case FAULT_CONFIG:
        return "config";
    case FAULT_FATAL:
        return "fatal";
    }
    return "?";
}
