/* Memory that is always there: out of memory ends the process with one line. At-least-once delivery
 * makes the restart safe, and no caller needs a path that no test can reach. Thread: any. Free with
 * free(). */
#ifndef BRIDGE_MEM_H
#define BRIDGE_MEM_H

#include <stddef.h>

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(text_at, args_at) __attribute__((format(printf, text_at, args_at)))

/* For what a library gives, or NULL where it found no memory. */
void *mem_must(void *ptr) __attribute__((returns_nonnull));

void *mem_alloc(size_t size) __attribute__((malloc, returns_nonnull, alloc_size(1)));
void *mem_zalloc(size_t size) __attribute__((malloc, returns_nonnull, alloc_size(1)));
void *mem_realloc(void *ptr, size_t size) __attribute__((returns_nonnull, alloc_size(2)));
char *mem_strdup(const char *text) __attribute__((malloc, returns_nonnull));
/* Exactly len bytes, which need no NUL behind them. */
char *mem_strndup(const char *text, size_t len) __attribute__((malloc, returns_nonnull));
char *mem_printf(const char *format, ...) PRINTF_LIKE(1, 2);

/* A growing run of bytes. Zero-initialise; release with free(b.ptr). */
struct buf {
    char *ptr;
    size_t len, cap;
};

void buf_grow(struct buf *b, size_t more); /* by buf_reserve() */
static inline void buf_reserve(struct buf *b, size_t more)
{
    if (b->cap - b->len < more) buf_grow(b, more);
}
void buf_add(struct buf *b, const void *ptr, size_t len);
void buf_printf(struct buf *b, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
