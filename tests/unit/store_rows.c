#include "tests/unit/store_rows.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "bridge/store_row.h"

struct store_disk *rows_open_with(const struct store_folder *f, int64_t max_bytes)
{
    struct store_disk_conf conf = {f->path, "test", 0, max_bytes};
    struct error e = {0};
    struct store_disk *d = store_disk_open(&conf, &e);
    if (!d) fail_msg("%s", e.text);
    return d;
}

struct store_disk *rows_open(const struct store_folder *f)
{
    return rows_open_with(f, MANY_BYTES);
}

bool rows_append_remembering(struct store_disk *d, unsigned first, unsigned count,
                             size_t body_bytes, unsigned remember)
{
    struct store_round r = {.remember = remember};
    r.rows = mem_zalloc(count * sizeof(r.rows[0]));
    r.row_count = count;
    for (unsigned i = 0; i < count; i++)
        r.rows[i] = (struct store_row){first + i, 1000 + first + i, (first + i) % 3,
                                       numbered_msg(first + i, body_bytes)};
    store_disk_round(d, &r);
    assert_int_equal(r.result, STORE_DONE);
    for (unsigned i = 0; i < count; i++)
        msg_unref(r.rows[i].msg);
    free(r.rows);
    return r.appended;
}

bool rows_append(struct store_disk *d, unsigned first, unsigned count, size_t body_bytes)
{
    return rows_append_remembering(d, first, count, body_bytes, 0);
}

size_t rows_read(struct store_disk *d, unsigned *numbers, size_t *bad)
{
    static struct store_row rows[MAX_ROWS];
    struct store_round r = {.reading = true,
                            .read = {.rows = rows, .max = MAX_ROWS, .max_bytes = SIZE_MAX}};
    store_disk_round(d, &r);
    assert_int_equal(r.result, STORE_DONE);
    for (size_t i = 0; i < r.read.count; i++) {
        numbers[i] = (unsigned)strtoul(rows[i].msg->body.ptr, NULL, 10);
        assert_int_equal(numbers[i], rows[i].id);
        assert_int_equal(rows[i].lane, numbers[i] % 3);
        msg_unref(rows[i].msg);
    }
    if (bad) *bad = r.read.bad;
    return r.read.count;
}

void rows_expect(struct store_disk *d, unsigned first, unsigned last)
{
    unsigned numbers[MAX_ROWS];
    size_t n = rows_read(d, numbers, NULL);
    assert_int_equal(n, last - first + 1);
    for (unsigned i = 0; i < n; i++)
        assert_int_equal(numbers[i], first + i);
}

void rows_delete(struct store_disk *d, int64_t *ids, size_t count)
{
    struct store_round r = {.deletes = ids, .delete_count = count};
    store_disk_round(d, &r);
    assert_true(r.committed);
}

void rows_expect_remembered(const struct store_disk *d, unsigned first, unsigned last)
{
    struct bytes rest = store_disk_remembered(d), id;
    char number[16];
    for (unsigned i = first; i <= last; i++) {
        snprintf(number, sizeof(number), "%u", i);
        assert_true(store_ids_next(&rest, &id));
        assert_true(bytes_eq(id, bytes_str(number)));
    }
    assert_false(store_ids_next(&rest, &id));
}

unsigned rows_files_kept(const struct store_folder *f)
{
    return store_folder_count(f, ".corrupt-") - store_folder_count(f, "Z-wal");
}

void file_overwrite(const char *path, off_t at, const void *bytes, size_t len)
{
    int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, len, at), len);
    close(fd);
}

void file_copy(const char *from, const char *to, off_t cut)
{
    char *command = mem_printf("cp '%s' '%s'", from, to);
    struct stat s;
    assert_int_equal(system(command), 0);
    free(command);
    assert_int_equal(stat(to, &s), 0);
    assert_int_equal(truncate(to, s.st_size > cut ? s.st_size - cut : 0), 0);
}
