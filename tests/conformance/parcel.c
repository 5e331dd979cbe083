#include "tests/conformance/parcel.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/conformance/wait.h"

void parcels_add(struct parcels *list, const struct msg_draft *draft)
{
    if (list->count == list->cap) {
        list->cap = list->cap ? 2 * list->cap : 64;
        list->items = mem_realloc(list->items, list->cap * sizeof(list->items[0]));
    }
    list->items[list->count++] = msg_new(draft);
}

void parcels_add_copy(struct parcels *list, const struct msg *m)
{
    struct msg_draft draft = {
        .body = m->body,
        .key = m->key,
        .topic = m->topic,
        .position = m->position,
        .attrs = m->attrs,
        .attr_count = m->attr_count,
    };
    parcels_add(list, &draft);
}

void parcels_release(struct parcels *list)
{
    for (size_t i = 0; i < list->count; i++)
        msg_unref(list->items[i]);
    free(list->items);
    *list = (struct parcels){0};
}

/* ---- making them ---- */

void parcels_make_plain(struct parcels *list, size_t n, unsigned lanes)
{
    const struct attr site = {.name = BYTES_LIT("site"), .value = BYTES_LIT("berlin")};
    for (size_t i = 0; i < n; i++) {
        char body[32], key[32], position[32];
        snprintf(body, sizeof(body), "message %zu", list->count);
        snprintf(key, sizeof(key), "lane-%zu", i % lanes);
        snprintf(position, sizeof(position), "probe-%zu", list->count);
        struct msg_draft draft = {
            .body = bytes_str(body),
            .key = bytes_str(key),
            .position = bytes_str(position),
            .attrs = &site,
            .attr_count = 1,
        };
        parcels_add(list, &draft);
    }
}

static void add_special(struct parcels *list, struct bytes body, const struct attr *attrs,
                        size_t attr_count)
{
    char position[32];
    snprintf(position, sizeof(position), "probe-%zu", list->count);
    struct msg_draft draft = {
        .body = body,
        .key = BYTES_LIT("special"),
        .position = bytes_str(position),
        .attrs = attrs,
        .attr_count = attr_count,
    };
    parcels_add(list, &draft);
}

static void add_bodies(struct parcels *list)
{
    char all[256], large[60000];
    for (int i = 0; i < 256; i++)
        all[i] = (char)i;
    memset(large, 'x', sizeof(large));
    add_special(list, BYTES_LIT(""), NULL, 0);
    add_special(list, bytes_of(all, sizeof(all)), NULL, 0);
    add_special(list, bytes_of(large, sizeof(large)), NULL, 0);
    add_special(list, BYTES_LIT("{\"json\": \"\\u00e9 \\\"quoted\\\"\"}"), NULL, 0);
    add_special(list,
                BYTES_LIT("Gr\xc3\xbc\xc3\x9f"
                          "e \xf0\x9f\x98\x80\r\n\ttwo lines"),
                NULL, 0);
    add_special(list, BYTES_LIT("ends in NUL\0"), NULL, 0);
    add_special(list, BYTES_LIT("\xff\xfe not UTF-8"), NULL, 0);
}

static void add_attributes(struct parcels *list)
{
    const struct attr attrs[] = {
        {.name = BYTES_LIT("text"), .value = BYTES_LIT("plain")},
        {.name = BYTES_LIT("umlaut"), .value = BYTES_LIT("\xc3\xa4 \"&<>")},
        {.name = BYTES_LIT("like-base64"), .value = BYTES_LIT("AAEC")},
        {.name = BYTES_LIT("number"), .value = BYTES_LIT("-12.5"), .type = ATTR_NUMBER},
        {.name = BYTES_LIT("count"),
         .value = BYTES_LIT("9007199254740993"),
         .type = ATTR_NUMBER,
         .subtype = BYTES_LIT("long")},
        {.name = BYTES_LIT("bytes"), .value = BYTES_LIT("\0\x01\xff"), .type = ATTR_BINARY},
        {.name = BYTES_LIT("icon"),
         .value = BYTES_LIT("\x89PNG"),
         .type = ATTR_BINARY,
         .subtype = BYTES_LIT("png")},
    };
    add_special(list, BYTES_LIT("with attributes"), attrs, sizeof(attrs) / sizeof(attrs[0]));
}

void parcels_make_special(struct parcels *list, unsigned traits)
{
    add_bodies(list);
    if (traits & PARCEL_ATTRIBUTES) add_attributes(list);
    if (traits & PARCEL_NO_BODY) add_special(list, BYTES_NONE, NULL, 0);
}

/* ---- comparing them ---- */

static void write_bytes(struct bytes b, struct buf *out)
{
    if (!b.ptr) buf_printf(out, "(none)");
    const unsigned char *at = b.ptr;
    for (size_t i = 0; i < b.len; i++)
        if (at[i] > ' ' && at[i] < 127 && at[i] != '\\')
            buf_printf(out, "%c", at[i]);
        else
            buf_printf(out, "\\%02x", at[i]);
}

static int by_name(const void *a, const void *b)
{
    struct bytes x = (*(const struct attr *const *)a)->name,
                 y = (*(const struct attr *const *)b)->name;
    int order = memcmp(x.ptr, y.ptr, x.len < y.len ? x.len : y.len);
    return order ? order : (x.len > y.len) - (x.len < y.len);
}

