/* Pieces of text that both kinds of signature are made of. Thread: any; no state. */
#ifndef CONNECTORS_AWS_SIGV4_TEXT_H
#define CONNECTORS_AWS_SIGV4_TEXT_H

#include "connectors/aws/sigv4.h"

enum { SIGV4_TIME_SIZE = 17 };

/* "20261122T120000Z", of a time in years of four digits. */
void sigv4_write_time(char time[SIGV4_TIME_SIZE], int64_t now_s);
void sigv4_write_date_header(char line[32], const char time[SIGV4_TIME_SIZE]);

/* day/region/service/aws4_request */
void sigv4_add_scope(struct buf *b, const char time[SIGV4_TIME_SIZE],
                     const struct sigv4_request *r);
void sigv4_add_hex(struct buf *b, const unsigned char *bytes, size_t len); /* in lower case */

#endif
