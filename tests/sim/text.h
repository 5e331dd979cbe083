/* Bytes: borrowed views (struct text) and growing buffers (struct buf). Out of memory aborts. */
#ifndef SIM_TEXT_H
#define SIM_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
    const char *ptr; /* NULL: absent, which is not the same as empty */
    size_t len;
};

struct buf {
    char *ptr;
    size_t len, cap;
};

struct text text_of(const char *s);
struct text text_of_buf(const struct buf *b);
bool text_equal(struct text a, struct text b);
bool text_is(struct text a, const char *s);
bool text_starts(struct text a, const char *prefix);
bool text_is_nocase(struct text a, const char *s);
int text_compare(struct text a, struct text b);
/* Cuts at the first `at`: returns what is before it and leaves the rest; the whole when there is
 * none. */
struct text text_cut(struct text *rest, char at);
char *text_copy(struct text t); /* NUL-terminated, owned by the caller */

void *mem_alloc(size_t size); /* zeroed */
void *mem_grow(void *old, size_t size);

void buf_reserve(struct buf *b, size_t extra);
void buf_add(struct buf *b, const void *bytes, size_t len);
void buf_add_text(struct buf *b, struct text t);
void buf_add_char(struct buf *b, char c);
void buf_addf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_free(struct buf *b);

void text_to_hex(const unsigned char *bytes, size_t len, char *out); /* writes 2 * len + NUL */
void buf_add_base64(struct buf *b, struct text bytes);
/* Appends the decoded bytes; false when `t` is not base64. */
bool buf_add_unbase64(struct buf *b, struct text t);

#endif
