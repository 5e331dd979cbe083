/* The files of AWS's profiles, line by line: [section], name = value, comments from # or ;. Lines
 * that begin with a blank belong to a nested setting, which nobody here needs. Thread: any; the
 * state is the caller's. Source: AWS SDKs and Tools reference, "Shared config and credentials
 * files". */
#ifndef CONNECTORS_AWS_INI_H
#define CONNECTORS_AWS_INI_H

#include "bridge/bytes.h"

enum ini_token {
    INI_END,
    INI_ERROR,   /* this line is neither; reading may go on */
    INI_SECTION, /* name, without its brackets */
    INI_SETTING, /* name and value, which may be empty */
};

struct ini_reader {
    const char *at, *end;
    unsigned line; /* of the last token, from 1 */
    struct bytes name, value;
};

void ini_read(struct ini_reader *r, const char *text, size_t len); /* borrows it */
enum ini_token ini_next(struct ini_reader *r);

#endif
