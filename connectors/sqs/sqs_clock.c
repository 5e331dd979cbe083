#include "connectors/sqs/sqs_clock.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

bool sqs_clock_parse(const char *date, int64_t *s)
{
    struct tm utc = {0};
    const char *end = strptime(date, "%a, %d %b %Y %H:%M:%S GMT", &utc);
    if (!end || *end) return false;
    *s = timegm(&utc);
    return true;
}

static bool read_date(struct sqs_clock *clock, const char *date)
{
    if (strcmp(date, clock->date) == 0) return *date;
    clock->date[0] = '\0';
    if (!sqs_clock_parse(date, &clock->date_s)) return false;
    memcpy(clock->date, date, strlen(date) + 1);
    return true;
}

static bool is_off(int64_t a_s, int64_t b_s)
{
    return llabs(a_s - b_s) >= SQS_CLOCK_SKEW_S;
}

enum sqs_clock_change sqs_clock_read(struct sqs_clock *clock, const struct http_request *answer,
                                     int64_t now_s)
{
    if (*answer->answer_headers[HTTP_AGE]) return SQS_CLOCK_AS_BEFORE; /* its Date is of then */
    if (!read_date(clock, answer->answer_headers[HTTP_DATE])) return SQS_CLOCK_AS_BEFORE;
    int64_t theirs_s = clock->date_s;
    if (!is_off(theirs_s, now_s + clock->offset_s)) return SQS_CLOCK_AS_BEFORE;
    bool wrong = is_off(theirs_s, now_s);
    clock->offset_s = wrong ? theirs_s - now_s : 0;
    return wrong ? SQS_CLOCK_IS_WRONG : SQS_CLOCK_IS_RIGHT;
}
