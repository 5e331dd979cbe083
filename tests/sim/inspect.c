#include "tests/sim/inspect.h"

#include "tests/sim/actions.h"
#include "tests/sim/jout.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void write_calls(const struct sim *sim, struct buf *out)
{
    jout_key(out, "calls");
    jout_open(out, '{');
    for (size_t i = 0; i < actions_count; i++) {
        if (sim->calls[i]) jout_pair_int(out, actions[i].name, (int64_t)sim->calls[i]);
    }
    jout_close(out, '}');
}

void inspect_stats(struct sim *sim, struct buf *out)
{
    jout_open(out, '{');
    write_calls(sim, out);
    jout_pair_int(out, "calls_unknown", (int64_t)sim->calls_unknown);
    jout_pair_int(out, "answers_ok", (int64_t)sim->answers_ok);
    jout_pair_int(out, "answers_failed", (int64_t)sim->answers_failed);
    jout_pair_int(out, "signature_failures", (int64_t)sim->auth.failures);
    jout_pair_int(out, "polls_waiting", (int64_t)sim->polls);
    jout_pair_int(out, "requests", (int64_t)sim->http.requests);
    jout_pair_int(out, "connections", (int64_t)sim->http.connections);
    jout_pair_int(out, "connections_open", (int64_t)sim->http.open);
    jout_pair_int(out, "bytes_in", (int64_t)sim->http.bytes_in);
    jout_pair_int(out, "bytes_out", (int64_t)sim->http.bytes_out);
    jout_pair_int(out, "messages_sent", (int64_t)sim->account.sent);
    jout_pair_int(out, "messages_received", (int64_t)sim->account.received);
    jout_pair_int(out, "messages_deleted", (int64_t)sim->account.deleted_messages);
    jout_pair_int(out, "clock_offset_ms", sim->account.clock.offset_ms);
    jout_close(out, '}');
}

void inspect_forget(struct sim *sim)
{
    struct http_server *h = &sim->http;
    memset(sim->calls, 0, actions_count * sizeof(sim->calls[0]));
    sim->calls_unknown = sim->answers_ok = sim->answers_failed = 0;
    sim->auth.failures = 0;
    sim->account.sent = sim->account.received = sim->account.deleted_messages = 0;
    h->requests = h->bytes_in = h->bytes_out = 0;
    h->connections = h->open;
}

static void write_counts(struct queue *q, struct buf *out)
{
    queue_settle(q);
    jout_pair(out, "name", text_of(q->name));
    jout_pair_bool(out, "fifo", q->settings.fifo);
    jout_pair_int(out, "ready", (int64_t)q->ready);
    jout_pair_int(out, "delayed", (int64_t)q->delayed);
    jout_pair_int(out, "in_flight", (int64_t)q->in_flight);
    jout_pair_int(out, "sent", (int64_t)q->sent);
    jout_pair_int(out, "deduplicated", (int64_t)q->deduplicated);
    jout_pair_int(out, "received", (int64_t)q->received);
    jout_pair_int(out, "deleted", (int64_t)q->deleted);
    jout_pair_int(out, "stale_deletes", (int64_t)q->stale_deletes);
    jout_pair_int(out, "expired", (int64_t)q->expired);
    jout_pair_int(out, "redriven", (int64_t)q->redriven);
}

void inspect_queues(struct sim *sim, struct buf *out)
{
    size_t n = 0;
    struct queue **queues = account_sorted(&sim->account, &n);
    jout_open(out, '[');
    for (size_t i = 0; i < n; i++) {
        jout_open(out, '{');
        write_counts(queues[i], out);
        jout_close(out, '}');
    }
    jout_close(out, ']');
    free(queues);
}

static void write_attributes(const struct message *m, struct buf *out)
{
    jout_key(out, "attributes");
    jout_open(out, '{');
    for (size_t i = 0; i < m->n_attributes; i++) {
        const struct attribute *a = &m->attributes[i];
        jout_key_text(out, a->name);
        jout_open(out, '{');
        jout_pair(out, "type", a->type);
        jout_key(out, "value");
        if (attribute_is_binary(a)) {
            buf_add_char(out, '"');
            buf_add_base64(out, a->value);
            buf_add_char(out, '"');
        } else {
            jout_text(out, a->value);
        }
        jout_close(out, '}');
    }
    jout_close(out, '}');
}

static const char *state_name(enum message_state state)
{
    switch (state) {
    case MESSAGE_READY:
        return "ready";
    case MESSAGE_DELAYED:
        return "delayed";
    case MESSAGE_IN_FLIGHT:
        break;
    }
    return "in_flight";
}

static void write_message(const struct message *m, int64_t now_ms, struct buf *out)
{
    char sequence[24];
    jout_open(out, '{');
    jout_pair(out, "id", text_of(m->id));
    jout_pair(out, "state", text_of(state_name(m->state)));
    jout_pair(out, "body", m->body);
    write_attributes(m, out);
    jout_pair_int(out, "receive_count", m->receive_count);
    if (m->state != MESSAGE_READY) jout_pair_int(out, "visible_in_ms", m->visible_ms - now_ms);
    if (m->group.ptr) jout_pair(out, "group", m->group);
    if (m->dedup.ptr) jout_pair(out, "dedup", m->dedup);
    if (m->trace_header.ptr) jout_pair(out, "trace_header", m->trace_header);
    if (m->dead_letter_source) jout_pair(out, "dead_letter_source", text_of(m->dead_letter_source));
    if (m->sequence) {
        snprintf(sequence, sizeof(sequence), "%" PRIu64, m->sequence);
        jout_pair(out, "sequence", text_of(sequence));
    }
    jout_close(out, '}');
}

static int64_t polls_of(const struct queue *q)
{
    int64_t n = 0;
    for (const struct link *node = q->polls.next; node != &q->polls; node = node->next)
        n++;
    return n;
}

void inspect_queue(struct queue *q, size_t limit, struct buf *out)
{
    int64_t now_ms = clock_now_ms(&q->account->clock);
    jout_open(out, '{');
    write_counts(q, out);
    jout_pair_int(out, "polls_waiting", polls_of(q));
    jout_key(out, "messages");
    jout_open(out, '[');
    for (struct link *node = q->all.next; node != &q->all && limit; node = node->next, limit--)
        write_message(LIST_ENTRY(node, struct message, all), now_ms, out);
    jout_close(out, ']');
    jout_close(out, '}');
}
