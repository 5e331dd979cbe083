/* Borrowed views of bytes. Bodies, keys and attribute values are never C strings: they may hold
 * NUL. Thread: any; no state. */
#ifndef BRIDGE_BYTES_H
#define BRIDGE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* The owner of the memory is whoever the function at hand says. ptr NULL means "there is none",
 * which differs from empty: a Kafka tombstone has no body. */
struct bytes {
    const void *ptr;
    size_t len;
};

#define BYTES_NONE ((struct bytes){NULL, 0})
#define BYTES_LIT(literal) ((struct bytes){(literal), sizeof(literal) - 1})
#define BYTES_INIT(literal)                                                                        \
    {                                                                                              \
        (literal), sizeof(literal) - 1                                                             \
    } /* in a static initialiser */

static inline struct bytes bytes_of(const void *ptr, size_t len)
{
    return (struct bytes){ptr, len};
}

/* text NULL gives BYTES_NONE. */
static inline struct bytes bytes_str(const char *text)
{
    return (struct bytes){text, text ? strlen(text) : 0};
}

static inline bool bytes_eq(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool bytes_starts_with(struct bytes b, struct bytes prefix)
{
    return b.len >= prefix.len && (prefix.len == 0 || memcmp(b.ptr, prefix.ptr, prefix.len) == 0);
}

/* For printf("%.*s"): both arguments at once. */
#define BYTES_ARGS(b) (int)(b).len, (const char *)(b).ptr

#endif
