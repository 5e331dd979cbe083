/* JSON: a pull reader that allocates nothing, and a writer. One module for every use (SQS's wire is
 * the hot path). Thread: any; the state is the caller's. Source: RFC 8259. */
#ifndef BRIDGE_JSON_H
#define BRIDGE_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "bridge/bytes.h"
#include "bridge/mem.h"

enum json_token {
    JSON_ERROR, /* malformed, too deep, invalid UTF-8 or a lone surrogate: every later call says so
                   too */
    JSON_END,   /* the one value has ended and only white space followed */
    JSON_OBJECT,
    JSON_OBJECT_END,
    JSON_ARRAY,
    JSON_ARRAY_END,
    JSON_KEY, /* its value follows as the next token */
    JSON_STRING,
    JSON_NUMBER,
    JSON_TRUE,
    JSON_FALSE,
    JSON_NULL,
};

enum { JSON_MAX_DEPTH = 64 };

struct json_reader {
    char *at, *end;
    struct bytes text; /* of the last key, string (unescaped) or number (as written) */
    unsigned depth;
    uint64_t is_object; /* a bit for each level */
    bool need_comma, after_key, failed;
    size_t error_offset;
    const char *error; /* why, after JSON_ERROR */
    char *start;
};

/* Strings are unescaped in place: text must be writable and outlive the views handed out. Needs no
 * NUL at the end. */
void json_read(struct json_reader *r, char *text, size_t len);
enum json_token json_next(struct json_reader *r);

/* Skips the value whose first token was `first` (for a key that does not matter). False: malformed.
 */
bool json_skip(struct json_reader *r, enum json_token first) MUST_USE;

/* An integer from a number token, or from a string that holds one. False: not an integer of that
 * range. */
bool json_int(struct bytes text, int64_t *value) MUST_USE;

/* The writer puts commas where they belong; the caller balances the brackets. */
struct json_writer {
    struct buf *out;
    bool need_comma;
};

void json_object(struct json_writer *w);
void json_object_end(struct json_writer *w);
void json_array(struct json_writer *w);
void json_array_end(struct json_writer *w);
void json_key(struct json_writer *w, const char *key); /* plain ASCII, nothing to escape */
void json_key_bytes(struct json_writer *w, struct bytes key);
void json_string(struct json_writer *w, struct bytes text); /* valid UTF-8; escapes what must be */
void json_base64(struct json_writer *w, struct bytes raw);
void json_number(struct json_writer *w, int64_t value);
void json_bool(struct json_writer *w, bool value);
void json_null(struct json_writer *w);

#endif
