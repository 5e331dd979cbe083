#include "tests/sim/handle.h"

#include "tests/sim/chance.h"

#include <string.h>

/* The fields, a check over them, and noise up to the length that real handles have. */
enum {
    WORDS = 32,
    FIELDS_TEXT = 44, /* base64 of 33 bytes, of which the fields and the check are the first 32 */
};

static uint64_t check_of(const struct handle *h)
{
    uint64_t check = chance_mix(h->queue ^ 0x5153u);
    check = chance_mix(check ^ h->message);
    return chance_mix(check ^ h->generation);
}

void handle_write(struct buf *b, const struct handle *h)
{
    uint64_t words[WORDS + 1] = {h->queue, h->message, h->generation, check_of(h)};
    struct chance noise = {words[3]};
    for (size_t i = 4; i <= WORDS; i++)
        words[i] = chance_next(&noise);
    buf_add_base64(b, (struct text){(const char *)words, WORDS * sizeof(words[0]) + 2});
}

bool handle_read(struct text t, struct handle *out)
{
    struct buf raw = {0};
    uint64_t words[4] = {0};
    bool ok = t.len == HANDLE_TEXT && buf_add_unbase64(&raw, (struct text){t.ptr, FIELDS_TEXT});
    if (ok) memcpy(words, raw.ptr, sizeof(words));
    buf_free(&raw);
    *out = (struct handle){words[0], words[1], words[2]};
    return ok && words[3] == check_of(out);
}
