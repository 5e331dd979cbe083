#include "tests/sim/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int setup(void **state, const char *name)
{
    struct fixture *f = mem_alloc(sizeof(*f));
    account_init(&f->account, "us-east-1", 1);
    f->q = account_add(&f->account, text_of(name));
    *state = f;
    return 0;
}

int fixture_setup_standard(void **state)
{
    return setup(state, "q");
}

int fixture_setup_fifo(void **state)
{
    return setup(state, "q.fifo");
}

int fixture_teardown(void **state)
{
    struct fixture *f = *state;
    account_free(&f->account);
    free(f);
    return 0;
}

void fixture_set(struct queue *q, const char *attribute, const char *value)
{
    struct api_error e;
    assert_true(settings_set(&q->settings, text_of(attribute), text_of(value), &e));
    assert_true(settings_settle(&q->settings, &e));
}

struct sent fixture_send(struct queue *q, const char *group, const char *body, const char *dedup)
{
    struct sent sent;
    struct draft d = {.body = text_of(body), .group = text_of(group), .delay_s = -1};
    if (q->settings.fifo && !q->settings.content_dedup) d.dedup = text_of(dedup ? dedup : body);
    queue_send(q, &d, &sent);
    return sent;
}

static struct got receive(struct queue *q, const struct receive *r)
{
    struct got got = {0};
    struct message *messages[QUEUE_RECEIVE_MAX];
    assert_true(queue_receive(q, r, messages, &got.n));
    for (size_t i = 0; i < got.n; i++) {
        struct buf handle = {0};
        queue_handle_of(q, messages[i], &handle);
        assert_int_equal(handle.len, 344);
        memcpy(got.handles[i], handle.ptr, handle.len);
        buf_free(&handle);
        got.counts[i] = messages[i]->receive_count;
        size_t len = strlen(got.bodies);
        snprintf(got.bodies + len, sizeof(got.bodies) - len, "%s%.*s", i ? "," : "",
                 (int)messages[i]->body.len, messages[i]->body.ptr);
    }
    return got;
}

struct got fixture_receive(struct queue *q, unsigned max, int64_t visibility_s)
{
    return receive(q, &(struct receive){.max = max, .visibility_s = visibility_s});
}

struct got fixture_receive_attempt(struct queue *q, unsigned max, const char *attempt)
{
    return receive(q, &(struct receive){max, -1, text_of(attempt), false});
}

enum handle_verdict fixture_delete(struct queue *q, const struct got *got, size_t i)
{
    return queue_delete(q, text_of(got->handles[i]));
}

enum handle_verdict fixture_change(struct queue *q, const struct got *got, size_t i,
                                   int64_t timeout_s)
{
    return queue_change_visibility(q, text_of(got->handles[i]), timeout_s);
}

void fixture_advance(struct fixture *f, int64_t ms)
{
    f->account.clock.offset_ms += ms;
}
