/* SendMessage, SendMessageBatch. */
#include "tests/sim/batch.h"
#include "tests/sim/draft.h"
#include "tests/sim/jout.h"

#include <inttypes.h>
#include <stdio.h>

/* A fault on command makes the digest wrong, so that a client can show that it looks. */
static void spoil(char md5[MD5_TEXT])
{
    md5[0] = md5[0] == '0' ? '1' : '0';
}

static void write_trace_md5(const struct draft *d, struct buf *out)
{
    char md5[MD5_TEXT];
    const struct attribute trace = {text_of("AWSTraceHeader"), text_of("String"), d->trace_header};
    md5_attributes(&trace, 1, md5);
    jout_pair(out, "MD5OfMessageSystemAttributes", text_of(md5));
}

static void write_sent(struct call *c, struct draft *d, struct sent *s, struct buf *out)
{
    char digits[24];
    if (c->fault.kind == FAULT_WRONG_MD5) spoil(s->body_md5);
    if (c->fault.kind == FAULT_WRONG_ATTRIBUTE_MD5) spoil(d->attributes_md5);
    jout_pair(out, "MessageId", text_of(s->id));
    jout_pair(out, "MD5OfMessageBody", text_of(s->body_md5));
    if (d->n_attributes) jout_pair(out, "MD5OfMessageAttributes", text_of(d->attributes_md5));
    if (d->trace_header.len) write_trace_md5(d, out);
    if (s->sequence) {
        snprintf(digits, sizeof(digits), "%" PRIu64, s->sequence);
        jout_pair(out, "SequenceNumber", text_of(digits));
    }
}

static bool send_one(struct call *c, const json_t *entry, bool in_batch, struct buf *out,
                     struct api_error *e)
{
    struct draft d;
    struct sent sent;
    bool ok = draft_read(&d, entry, c->queue, in_batch, e);
    if (ok) {
        queue_send(c->queue, &d, &sent);
        write_sent(c, &d, &sent, out);
    }
    draft_free(&d);
    return ok;
}

bool action_send_message(struct call *c, struct api_error *e)
{
    jout_open(c->out, '{');
    bool ok = send_one(c, c->args, false, c->out, e);
    jout_close(c->out, '}');
    return ok;
}

static bool send_entry(struct call *c, const json_t *entry, struct buf *out, struct api_error *e)
{
    return send_one(c, entry, true, out, e);
}

bool action_send_message_batch(struct call *c, struct api_error *e)
{
    static const struct batch batch = {"SendMessageBatchRequestEntry", send_entry, draft_wire_size};
    return batch_run(c, &batch, e);
}
