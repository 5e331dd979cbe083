#include "connectors/aws/sigv4_text.h"

#include <stdlib.h>
#include <time.h>

enum { DAY_LEN = 8 };

void sigv4_write_time(char time[SIGV4_TIME_SIZE], int64_t now_s)
{
    struct tm parts;
    time_t now = (time_t)now_s;
    if (!gmtime_r(&now, &parts) || !strftime(time, SIGV4_TIME_SIZE, "%Y%m%dT%H%M%SZ", &parts))
        abort(); /* a clock in the year 10000 */
}

void sigv4_write_date_header(char line[32], const char time[SIGV4_TIME_SIZE])
{
    static const char name[] = "X-Amz-Date: ";
    memcpy(line, name, sizeof(name) - 1);
    memcpy(line + sizeof(name) - 1, time, SIGV4_TIME_SIZE);
}

void sigv4_add_scope(struct buf *b, const char time[SIGV4_TIME_SIZE], const struct sigv4_request *r)
{
    static const char end[] = "/aws4_request";
    buf_add(b, time, DAY_LEN);
    buf_add(b, "/", 1);
    buf_add(b, r->region, strlen(r->region));
    buf_add(b, "/", 1);
    buf_add(b, r->service, strlen(r->service));
    buf_add(b, end, sizeof(end) - 1);
}

void sigv4_add_hex(struct buf *b, const unsigned char *bytes, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    buf_reserve(b, 2 * len);
    for (size_t i = 0; i < len; i++) {
        b->ptr[b->len++] = digits[bytes[i] >> 4];
        b->ptr[b->len++] = digits[bytes[i] & 15];
    }
}
