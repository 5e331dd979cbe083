/* A folder for a store that goes when its test ends, and messages to put there. Thread: the test's.
 */
#ifndef TESTS_UNIT_STORE_FIXTURE_H
#define TESTS_UNIT_STORE_FIXTURE_H

#include "bridge/msg.h"

struct store_folder {
    char path[64];
    char db[96]; /* of the pipeline "test", worker 0 */
};

int store_folder_setup(void **state); /* *state is a struct store_folder */
int store_folder_teardown(void **state);
void store_folder_clear(const struct store_folder *f); /* of all files */

/* How many files have this in their name. */
unsigned store_folder_count(const struct store_folder *f, const char *part);

struct msg *numbered_msg(unsigned n, size_t body_bytes); /* the body begins with the number */

#endif
