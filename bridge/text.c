#include "bridge/text.h"

#include "bridge/swar.h"

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xC0) == 0x80;
}

/* The second byte narrows what the first allows: no overlong forms (E0, F0), no surrogates (ED),
 * nothing beyond U+10FFFF (F4). Source: RFC 3629, section 4. */
static bool second_fits(unsigned char first, unsigned char second)
{
    switch (first) {
    case 0xE0:
        return second >= 0xA0 && second <= 0xBF;
    case 0xED:
        return second >= 0x80 && second <= 0x9F;
    case 0xF0:
        return second >= 0x90 && second <= 0xBF;
    case 0xF4:
        return second >= 0x80 && second <= 0x8F;
    default:
        return second >= 0x80 && second <= 0xBF;
    }
}

size_t text_utf8_sequence(const char *at, const char *end)
{
    if (at == end) return 0;
    unsigned char first = (unsigned char)*at;
    if (first < 0x80) return 1;
    if (first < 0xC2 || first > 0xF4) return 0;
    size_t len = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if ((size_t)(end - at) < len || !second_fits(first, (unsigned char)at[1])) return 0;
    for (size_t i = 2; i < len; i++)
        if (!is_continuation(at[i])) return 0;
    return len;
}

static const char *skip_ascii(const char *at, const char *end)
{
    while (end - at >= 16 && !((swar_load(at) | swar_load(at + 8)) & SWAR_TOPS))
        at += 16;
    while (at < end && (unsigned char)*at < 0x80)
        at++;
    return at;
}

bool text_is_utf8(struct bytes b)
{
    if (!b.len) return true;
    const char *at = b.ptr, *end = at + b.len;
    while ((at = skip_ascii(at, end)) < end) {
        size_t len = text_utf8_sequence(at, end);
        if (!len) return false;
        at += len;
    }
    return true;
}

bool text_has_nul(struct bytes b)
{
    return b.len && memchr(b.ptr, 0, b.len);
}

static const char *skip_printable(const char *at, const char *end)
{
    while (end - at >= 8) {
        uint64_t word = swar_load(at), mask = (swar_below_space(word) | word) & SWAR_TOPS;
        if (mask) return at + swar_first(mask);
        at += 8;
    }
    while (at < end && (unsigned char)*at >= 0x20 && (unsigned char)*at < 0x80)
        at++;
    return at;
}

/* Length of the one allowed character that starts at `at`; 0: none. */
static size_t xml_character(const char *at, const char *end)
{
    unsigned char first = (unsigned char)*at;
    if (first < 0x20) return first == '\t' || first == '\n' || first == '\r';
    size_t len = text_utf8_sequence(at, end);
    bool noncharacter = len == 3 && (memcmp(at, "\xEF\xBF\xBE", 3) == 0 || /* U+FFFE */
                                     memcmp(at, "\xEF\xBF\xBF", 3) == 0);  /* U+FFFF */
    return noncharacter ? 0 : len;
}

bool text_is_xml(struct bytes b)
{
    if (!b.len) return true;
    const char *at = b.ptr, *end = at + b.len;
    while ((at = skip_printable(at, end)) < end) {
        size_t len = xml_character(at, end);
        if (!len) return false;
        at += len;
    }
    return true;
}

static uint32_t code_point(const unsigned char *at, size_t len)
{
    if (len == 2) return (uint32_t)(at[0] & 0x1f) << 6 | (at[1] & 0x3f);
    if (len == 3)
        return (uint32_t)(at[0] & 0x0f) << 12 | (uint32_t)(at[1] & 0x3f) << 6 | (at[2] & 0x3f);
    return (uint32_t)(at[0] & 0x07) << 18 | (uint32_t)(at[1] & 0x3f) << 12 |
           (uint32_t)(at[2] & 0x3f) << 6 | (at[3] & 0x3f);
}

/* Likewise. */
static size_t mqtt_character(const char *at, const char *end)
{
    const unsigned char *bytes = (const unsigned char *)at;
    size_t len = text_utf8_sequence(at, end);
    if (len <= 1) return bytes[0] < 0x20 || bytes[0] == 0x7f ? 0 : len;
    uint32_t code = code_point(bytes, len);
    bool control = code < 0xa0, noncharacter = (code & 0xfffe) == 0xfffe;
    return control || noncharacter || (code >= 0xfdd0 && code <= 0xfdef) ? 0 : len;
}

