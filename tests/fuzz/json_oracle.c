#include "tests/fuzz/json_oracle.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/json_rewrite.h"

enum { LOAD_FLAGS = JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES };

static void differ(const char *what, const char *why, const char *text, size_t len)
{
    fprintf(stderr, "json_oracle: %s: %s: ", what, why);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        fprintf(stderr, c >= 0x20 && c < 0x7F ? "%c" : "<%02x>", c);
    }
    fputc('\n', stderr);
    abort();
}

static json_t *real_to_text(const json_t *real)
{
    char digits[40];
    snprintf(digits, sizeof(digits), "%.17g", json_real_value(real));
    return json_string(digits);
}

/* The same tree with its reals as strings, as json_rewrite() writes them. Takes value. */
static json_t *without_reals(json_t *value)
{
    void *next;
    const char *key;
    size_t key_len, i;
    json_t *member;
    if (json_is_real(value)) {
        json_t *text = real_to_text(value);
        json_decref(value);
        return text;
    }
    json_object_keylen_foreach_safe(value, next, key, key_len, member)
    {
        json_object_setn_new(value, key, key_len, without_reals(json_incref(member)));
    }
    json_array_foreach(value, i, member)
    {
        json_array_set_new(value, i, without_reals(json_incref(member)));
    }
    return value;
}

/* Limits of jansson's that JSON doesn't have, and repeated keys, of which we see each. */
static bool is_jansson_limit(const json_error_t *e)
{
    switch ((int)json_error_code(e)) {
    case json_error_numeric_overflow:
    case json_error_null_byte_in_key:
    case json_error_duplicate_key:
        return true;
    default:
        return false;
    }
}

/* It takes a NUL after the value for the end of the text, and goes deeper. */
static bool is_jansson_leniency(const char *text, size_t len, const char *why)
{
    return memchr(text, 0, len) || strcmp(why, "nested too deep") == 0;
}

static void compare(json_t *theirs, const struct buf *rewritten, const char *text, size_t len)
{
    json_error_t e;
    json_t *ours = json_loadb(rewritten->ptr, rewritten->len, LOAD_FLAGS, &e);
    if (!ours) differ("the writer's text is not JSON", e.text, text, len);
    if (!json_equal(ours, theirs)) differ("different values", "", text, len);
    json_decref(ours);
}

bool json_oracle_check(const char *text, size_t len)
{
    json_error_t e;
    const char *why;
    struct buf rewritten = {0};
    bool taken = json_rewrite(text, len, &rewritten, &why);
    json_t *theirs = json_loadb(text, len, LOAD_FLAGS, &e);
    if (taken && !theirs && !is_jansson_limit(&e))
        differ("only jansson refuses", e.text, text, len);
    if (!taken && theirs && !is_jansson_leniency(text, len, why))
        differ("only jansson takes it", why, text, len);
    if (theirs) theirs = without_reals(theirs);
    if (taken && theirs) compare(theirs, &rewritten, text, len);
    bool both = taken && theirs;
    json_decref(theirs);
    free(rewritten.ptr);
    return both;
}
