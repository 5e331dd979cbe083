#include "bridge/json.h"

#include "bridge/swar.h"
#include "bridge/text.h"

void json_read(struct json_reader *r, char *text, size_t len)
{
    *r = (struct json_reader){.at = text, .end = len ? text + len : text, .start = text};
}

static enum json_token fail_at(struct json_reader *r, const char *at, const char *why)
{
    r->failed = true;
    r->error = why;
    r->error_offset = (size_t)(at - r->start);
    return JSON_ERROR;
}

static enum json_token fail(struct json_reader *r, const char *why)
{
    return fail_at(r, r->at, r->at == r->end ? "the text ends too early" : why);
}

static void skip_space(struct json_reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\r' || *r->at == '\t'))
        r->at++;
}

static bool in_object(const struct json_reader *r)
{
    return r->depth && (r->is_object >> (r->depth - 1) & 1);
}

/* Every value ends here. */
static enum json_token value_done(struct json_reader *r, enum json_token token)
{
    r->need_comma = true;
    r->after_key = false;
    return token;
}

static enum json_token open_level(struct json_reader *r, bool object)
{
    if (r->depth == JSON_MAX_DEPTH) return fail(r, "nested too deep");
    r->at++;
    uint64_t bit = (uint64_t)1 << r->depth++;
    r->is_object = object ? r->is_object | bit : r->is_object & ~bit;
    r->need_comma = r->after_key = false;
    return object ? JSON_OBJECT : JSON_ARRAY;
}

static enum json_token close_level(struct json_reader *r)
{
    bool object = *r->at == '}';
    if (!r->depth || object != in_object(r)) return fail(r, "bracket without its partner");
    r->at++;
    r->depth--;
    return value_done(r, object ? JSON_OBJECT_END : JSON_ARRAY_END);
}

/* The next byte of a string that is not plain ASCII text: its end, an escape, a control character
 * or UTF-8. */
static char *skip_plain(char *at, const char *end)
{
    while (end - at >= 8) {
        uint64_t word = swar_load(at);
        uint64_t mask =
            (swar_below_space(word) | swar_equal(word, '"') | swar_equal(word, '\\') | word) &
            SWAR_TOPS;
        if (mask) return at + swar_first(mask);
        at += 8;
    }
    while (at < end && (unsigned char)*at >= 0x20 && (unsigned char)*at < 0x80 && *at != '"' &&
           *at != '\\')
        at++;
    return at;
}

/* Up to the end of the string or the next escape; false: failed. */
static bool skip_run(struct json_reader *r)
{
    for (;;) {
        r->at = skip_plain(r->at, r->end);
        if (r->at == r->end) return fail(r, ""), false;
        if (*r->at == '"' || *r->at == '\\') return true;
        if ((unsigned char)*r->at < 0x20) return fail(r, "control character in a string"), false;
        size_t len = text_utf8_sequence(r->at, r->end);
        if (!len) return fail_at(r, r->at, "invalid UTF-8"), false;
        r->at += len;
    }
}

/* Four hex digits; false: they are not. */
static bool hex4(const char *at, const char *end, uint32_t *unit)
{
    if (end - at < 4) return false;
    *unit = 0;
    for (int i = 0; i < 4; i++) {
        unsigned char c = (unsigned char)at[i], letter = c | 0x20;
        if (c >= '0' && c <= '9')
            *unit = *unit << 4 | (c - '0');
        else if (letter >= 'a' && letter <= 'f')
            *unit = *unit << 4 | (letter - 'a' + 10u);
        else
            return false;
    }
    return true;
}

