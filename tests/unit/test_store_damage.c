/* A store on disk whose file or log is damaged: what is whole is delivered, and nothing else. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "bridge/log.h"
#include "tests/unit/store_rows.h"

static int byte_at(const char *path, off_t at)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    int byte = fseeko(file, at, SEEK_SET) == 0 ? fgetc(file) : -1;
    fclose(file);
    return byte;
}

/* In each sixteenth page, where it is a leaf of a table (13): a damaged inner page would take all
 * below it along. Returns how many rows these leaves had. sqlite.org/fileformat 1.6 */
static size_t flip_bytes(const char *path)
{
    struct stat s;
    size_t rows = 0;
    assert_int_equal(stat(path, &s), 0);
    for (off_t at = 4096 * 8; at + 4096 <= s.st_size; at += 4096 * 16) {
        if (byte_at(path, at) != 13) continue;
        rows += (size_t)(256 * byte_at(path, at + 3) + byte_at(path, at + 4));
        file_overwrite(path, at, "\377\377\377\377\377\377\377\377", 8);
    }
    return rows;
}

static void a_damaged_file_is_kept_and_what_is_readable_taken_over(void **state)
{
    const struct store_folder *f = *state;
    unsigned numbers[MAX_ROWS];
    struct store_disk *d = rows_open(f);
    rows_append(d, 1, 4000, 500);
    store_disk_close(d);
    flip_bytes(f->db);
    file_overwrite(f->db, 0, "not a database any more", 16);
    d = rows_open(f); /* not even the header is right */
    assert_int_equal(rows_files_kept(f), 1);
    assert_int_equal(rows_read(d, numbers, NULL), 0);
    assert_true(rows_append(d, 1, 1, 1));
    store_disk_close(d);
}

static void pages_that_are_damaged_cost_only_their_rows(void **state)
{
    const struct store_folder *f = *state;
    unsigned numbers[MAX_ROWS];
    struct store_disk *d = rows_open(f);
    rows_append(d, 1, 4000, 300);
    store_disk_close(d);
    size_t rows = flip_bytes(f->db);
    d = rows_open(f); /* it was closed in good order, so it is not looked through */
    assert_int_equal(rows_files_kept(f), 0);
    assert_true(rows_append(d, 4001, 10, 300));
    size_t n = rows_read(d, numbers, NULL);
    assert_int_equal(rows_files_kept(f), 1);
    assert_int_equal(numbers[n - 1], 4010);
    assert_false(store_disk_check_some(d));
    assert_true(rows > 0);
    assert_int_equal(n, 4010 - rows);
    for (size_t i = 1; i < n; i++)
        assert_true(numbers[i - 1] < numbers[i]);
    assert_int_equal(store_disk_usage(d)->messages, n);
    assert_true(rows_append(d, 4011, 10, 500));
    store_disk_close(d);
    d = rows_open(f);
    assert_int_equal(rows_read(d, numbers, NULL), n + 10);
    assert_int_equal(rows_files_kept(f), 1);
    store_disk_close(d);
}

/* The chain of a large body, which opening does not follow: its pages begin with the next one's
 * number. sqlite.org/fileformat 1.6 */
static void break_chain(const char *path, unsigned page_number)
{
    int fd = open(path, O_RDONLY);
    unsigned char page[4];
    off_t at = (off_t)4096 * page_number;
    assert_true(fd >= 0);
    do
        at += 4096;
    while (pread(fd, page, 4, at) == 4 && (page[0] != 0 || page[3] == 0));
    close(fd);
    file_overwrite(path, at, "\177\377\377\377", 4);
}

static void a_large_body_that_is_damaged_costs_only_its_row(void **state)
{
    const struct store_folder *f = *state;
    unsigned numbers[MAX_ROWS];
    struct store_disk *d = rows_open(f);
    rows_append(d, 1, 100, 20000);
    store_disk_close(d);
    break_chain(f->db, 100);
    d = rows_open(f);
    assert_int_equal(rows_read(d, numbers, NULL), 99);
    assert_int_equal(rows_files_kept(f), 1);
    store_disk_close(d);
}

/* What could not be read may still be with its source, which would delete what it recalls. */
static void ids_of_a_damaged_file_are_not_taken_over(void **state)
{
    const struct store_folder *f = *state;
    unsigned numbers[MAX_ROWS];
    struct store_disk *d = rows_open(f);
    rows_append_remembering(d, 1, 100, 20000, 1000);
    store_disk_close(d);
    break_chain(f->db, 100);
    d = rows_open(f);
    assert_int_equal(rows_read(d, numbers, NULL), 99);
    store_disk_close(d);
    d = rows_open(f);
    rows_expect_remembered(d, 1, 0);
    store_disk_close(d);
}

/* As a kill leaves it: the log is there, and the note that says "closed" is not. */
static void put_killed(const struct store_folder *f, const char *as)
{
    char wal[128], as_wal[160];
    snprintf(wal, sizeof(wal), "%s-wal", f->db);
    snprintf(as_wal, sizeof(as_wal), "%s-wal", as);
    file_copy(f->db, as, 0);
    file_copy(wal, as_wal, 0);
}

