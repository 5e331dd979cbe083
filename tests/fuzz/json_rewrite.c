#include "tests/fuzz/json_rewrite.h"

#include <stdio.h>
#include <stdlib.h>

#include "bridge/json.h"

/* As long as the text and not a byte longer, so that the sanitizer sees the first byte beyond it.
 */
static char *exact_copy(const char *text, size_t len)
{
    char *copy = mem_alloc(len);
    if (len) memcpy(copy, text, len);
    return copy;
}

static void rewrite_number(struct json_writer *w, struct bytes text)
{
    int64_t value;
    if (json_int(text, &value)) {
        json_number(w, value);
        return;
    }
    char digits[40], *copy = mem_strndup(text.ptr, text.len);
    int n = snprintf(digits, sizeof(digits), "%.17g", strtod(copy, NULL));
    json_string(w, bytes_of(digits, (size_t)n));
    free(copy);
}

static void rewrite_token(struct json_writer *w, enum json_token token, struct bytes text)
{
    switch (token) {
    case JSON_OBJECT:
        json_object(w);
        break;
    case JSON_OBJECT_END:
        json_object_end(w);
        break;
    case JSON_ARRAY:
        json_array(w);
        break;
    case JSON_ARRAY_END:
        json_array_end(w);
        break;
    case JSON_KEY:
        json_key_bytes(w, text);
        break;
    case JSON_STRING:
        json_string(w, text);
        break;
    case JSON_NUMBER:
        rewrite_number(w, text);
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        json_bool(w, token == JSON_TRUE);
        break;
    case JSON_NULL:
        json_null(w);
        break;
    case JSON_ERROR:
    case JSON_END:
        break;
    }
}

/* Skipping must come to the same verdict as reading. */
static bool skips(const char *text, size_t len)
{
    char *copy = exact_copy(text, len);
    struct json_reader r;
    json_read(&r, copy, len);
    bool fine = json_skip(&r, json_next(&r)) && json_next(&r) == JSON_END;
    free(copy);
    return fine;
}

bool json_rewrite(const char *text, size_t len, struct buf *out, const char **why)
{
    char *copy = exact_copy(text, len);
    struct json_writer w = {.out = out};
    struct json_reader r;
    enum json_token token;
    json_read(&r, copy, len);
    while ((token = json_next(&r)) != JSON_ERROR && token != JSON_END)
        rewrite_token(&w, token, r.text);
    free(copy);
    if (token == JSON_ERROR && (!r.error || r.error_offset > len)) abort();
    if (skips(text, len) != (token == JSON_END)) abort();
    *why = r.error;
    return token == JSON_END;
}