static char *put_utf8(char *to, uint32_t code)
{
    if (code < 0x80) {
        *to++ = (char)code;
    } else if (code < 0x800) {
        *to++ = (char)(0xC0 | code >> 6);
        *to++ = (char)(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        *to++ = (char)(0xE0 | code >> 12);
        *to++ = (char)(0x80 | (code >> 6 & 0x3F));
        *to++ = (char)(0x80 | (code & 0x3F));
    } else {
        *to++ = (char)(0xF0 | code >> 18);
        *to++ = (char)(0x80 | (code >> 12 & 0x3F));
        *to++ = (char)(0x80 | (code >> 6 & 0x3F));
        *to++ = (char)(0x80 | (code & 0x3F));
    }
    return to;
}

/* \uXXXX, at stands on the u; two of them where the first is half of a surrogate pair. */
static char *unescape_unicode(struct json_reader *r, char *to)
{
    uint32_t unit, low;
    if (!hex4(r->at + 1, r->end, &unit)) return fail(r, "four hex digits expected after \\u"), NULL;
    if (unit >= 0xD800 && unit <= 0xDFFF) {
        bool paired = unit < 0xDC00 && r->end - r->at >= 11 && r->at[5] == '\\' &&
                      r->at[6] == 'u' && hex4(r->at + 7, r->end, &low) && low >= 0xDC00 &&
                      low <= 0xDFFF;
        if (!paired) return fail(r, "lone surrogate"), NULL;
        unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
        r->at += 6;
    }
    r->at += 5;
    return put_utf8(to, unit);
}

/* What a one-letter escape stands for; 0: there is no such escape. */
static const char short_escapes[256] = {
    ['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
    ['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t',
};

/* An escape, at stands on the backslash. The result is never longer than what it replaces. */
static char *unescape(struct json_reader *r, char *to)
{
    if (++r->at == r->end) return fail(r, ""), NULL;
    if (*r->at == 'u') return unescape_unicode(r, to);
    char c = short_escapes[(unsigned char)*r->at];
    if (!c) return fail(r, "no such escape"), NULL;
    r->at++;
    *to++ = c;
    return to;
}

/* A string whose first escape is at r->at; the text moves down over the escapes. */
static bool read_escaped(struct json_reader *r, char *begin)
{
    char *to = r->at;
    while (*r->at == '\\') {
        to = unescape(r, to);
        if (!to) return false;
        const char *run = r->at;
        if (!skip_run(r)) return false;
        size_t len = (size_t)(r->at - run);
        memmove(to, run, len);
        to += len;
    }
    r->at++;
    r->text = bytes_of(begin, (size_t)(to - begin));
    return true;
}

static bool read_string(struct json_reader *r)
{
    char *begin = ++r->at;
    if (!skip_run(r)) return false;
    if (*r->at == '\\') return read_escaped(r, begin);
    r->text = bytes_of(begin, (size_t)(r->at - begin));
    r->at++;
    return true;
}

static bool skip_digits(struct json_reader *r)
{
    const char *begin = r->at;
    while (r->at < r->end && *r->at >= '0' && *r->at <= '9')
        r->at++;
    return r->at > begin;
}

static bool at_one_of(const struct json_reader *r, char a, char b)
{
    return r->at < r->end && (*r->at == a || *r->at == b);
}

static enum json_token read_number(struct json_reader *r)
{
    const char *begin = r->at;
    if (*r->at == '-') r->at++;
    if (at_one_of(r, '0', '0'))
        r->at++; /* no leading zeros: a digit after it is not part of the number */
    else if (!skip_digits(r))
        return fail(r, "digit expected");
    if (at_one_of(r, '.', '.')) {
        r->at++;
        if (!skip_digits(r)) return fail(r, "digit expected after the point");
    }
    if (at_one_of(r, 'e', 'E')) {
        r->at++;
        if (at_one_of(r, '+', '-')) r->at++;
        if (!skip_digits(r)) return fail(r, "digit expected in the exponent");
    }
    r->text = bytes_of(begin, (size_t)(r->at - begin));
    return value_done(r, JSON_NUMBER);
}

static enum json_token read_word(struct json_reader *r, struct bytes word, enum json_token token)
{
    if (!bytes_starts_with(bytes_of(r->at, (size_t)(r->end - r->at)), word))
        return fail_at(r, r->at, "value expected");
    r->at += word.len;
    return value_done(r, token);
}

static enum json_token read_value(struct json_reader *r)
{
    switch (*r->at) {
    case '"':
        return read_string(r) ? value_done(r, JSON_STRING) : JSON_ERROR;
    case '{':
        return open_level(r, true);
    case '[':
        return open_level(r, false);
    case 't':
        return read_word(r, BYTES_LIT("true"), JSON_TRUE);
    case 'f':
        return read_word(r, BYTES_LIT("false"), JSON_FALSE);
    case 'n':
        return read_word(r, BYTES_LIT("null"), JSON_NULL);
    default:
        if (*r->at != '-' && (*r->at < '0' || *r->at > '9')) return fail(r, "value expected");
        return read_number(r);
    }
}

/* The colon belongs to its key: what follows is the value. */
static enum json_token read_key(struct json_reader *r)
{
    if (r->at == r->end || *r->at != '"') return fail(r, "key in quotes expected");
    if (!read_string(r)) return JSON_ERROR;
    skip_space(r);
    if (r->at == r->end || *r->at != ':') return fail(r, "colon expected after a key");
    r->at++;
    r->after_key = true;
    return JSON_KEY;
}

static enum json_token at_top(struct json_reader *r)
{
    if (!r->need_comma) return r->at == r->end ? fail(r, "") : read_value(r);
    return r->at == r->end ? JSON_END : fail(r, "more text after the value");
}

enum json_token json_next(struct json_reader *r)
{
    if (r->failed) return JSON_ERROR;
    skip_space(r);
    if (!r->depth) return at_top(r);
    if (r->at == r->end) return fail(r, "");
    if (!r->after_key) {
        if (*r->at == '}' || *r->at == ']') return close_level(r);
        if (r->need_comma) {
            if (*r->at != ',') return fail(r, "comma expected");
            r->at++;
            skip_space(r);
        }
        if (in_object(r)) return read_key(r);
    }
    return r->at == r->end ? fail(r, "") : read_value(r);
}

bool json_skip(struct json_reader *r, enum json_token first)
{
    if (first == JSON_ERROR || first == JSON_END || first == JSON_OBJECT_END ||
        first == JSON_ARRAY_END || first == JSON_KEY)
        return false;
    if (first != JSON_OBJECT && first != JSON_ARRAY) return true;
    unsigned outside = r->depth - 1;
    while (r->depth > outside)
        if (json_next(r) == JSON_ERROR) return false;
    return true;
}

bool json_int(struct bytes text, int64_t *value)
{
    const char *at = text.ptr;
    size_t left = text.len;
    bool negative = left && *at == '-';
    if (negative) at++, left--;
    if (!left) return false;
    int64_t sum = 0;
    for (; left; left--, at++) {
        if (*at < '0' || *at > '9') return false;
        int digit =
            negative ? '0' - *at : *at - '0'; /* counts down, as -2^63 has no positive twin */
        if (__builtin_mul_overflow(sum, 10, &sum) || __builtin_add_overflow(sum, digit, &sum))
            return false;
    }
    *value = sum;
    return true;
}