static void write_attributes(const struct msg *m, struct buf *out)
{
    static const char *const types[] = {"String", "Number", "Binary"};
    const struct attr *sorted[MSG_MAX_ATTRS];
    for (size_t i = 0; i < m->attr_count; i++)
        sorted[i] = &m->attrs[i];
    qsort(sorted, m->attr_count, sizeof(sorted[0]), by_name);
    for (size_t i = 0; i < m->attr_count; i++) {
        buf_printf(out, " %.*s=%s.%.*s:", BYTES_ARGS(sorted[i]->name), types[sorted[i]->type],
                   BYTES_ARGS(sorted[i]->subtype));
        write_bytes(sorted[i]->value, out);
    }
}

static struct bytes key_of(const struct msg *m, unsigned traits)
{
    if (m->key.ptr || !m->topic.ptr || !(traits & PARCEL_KEY_IN_TOPIC)) return m->key;
    const char *slash = memrchr(m->topic.ptr, '/', m->topic.len);
    const char *end = (const char *)m->topic.ptr + m->topic.len;
    return slash ? bytes_of(slash + 1, (size_t)(end - slash - 1)) : m->topic;
}

/* One line that is the same for parcels that are equal, as far as the transport can tell. */
static char *text_of(const struct msg *m, unsigned traits)
{
    struct buf out = {0};
    if (m->body.ptr || traits & PARCEL_NO_BODY) write_bytes(m->body, &out);
    if (traits & PARCEL_KEY) {
        buf_printf(&out, " key=");
        write_bytes(key_of(m, traits), &out);
    }
    if (traits & PARCEL_ATTRIBUTES) write_attributes(m, &out);
    buf_add(&out, "", 1);
    return out.ptr;
}

struct texts {
    char **items;
    size_t count;
};

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static struct texts texts_of(const struct parcels *list, unsigned traits)
{
    struct texts t = {.items = mem_alloc((list->count + 1) * sizeof(char *))};
    for (; t.count < list->count; t.count++)
        t.items[t.count] = text_of(list->items[t.count], traits);
    return t;
}

static void texts_release(struct texts *t)
{
    for (size_t i = 0; i < t->count; i++)
        free(t->items[i]);
    free(t->items);
}

/* Both are sorted. */
static size_t compare(const struct texts *sent, const struct texts *arrived)
{
    size_t at = 0, repeats = 0;
    for (size_t i = 0; i < sent->count; i++) {
        if (at < arrived->count && strcmp(arrived->items[at], sent->items[i]) < 0)
            check_failed("never sent: %.300s", arrived->items[at]);
        if (at == arrived->count || strcmp(arrived->items[at], sent->items[i]) != 0)
            check_failed("missing: %.300s (the next that came: %.300s)", sent->items[i],
                         at < arrived->count ? arrived->items[at] : "none");
        at++;
        bool last = i + 1 == sent->count || strcmp(sent->items[i], sent->items[i + 1]) != 0;
        for (; last && at < arrived->count && strcmp(arrived->items[at], sent->items[i]) == 0; at++)
            repeats++;
    }
    if (at < arrived->count) check_failed("never sent: %.300s", arrived->items[at]);
    return repeats;
}

void parcels_expect(const struct parcels *sent, const struct parcels *arrived, unsigned traits,
                    size_t repeats)
{
    struct texts s = texts_of(sent, traits), a = texts_of(arrived, traits);
    qsort(s.items, s.count, sizeof(char *), by_text);
    qsort(a.items, a.count, sizeof(char *), by_text);
    size_t found = compare(&s, &a);
    if (found > repeats) check_failed("%zu parcels came twice, %zu may", found, repeats);
    texts_release(&s);
    texts_release(&a);
}

bool parcels_include(const struct parcels *list, const struct parcels *these, unsigned traits)
{
    struct texts all = texts_of(list, traits), wanted = texts_of(these, traits);
    qsort(all.items, all.count, sizeof(char *), by_text);
    bool found = true;
    for (size_t i = 0; i < wanted.count && found; i++)
        found = bsearch(&wanted.items[i], all.items, all.count, sizeof(char *), by_text) != NULL;
    texts_release(&all);
    texts_release(&wanted);
    return found;
}

static size_t place_of(const struct texts *t, const char *text)
{
    size_t i = 0;
    while (i < t->count && strcmp(t->items[i], text) != 0)
        i++;
    return i;
}

static void check_lane(const struct parcels *sent, const struct texts *texts,
                       const struct texts *arrived, struct bytes key)
{
    size_t next = 0; /* the first of this lane that has not yet come */
    for (size_t i = 0; i < arrived->count; i++) {
        size_t at = place_of(texts, arrived->items[i]);
        if (at == texts->count || !bytes_eq(sent->items[at]->key, key)) continue;
        while (next < texts->count && !bytes_eq(sent->items[next]->key, key))
            next++;
        if (at > next)
            check_failed("out of order: %.200s came before %.200s", texts->items[at],
                         texts->items[next]);
        if (at == next) next++;
    }
}

void parcels_expect_order(const struct parcels *sent, const struct parcels *arrived,
                          unsigned traits)
{
    struct texts s = texts_of(sent, traits), a = texts_of(arrived, traits);
    for (size_t i = 0; i < sent->count; i++) {
        bool seen = false;
        for (size_t j = 0; j < i && !seen; j++)
            seen = bytes_eq(sent->items[j]->key, sent->items[i]->key);
        if (!seen) check_lane(sent, &s, &a, sent->items[i]->key);
    }
    texts_release(&s);
    texts_release(&a);
}
