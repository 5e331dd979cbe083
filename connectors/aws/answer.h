/* Keys out of what services and programs answer, JSON or XML. Thread: any. Owner: the caller, who
 * frees the answer, cleansed. */
#ifndef CONNECTORS_AWS_ANSWER_H
#define CONNECTORS_AWS_ANSWER_H

#include "connectors/aws/keys.h"

/* What stood in the answer; NULL: it did not. */
enum answer_field {
    ANSWER_ID,
    ANSWER_SECRET,
    ANSWER_TOKEN,
    ANSWER_EXPIRATION,
    ANSWER_CODE, /* of an error, or "Success" */
    ANSWER_MESSAGE,
    ANSWER_VERSION,
    ANSWER_FIELDS
};
struct answer {
    char *fields[ANSWER_FIELDS];
};

/* What the members are called there, at whatever depth; NULL: there is none. */
struct answer_names {
    const char *fields[ANSWER_FIELDS];
};

/* As AWS IoT and Roles Anywhere call them. */
extern const struct answer_names answer_names_camel;

/* Reads in place; the text must be writable, and is cleansed. False: it is neither. The error never
 * tells what stood there. */
bool answer_read_json(char *text, size_t len, const struct answer_names *names, struct answer *a,
                      struct error *e) MUST_USE;
bool answer_read_xml(char *text, size_t len, const struct answer_names *names, struct answer *a,
                     struct error *e) MUST_USE;
void answer_free(struct answer *a);

/* False: one is missing, or unusable. What needs no expiration may have none. */
bool answer_keys(const struct answer *a, const struct answer_names *names, struct fresh_keys *k,
                 struct error *e) MUST_USE;

/* The same, and of_a_service is set. */
bool answer_keys_of_service(const struct answer *a, const struct answer_names *names,
                            struct fresh_keys *k, struct error *e) MUST_USE;

/* "2026-11-22T12:00:00Z", with fractions, with an offset: seconds since 1970. */
bool answer_time(const char *text, int64_t *at_s) MUST_USE;

#endif
