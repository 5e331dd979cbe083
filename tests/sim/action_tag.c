/* Tags, and the actions that list queues. */
#include "tests/sim/args.h"
#include "tests/sim/call.h"
#include "tests/sim/jout.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool action_tag_queue(struct call *c, struct api_error *e)
{
    json_t *tags;
    if (!args_map(c->args, "Tags", &tags, e)) return false;
    if (!json_object_size(tags)) return args_missing("Tags", e);
    for (void *at = json_object_iter(tags); at; at = json_object_iter_next(tags, at)) {
        if (!json_is_string(json_object_iter_value(at)))
            return api_fail(e, API_SERIALIZATION, "Tags must be Strings");
        label_set(&c->queue->tags, text_of(json_object_iter_key(at)),
                  args_view(json_object_iter_value(at)));
    }
    return true;
}

bool action_untag_queue(struct call *c, struct api_error *e)
{
    json_t *keys;
    if (!args_names(c->args, "TagKeys", &keys, e)) return false;
    if (!json_array_size(keys)) return args_missing("TagKeys", e);
    for (size_t i = 0; i < json_array_size(keys); i++)
        label_remove(&c->queue->tags, args_view(json_array_get(keys, i)));
    return true;
}

bool action_list_queue_tags(struct call *c, struct api_error *e)
{
    (void)e;
    jout_open(c->out, '{');
    if (c->queue->tags.count) {
        jout_key(c->out, "Tags");
        jout_open(c->out, '{');
        for (struct label *l = NULL; (l = label_next(&c->queue->tags, l));)
            jout_pair(c->out, l->name, text_of(l->value));
        jout_close(c->out, '}');
    }
    jout_close(c->out, '}');
    return true;
}

/* One page of a listing: the queues of `chosen` from the token on. */
struct page {
    int64_t max; /* 0: the caller did not ask for pages */
    size_t from;
    const char *member;
};

static bool read_page(struct call *c, struct page *p, struct api_error *e)
{
    struct text token;
    static const struct args_range range = {1, 1000, "Must be between 1 and 1000."};
    if (!args_int_within(c->args, "MaxResults", &range, &p->max, e) ||
        !args_text(c->args, "NextToken", &token, e))
        return false;
    if (!token.ptr) return true;
    if (!p->max)
        return api_fail(e, API_INVALID_PARAMETER,
                        "MaxResults is a mandatory parameter when you provide a value for "
                        "NextToken.");
    struct buf plain = {0};
    bool ok = buf_add_unbase64(&plain, token);
    buf_add_char(&plain, 0);
    p->from = strtoul(plain.ptr, NULL, 10);
    buf_free(&plain);
    return ok || api_fail(e, API_INVALID_PARAMETER, "Invalid or expired NextToken.");
}

static void write_token(struct call *c, size_t from)
{
    char digits[24];
    snprintf(digits, sizeof(digits), "%zu", from);
    jout_key(c->out, "NextToken");
    buf_add_char(c->out, '"');
    buf_add_base64(c->out, text_of(digits));
    buf_add_char(c->out, '"');
}

/* `always`: the list is there even when it is empty. */
static void write_page(struct call *c, const struct page *p, struct queue **chosen, size_t n,
                       bool always)
{
    size_t max = p->max ? (size_t)p->max : 1000;
    size_t end = p->from < n && n - p->from > max ? p->from + max : n;
    jout_open(c->out, '{');
    if (p->from < end || always) {
        jout_key(c->out, p->member);
        jout_open(c->out, '[');
        for (size_t i = p->from; i < end; i++) {
            if (i > p->from) buf_add_char(c->out, ',');
            call_write_url(c, chosen[i], c->out);
        }
        jout_close(c->out, ']');
    }
    if (p->max && end < n) write_token(c, end);
    jout_close(c->out, '}');
}

bool action_list_queues(struct call *c, struct api_error *e)
{
    struct page p = {.member = "QueueUrls"};
    struct text prefix;
    size_t n = 0, kept = 0;
    if (!read_page(c, &p, e) || !args_text(c->args, "QueueNamePrefix", &prefix, e)) return false;
    struct queue **queues = account_sorted(&c->sim->account, &n);
    for (size_t i = 0; i < n; i++) {
        struct text name = text_of(queues[i]->name);
        if (name.len >= prefix.len && (!prefix.len || !memcmp(name.ptr, prefix.ptr, prefix.len)))
            queues[kept++] = queues[i];
    }
    write_page(c, &p, queues, kept, false);
    free(queues);
    return true;
}

/* The model spells the member with a small q. */
bool action_list_dead_letter_source_queues(struct call *c, struct api_error *e)
{
    struct page p = {.member = "queueUrls"};
    size_t n = 0, kept = 0;
    if (!read_page(c, &p, e)) return false;
    struct queue **queues = account_sorted(&c->sim->account, &n);
    for (size_t i = 0; i < n; i++) {
        const char *target = queues[i]->settings.dead_letter_arn;
        if (target && !strcmp(target, c->queue->arn)) queues[kept++] = queues[i];
    }
    write_page(c, &p, queues, kept, true);
    free(queues);
    return true;
}
