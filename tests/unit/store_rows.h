/* Numbered rows in a store on disk, and what tests do to its file. What fails ends the test.
 * Thread: the test's. */
#ifndef TESTS_UNIT_STORE_ROWS_H
#define TESTS_UNIT_STORE_ROWS_H

#include <sys/types.h>

#include "bridge/store_disk.h"
#include "tests/unit/store_fixture.h"

enum { MAX_ROWS = 5000 };
#define MANY_BYTES (INT64_C(1) << 30)

struct store_disk *rows_open(const struct store_folder *f);
struct store_disk *rows_open_with(const struct store_folder *f, int64_t max_bytes);

/* Rows numbered like their messages, in one commit. Whether they are there. */
bool rows_append(struct store_disk *d, unsigned first, unsigned count, size_t body_bytes);
bool rows_append_remembering(struct store_disk *d, unsigned first, unsigned count,
                             size_t body_bytes, unsigned remember);

/* The numbers that are there, in their order; their bodies must be their own. bad: or NULL. */
size_t rows_read(struct store_disk *d, unsigned *numbers, size_t *bad);
void rows_expect(struct store_disk *d, unsigned first, unsigned last);
void rows_expect_remembered(const struct store_disk *d, unsigned first, unsigned last);
void rows_delete(struct store_disk *d, int64_t *ids, size_t count);

/* How many databases were put aside, without their logs. */
unsigned rows_files_kept(const struct store_folder *f);
void file_overwrite(const char *path, off_t at, const void *bytes, size_t len);
void file_copy(const char *from, const char *to, off_t cut); /* without its last `cut` bytes */

/* One of cmocka's tests, in a folder of its own. */
#define ON_DISK(test)                                                                              \
    cmocka_unit_test_setup_teardown(test, store_folder_setup, store_folder_teardown)

#endif