bool text_is_mqtt(struct bytes b)
{
    if (!b.len) return true;
    const char *at = b.ptr, *end = at + b.len;
    if (memchr(at, 0x7f, b.len)) return false;
    while ((at = skip_printable(at, end)) < end) {
        size_t len = mqtt_character(at, end);
        if (!len) return false;
        at += len;
    }
    return true;
}

static const char base64_digits[64] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void encode_group(char *to, uint32_t bits)
{
    to[0] = base64_digits[bits >> 18];
    to[1] = base64_digits[bits >> 12 & 63];
    to[2] = base64_digits[bits >> 6 & 63];
    to[3] = base64_digits[bits & 63];
}

void text_base64(struct bytes raw, struct buf *out)
{
    buf_reserve(out, (raw.len / 3 + 1) * 4);
    const unsigned char *at = raw.ptr;
    char *to = out->ptr + out->len;
    size_t left = raw.len;
    for (; left >= 3; left -= 3, at += 3, to += 4)
        encode_group(to, (uint32_t)at[0] << 16 | (uint32_t)at[1] << 8 | at[2]);
    if (left) {
        encode_group(to, (uint32_t)at[0] << 16 | (left == 2 ? (uint32_t)at[1] << 8 : 0));
        if (left == 1) to[2] = '=';
        to[3] = '=';
        to += 4;
    }
    out->len = (size_t)(to - out->ptr);
}

/* One more than the value of each digit, so that 0 marks what is none. */
static const unsigned char base64_values[256] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,
    ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
    ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
    ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
    ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
    ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
    ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
    ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63, ['/'] = 64,
};

/* The bits of n digits, first one highest; false: one of them is no digit. */
static bool decode_digits(const unsigned char *at, size_t n, uint32_t *bits)
{
    *bits = 0;
    for (size_t i = 0; i < n; i++) {
        if (!base64_values[at[i]]) return false;
        *bits = *bits << 6 | (base64_values[at[i]] - 1u);
    }
    return true;
}

/* The last group, with n = 2 or 3 digits before the padding; the bits left over must be 0. */
static bool decode_tail(const unsigned char *at, size_t n, unsigned char *to)
{
    uint32_t bits;
    if (!decode_digits(at, n, &bits)) return false;
    if (n == 2) {
        to[0] = (unsigned char)(bits >> 4);
        return (bits & 0xF) == 0;
    }
    to[0] = (unsigned char)(bits >> 10);
    to[1] = (unsigned char)(bits >> 2);
    return (bits & 0x3) == 0;
}

bool text_unbase64(struct bytes text, struct buf *out)
{
    if (text.len % 4) return false;
    if (!text.len) return true;
    const unsigned char *at = text.ptr, *last = at + text.len - 4;
    size_t digits = last[3] != '=' ? 4 : last[2] != '=' ? 3 : 2;
    buf_reserve(out, text.len / 4 * 3);
    unsigned char *to = (unsigned char *)out->ptr + out->len;
    for (; at < last || (at == last && digits == 4); at += 4, to += 3) {
        uint32_t bits;
        if (!decode_digits(at, 4, &bits)) return false;
        to[0] = (unsigned char)(bits >> 16);
        to[1] = (unsigned char)(bits >> 8);
        to[2] = (unsigned char)bits;
    }
    if (digits < 4 && !decode_tail(last, digits, to)) return false;
    out->len += text.len / 4 * 3 - (4 - digits);
    return true;
}

/* Every step is a bijection of the state for a given word, so texts that differ in one word only
 * never collide. The odd constants are digits of the golden ratio and of pi. */
static uint64_t hash_step(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * 0x9E3779B97F4A7C15u;
    return hash ^ hash >> 32;
}

uint64_t text_hash(struct bytes b)
{
    const char *at = b.ptr;
    size_t left = b.len;
    uint64_t hash = hash_step(0x243F6A8885A308D3u, b.len);
    for (; left >= 8; left -= 8, at += 8)
        hash = hash_step(hash, swar_load(at));
    if (left) {
        char tail[8] = {0};
        memcpy(tail, at, left);
        hash = hash_step(hash, swar_load(tail));
    }
    hash = hash_step(hash_step(hash, 0), 0);
    return hash ? hash : 1;
}
