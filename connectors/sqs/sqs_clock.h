/* How far this machine's clock is off that of SQS, which refuses signatures that are five minutes
 * off. Every answer tells it, so that a clock that is set wrong is seen before a request is
 * refused. Thread: one per struct. Source: AWS SDKs, clock skew correction. */
#ifndef CONNECTORS_SQS_SQS_CLOCK_H
#define CONNECTORS_SQS_SQS_CLOCK_H

#include "connectors/http/http.h"

enum { SQS_CLOCK_SKEW_S = 240 }; /* what is tolerated; AWS tolerates 300 */

struct sqs_clock {
    int64_t offset_s; /* theirs - ours; add it to what is signed */
    char date[80];    /* of the last answer, and what it says: many come in one second */
    int64_t date_s;
};

/* What the Date of an answer changes. One without a Date, or from a cache, changes nothing. */
enum sqs_clock_change { SQS_CLOCK_AS_BEFORE, SQS_CLOCK_IS_WRONG, SQS_CLOCK_IS_RIGHT };
enum sqs_clock_change sqs_clock_read(struct sqs_clock *clock, const struct http_request *answer,
                                     int64_t now_s);

bool sqs_clock_parse(const char *date, int64_t *s); /* "Sun, 22 Nov 2026 12:00:00 GMT" */

#endif