/* Too large to be looked through at once: it is found between rounds, before anybody reads it. */
static void a_large_file_is_looked_through_between_rounds(void **state)
{
    const struct store_folder *f = *state;
    char other[128];
    unsigned n = 1, looks = 0;
    struct store_disk *d = rows_open(f);
    snprintf(other, sizeof(other), "%s/other.0.db", f->path);
    for (; n < 700; n += 100)
        rows_append(d, n, 100, 100000);
    put_killed(f, other);
    store_disk_close(d);
    break_chain(other, 10000);
    struct store_disk_conf conf = {f->path, "other", 0, MANY_BYTES};
    struct error e = {0};
    d = store_disk_open(&conf, &e);
    assert_non_null(d);
    assert_int_equal(store_disk_usage(d)->messages, 700);
    assert_int_equal(rows_files_kept(f), 0);
    while (store_disk_check_some(d))
        looks++;
    assert_int_equal(rows_files_kept(f), 1);
    assert_int_equal(store_disk_usage(d)->messages, 699);
    store_disk_close(d);
    assert_true(looks > 3);
}

static void expect_one_of(const struct store_folder *f, unsigned messages)
{
    unsigned numbers[MAX_ROWS];
    struct store_disk *d = rows_open(f);
    assert_int_equal(rows_read(d, numbers, NULL), messages);
    assert_int_equal(store_disk_usage(d)->messages, messages);
    store_disk_close(d);
}

/* The new file is whole, and has not got its name: the old one is still there, or gone already. */
static void a_kill_while_a_damaged_file_is_replaced_loses_nothing(void **state)
{
    const struct store_folder *f = *state;
    char anew[128], whole[128];
    snprintf(anew, sizeof(anew), "%s.new", f->db);
    snprintf(whole, sizeof(whole), "%s.whole", f->db);
    struct store_disk *d = rows_open(f);
    rows_append(d, 1, 10, 10);
    store_disk_close(d);
    file_copy(f->db, anew, 0); /* not all of it: it is begun again */
    d = rows_open(f);
    rows_append(d, 11, 10, 10);
    store_disk_close(d);
    assert_int_equal(store_folder_count(f, ".new"), 0);
    file_copy(f->db, whole, 0);
    file_overwrite(f->db, 0, "not a database any more", 16);
    expect_one_of(f, 20);
    assert_int_equal(rows_files_kept(f), 1);
    assert_int_equal(rename(f->db, whole), 0);
    expect_one_of(f, 20);
    assert_int_equal(store_folder_count(f, ".whole"), 0);
}

static off_t find(const char *path, const char *text)
{
    FILE *file = fopen(path, "rb");
    static char bytes[1 << 22];
    assert_non_null(file);
    size_t len = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);
    const char *at = memmem(bytes, len, text, strlen(text));
    assert_non_null(at);
    return at - bytes;
}

static void a_row_with_a_wrong_checksum_is_put_aside(void **state)
{
    const struct store_folder *f = *state;
    unsigned numbers[MAX_ROWS];
    size_t bad;
    struct store_disk *d = rows_open(f);
    rows_append(d, 1, 100, 20);
    store_disk_close(d);
    file_overwrite(f->db, find(f->db, "57      ") + 1, "8", 1);
    d = rows_open(f);
    assert_int_equal(rows_read(d, numbers, &bad), 99);
    assert_int_equal(bad, 1);
    assert_int_equal(store_disk_usage(d)->bad, 1);
    assert_int_equal(rows_read(d, numbers, &bad), 99); /* and is not met again */
    assert_int_equal(bad, 0);
    store_disk_close(d);
}

/* As a power cut leaves it: the log is as long as it happened to be. */
static void a_log_cut_short_keeps_whole_commits_only(void **state)
{
    const struct store_folder *f = *state;
    char wal[128], other_db[128], other_wal[160];
    unsigned numbers[MAX_ROWS];
    snprintf(wal, sizeof(wal), "%s-wal", f->db);
    snprintf(other_db, sizeof(other_db), "%s/other.0.db", f->path);
    snprintf(other_wal, sizeof(other_wal), "%s-wal", other_db);
    struct store_disk *d = rows_open(f);
    for (unsigned i = 0; i < 20; i++)
        rows_append(d, 1 + 10 * i, 10, 300);
    for (off_t cut = 100; cut < 60000; cut += 7777) {
        file_copy(f->db, other_db, 0);
        file_copy(wal, other_wal, cut);
        struct store_disk_conf conf = {f->path, "other", 0, MANY_BYTES};
        struct error e = {0};
        struct store_disk *other = store_disk_open(&conf, &e);
        assert_non_null(other);
        size_t n = rows_read(other, numbers, NULL);
        assert_true(n < 200 && n % 10 == 0);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(numbers[i], i + 1);
        store_disk_close(other);
    }
    assert_int_equal(rows_files_kept(f), 0);
    store_disk_close(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_DISK(a_damaged_file_is_kept_and_what_is_readable_taken_over),
        ON_DISK(pages_that_are_damaged_cost_only_their_rows),
        ON_DISK(a_large_body_that_is_damaged_costs_only_its_row),
        ON_DISK(ids_of_a_damaged_file_are_not_taken_over),
        ON_DISK(a_large_file_is_looked_through_between_rounds),
        ON_DISK(a_kill_while_a_damaged_file_is_replaced_loses_nothing),
        ON_DISK(a_row_with_a_wrong_checksum_is_put_aside),
        ON_DISK(a_log_cut_short_keeps_whole_commits_only),
    };
    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
