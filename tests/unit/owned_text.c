#include "tests/unit/owned_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct bytes owned_text(const char *text)
{
    size_t len = strlen(text);
    return bytes_of(memcpy(mem_alloc(len + 1), text, len), len);
}

void owned_text_free(struct bytes text)
{
    free((void *)(uintptr_t)text.ptr);
}

void expect_bytes(struct bytes b, const char *text)
{
    assert_int_equal(b.len, strlen(text));
    assert_memory_equal(b.ptr, text, b.len);
}

void expect_text(struct buf *out, const char *text)
{
    buf_add(out, "", 1);
    assert_string_equal(out->ptr, text);
    free(out->ptr);
    *out = (struct buf){0};
}
