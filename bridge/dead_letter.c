#include <stdio.h>

#include "bridge/pipeline_private.h"
#include "bridge/text.h"

enum { REASON_ATTRS = 4 };

static struct attr text_attr(struct bytes name, struct bytes value)
{
    /* A reason may quote the far end, and end in the middle of a character. */
    enum attr_type type = text_is_utf8(value) ? ATTR_STRING : ATTR_BINARY;
    return (struct attr){.name = name, .value = value, .type = type};
}

/* The original body and attributes, and what became of it. Attributes that would be too many give
 * way to these. */
struct msg *dead_letter_wrap(const struct leg *l, const char *reason)
{
    const struct msg *m = l->msg;
    const struct pipeline *p = l->slot->pipeline;
    struct attr attrs[MSG_MAX_ATTRS];
    size_t n = 0, most = MSG_MAX_ATTRS - REASON_ATTRS;
    char attempts[16];
    snprintf(attempts, sizeof(attempts), "%u", l->returns);
    for (; n < m->attr_count && n < most; n++)
        attrs[n] = m->attrs[n];
    attrs[n++] = text_attr(BYTES_LIT("sqsbridge.reason"), bytes_str(reason));
    attrs[n++] = text_attr(BYTES_LIT("sqsbridge.pipeline"), bytes_str(p->conf->name));
    attrs[n++] = text_attr(BYTES_LIT("sqsbridge.origin"), m->position);
    attrs[n] = text_attr(BYTES_LIT("sqsbridge.attempts"), bytes_str(attempts));
    attrs[n++].type = ATTR_NUMBER;
    return msg_with_attrs(m, attrs, n);
}
