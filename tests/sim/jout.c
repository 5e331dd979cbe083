#include "tests/sim/jout.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void separate(struct buf *b)
{
    char last = b->len ? b->ptr[b->len - 1] : '[';
    if (last != '{' && last != '[' && last != ':') buf_add_char(b, ',');
}

void jout_open(struct buf *b, char bracket)
{
    separate(b);
    buf_add_char(b, bracket);
}

void jout_close(struct buf *b, char bracket)
{
    buf_add_char(b, bracket);
}

static void add_escaped(struct buf *b, unsigned char c)
{
    static const char named[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    const char *hit = c ? strchr(named, c) : NULL;
    if (hit)
        buf_addf(b, "\\%c", letters[hit - named]);
    else
        buf_addf(b, "\\u%04x", c);
}

static void add_string(struct buf *b, struct text t)
{
    size_t clean = 0; /* start of the bytes that need no escape */
    buf_reserve(b, t.len + 2);
    buf_add_char(b, '"');
    for (size_t i = 0; i < t.len; i++) {
        unsigned char c = (unsigned char)t.ptr[i];
        if (c >= 0x20 && c != '"' && c != '\\') continue;
        buf_add(b, t.ptr + clean, i - clean);
        add_escaped(b, c);
        clean = i + 1;
    }
    buf_add(b, t.ptr + clean, t.len - clean);
    buf_add_char(b, '"');
}

void jout_key_text(struct buf *b, struct text key)
{
    separate(b);
    add_string(b, key);
    buf_add_char(b, ':');
}

void jout_key(struct buf *b, const char *key)
{
    separate(b);
    buf_add_char(b, '"');
    buf_add(b, key, strlen(key));
    buf_add(b, "\":", 2);
}

void jout_text(struct buf *b, struct text value)
{
    separate(b);
    add_string(b, value);
}

static void add_int(struct buf *b, int64_t value)
{
    char digits[24];
    int len = snprintf(digits, sizeof(digits), "%" PRId64, value);
    buf_add(b, digits, (size_t)len);
}

void jout_int(struct buf *b, int64_t value)
{
    separate(b);
    add_int(b, value);
}

void jout_bool(struct buf *b, bool value)
{
    separate(b);
    buf_add_text(b, text_of(value ? "true" : "false"));
}

void jout_pair(struct buf *b, const char *key, struct text value)
{
    jout_key(b, key);
    add_string(b, value);
}

void jout_pair_int(struct buf *b, const char *key, int64_t value)
{
    jout_key(b, key);
    add_int(b, value);
}

void jout_pair_int_text(struct buf *b, const char *key, int64_t value)
{
    jout_key(b, key);
    buf_add_char(b, '"');
    add_int(b, value);
    buf_add_char(b, '"');
}

void jout_pair_bool(struct buf *b, const char *key, bool value)
{
    jout_key(b, key);
    buf_add_text(b, text_of(value ? "true" : "false"));
}
