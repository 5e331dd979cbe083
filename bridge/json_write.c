#include "bridge/json.h"

#include <stdio.h>

#include "bridge/swar.h"
#include "bridge/text.h"

enum { LONGEST_ESCAPE = 6, WORD = 8 };

static void put(struct json_writer *w, char c)
{
    buf_reserve(w->out, 1);
    w->out->ptr[w->out->len++] = c;
}

static void begin_value(struct json_writer *w)
{
    if (w->need_comma) put(w, ',');
    w->need_comma = true;
}

static void open_level(struct json_writer *w, char bracket)
{
    begin_value(w);
    put(w, bracket);
    w->need_comma = false;
}

static void close_level(struct json_writer *w, char bracket)
{
    put(w, bracket);
    w->need_comma = true;
}

void json_object(struct json_writer *w)
{
    open_level(w, '{');
}

void json_object_end(struct json_writer *w)
{
    close_level(w, '}');
}

void json_array(struct json_writer *w)
{
    open_level(w, '[');
}

void json_array_end(struct json_writer *w)
{
    close_level(w, ']');
}

static void end_key(struct json_writer *w)
{
    put(w, ':');
    w->need_comma = false;
}

void json_key(struct json_writer *w, const char *key)
{
    begin_value(w);
    put(w, '"');
    buf_add(w->out, key, strlen(key));
    put(w, '"');
    end_key(w);
}

void json_key_bytes(struct json_writer *w, struct bytes key)
{
    json_string(w, key);
    end_key(w);
}

static char *put_escape(char *to, unsigned char c)
{
    static const char letters[] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f',
                                   ['\r'] = 'r', ['"'] = '"',  ['\\'] = '\\'};
    static const char hex[] = "0123456789abcdef";
    *to++ = '\\';
    if (letters[c]) {
        *to++ = letters[c];
        return to;
    }
    *to++ = 'u';
    *to++ = '0';
    *to++ = '0';
    *to++ = hex[c >> 4];
    *to++ = hex[c & 15];
    return to;
}

static bool must_escape(unsigned char c)
{
    return c < 0x20 || c == '"' || c == '\\';
}

/* Copies whole words as far as nothing needs an escape; what a word holds beyond that is
 * overwritten. The caller has room for the text and one word more. */
static size_t copy_plain(char *to, const char *at, size_t len)
{
    size_t done = 0;
    for (; len - done >= WORD; done += WORD) {
        uint64_t word = swar_load(at + done);
        uint64_t mask = (swar_below_space(word) | swar_equal(word, '"') | swar_equal(word, '\\')) &
                        ~word & SWAR_TOPS;
        swar_store(to + done, word);
        if (mask) return done + swar_first(mask);
    }
    for (; done < len && !must_escape((unsigned char)at[done]); done++)
        to[done] = at[done];
    return done;
}

void json_string(struct json_writer *w, struct bytes text)
{
    begin_value(w);
    put(w, '"');
    const char *at = text.ptr;
    for (size_t left = text.len; left;) {
        buf_reserve(w->out, left + WORD + LONGEST_ESCAPE);
        char *to = w->out->ptr + w->out->len;
        size_t plain = copy_plain(to, at, left);
        to += plain;
        if (plain < left) to = put_escape(to, (unsigned char)at[plain++]);
        at += plain;
        left -= plain;
        w->out->len = (size_t)(to - w->out->ptr);
    }
    put(w, '"');
}

void json_base64(struct json_writer *w, struct bytes raw)
{
    begin_value(w);
    put(w, '"');
    text_base64(raw, w->out);
    put(w, '"');
}

void json_number(struct json_writer *w, int64_t value)
{
    char digits[24];
    begin_value(w);
    int len = snprintf(digits, sizeof(digits), "%lld", (long long)value);
    buf_add(w->out, digits, (size_t)len);
}

void json_bool(struct json_writer *w, bool value)
{
    begin_value(w);
    buf_add(w->out, value ? "true" : "false", value ? 4 : 5);
}

void json_null(struct json_writer *w)
{
    begin_value(w);
    buf_add(w->out, "null", 4);
}
