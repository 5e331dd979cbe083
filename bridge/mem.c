#include "bridge/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void *mem_must(void *ptr)
{
    static const char line[] = "sqsbridge: out of memory: ending (unacknowledged messages will be "
                               "delivered again)\n";
    if (!ptr) {
        if (write(STDERR_FILENO, line, sizeof(line) - 1) < 0) abort();
        abort();
    }
    return ptr;
}

void *mem_alloc(size_t size)
{
    return mem_must(malloc(size ? size : 1));
}

void *mem_zalloc(size_t size)
{
    return mem_must(calloc(1, size ? size : 1));
}

void *mem_realloc(void *ptr, size_t size)
{
    return mem_must(realloc(ptr, size ? size : 1));
}

char *mem_strdup(const char *text)
{
    return mem_must(strdup(text));
}

char *mem_strndup(const char *text, size_t len)
{
    char *copy = mem_alloc(len + 1);
    if (len) memcpy(copy, text, len);
    copy[len] = 0;
    return copy;
}

char *mem_printf(const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int n = vasprintf(&text, format, args);
    va_end(args);
    return mem_must(n < 0 ? NULL : text);
}

void buf_grow(struct buf *b, size_t more)
{
    size_t cap = b->cap ? b->cap : 64;
    while (cap - b->len < more)
        cap *= 2;
    b->ptr = mem_realloc(b->ptr, cap);
    b->cap = cap;
}

void buf_add(struct buf *b, const void *ptr, size_t len)
{
    if (len == 0) return;
    buf_reserve(b, len);
    memcpy(b->ptr + b->len, ptr, len);
    b->len += len;
}

void buf_printf(struct buf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    buf_reserve(b, (size_t)n + 1); /* vsnprintf writes a NUL, which does not count */
    va_start(args, format);
    vsnprintf(b->ptr + b->len, (size_t)n + 1, format, args);
    va_end(args);
    b->len += (size_t)n;
}
