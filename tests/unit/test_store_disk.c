/* A store on disk by itself: commits, order, limits, what is damaged, and who else may not have it.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "bridge/log.h"
#include "bridge/store_disk.h"
#include "bridge/store_row.h"
#include "tests/unit/store_fixture.h"

enum { MAX_ROWS = 5000 };
#define MANY_BYTES (INT64_C(1) << 30)

static struct store_disk *open_with(const struct store_folder *f, int64_t max_bytes)
{
    struct store_disk_conf conf = {f->path, "test", 0, max_bytes};
    struct error e = {0};
    struct store_disk *d = store_disk_open(&conf, &e);
    if (!d) fail_msg("%s", e.text);
    return d;
}

static struct store_disk *open_disk(const struct store_folder *f)
{
    return open_with(f, MANY_BYTES);
}

/* Rows numbered like their messages. Whether they are there. */
static bool append_remembering(struct store_disk *d, unsigned first, unsigned count,
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

static bool append(struct store_disk *d, unsigned first, unsigned count, size_t body_bytes)
{
    return append_remembering(d, first, count, body_bytes, 0);
}

/* The numbers that are there, in their order; their bodies must be their own. */
static size_t read_all(struct store_disk *d, unsigned *numbers, size_t *bad)
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

static void expect_rows(struct store_disk *d, unsigned first, unsigned last)
{
    unsigned numbers[MAX_ROWS];
    size_t n = read_all(d, numbers, NULL);
    assert_int_equal(n, last - first + 1);
    for (unsigned i = 0; i < n; i++)
        assert_int_equal(numbers[i], first + i);
}

static void delete (struct store_disk *d, int64_t *ids, size_t count)
{
    struct store_round r = {.deletes = ids, .delete_count = count};
    store_disk_round(d, &r);
    assert_true(r.committed);
}

static void rows_come_back_in_order_after_a_restart(void **state)
{
    struct store_disk *d = open_disk(*state);
    assert_true(append(d, 1, 300, 20));
    assert_true(append(d, 301, 1, 5000));
    store_disk_close(d);
    d = open_disk(*state);
    assert_int_equal(store_disk_usage(d)->messages, 301);
    assert_int_equal(store_disk_usage(d)->last_id, 301);
    expect_rows(d, 1, 301);
    store_disk_close(d);
}

static void deletes_and_appends_are_one_commit(void **state)
{
    struct store_disk *d = open_disk(*state);
    int64_t ids[] = {3, 1, 2, 10, 4};
    append(d, 1, 10, 10);
    delete (d, ids, 5);
    expect_rows(d, 5, 9);
    assert_int_equal(store_disk_usage(d)->messages, 5);
    store_disk_close(d);
}

static void the_oldest_are_dropped(void **state)
{
    struct store_disk *d = open_disk(*state);
    append(d, 1, 100, 10);
    struct store_round r = {.dropping = true, .drop = {.from = 11, .messages = 20}};
    store_disk_round(d, &r);
    assert_int_equal(r.drop.dropped, 20);
    assert_int_equal(r.drop.last_id, 30);
    r.drop = (struct store_drop){.from = 31, .before_ms = 1000 + 91};
    store_disk_round(d, &r);
    assert_int_equal(r.drop.dropped, 60);
    assert_int_equal(store_disk_usage(d)->messages, 20);
    store_disk_close(d);
}

static void at_its_limit_it_takes_nothing_and_still_drains(void **state)
{
    struct store_disk *d = open_with(*state, 1 << 20);
    unsigned n = 1;
    while (append(d, n, 10, 2000))
        n += 10;
    assert_true(n > 280);
    expect_rows(d, 1, n - 1);
    int64_t ids[200];
    for (int i = 0; i < 200; i++)
        ids[i] = i + 1;
    delete (d, ids, 200);
    assert_true(append(d, n, 100, 2000));
    expect_rows(d, 201, n + 99);
    store_disk_close(d);
}

static void an_empty_one_gives_its_space_back(void **state)
{
    const struct store_folder *f = *state;
    struct store_disk *d = open_disk(f);
    int64_t ids[4000];
    for (int i = 0; i < 4000; i++)
        ids[i] = i + 1;
    append(d, 1, 4000, 4000);
    delete (d, ids, 4000);
    struct store_round look = {0};
    for (int i = 0; i < 10; i++)
        store_disk_round(d, &look);
    store_disk_close(d);
    struct stat s;
    assert_int_equal(stat(f->db, &s), 0);
    assert_true(s.st_size < 5 * 1024 * 1024);
}

/* ---- ids ---- */

static void expect_remembered(const struct store_disk *d, unsigned first, unsigned last)
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

static void ids_outlive_their_messages(void **state)
{
    struct store_disk *d = open_disk(*state);
    int64_t ids[] = {1, 2, 3, 4, 5};
    append_remembering(d, 1, 5, 10, 100);
    delete (d, ids, 5);
    store_disk_close(d);
    d = open_disk(*state);
    expect_remembered(d, 1, 5);
    assert_int_equal(store_disk_usage(d)->messages, 0);
    assert_int_equal(store_disk_usage(d)->last_id, 5); /* or the next ones would take their place */
    store_disk_close(d);
}

static void the_oldest_ids_are_forgotten(void **state)
{
    struct store_disk *d = open_disk(*state);
    for (unsigned n = 1; n <= 1000; n += 10)
        append_remembering(d, n, 10, 10, 40);
    store_disk_close(d);
    d = open_disk(*state);
    expect_remembered(d, 961, 1000);
    store_disk_close(d);
}

/* ---- who may have it ---- */

static void expect_refusal(const struct store_disk_conf *conf, const char *part)
{
    struct error e = {0};
    assert_null(store_disk_open(conf, &e));
    assert_int_equal(e.fault, FAULT_CONFIG);
    if (!strstr(e.text, part)) fail_msg("%s", e.text);
}

static void a_second_one_is_refused(void **state)
{
    const struct store_folder *f = *state;
    struct store_disk_conf conf = {f->path, "test", 0, MANY_BYTES},
                           other = {f->path, "test", 1, MANY_BYTES};
    struct error e = {0};
    struct store_disk *d = open_disk(f), *next;
    append(d, 1, 1, 1);
    expect_refusal(&conf, "another process has the store");
    next = store_disk_open(&other, &e); /* each worker has its own */
    assert_non_null(next);
    store_disk_close(next);
    expect_rows(d, 1, 1);
    store_disk_close(d);
}

static void a_folder_that_everybody_may_write_to_is_refused(void **state)
{
    const struct store_folder *f = *state;
    struct store_disk_conf conf = {f->path, "test", 0, MANY_BYTES};
    assert_int_equal(chmod(f->path, 0777), 0);
    expect_refusal(&conf, "everybody may write");
}

static void what_is_no_folder_is_refused(void **state)
{
    const struct store_folder *f = *state;
    struct store_disk_conf conf = {"/dev/null", "test", 0, MANY_BYTES};
    struct store_disk_conf nowhere = {"/proc/nowhere/store", "test", 0, MANY_BYTES};
    (void)f;
    expect_refusal(&conf, "is not a folder");
    expect_refusal(&nowhere, "check store_path");
}

/* ---- what is damaged ---- */

/* Databases that were put aside, without their logs. */
static unsigned kept(const struct store_folder *f)
{
    return store_folder_count(f, ".corrupt-") - store_folder_count(f, "Z-wal");
}

static void overwrite(const char *path, off_t at, const void *bytes, size_t len)
{
    int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, len, at), len);
    close(fd);
}

static void copy(const char *from, const char *to, off_t cut)
{
    char *command = mem_printf("cp '%s' '%s'", from, to);
    struct stat s;
    assert_int_equal(system(command), 0);
    free(command);
    assert_int_equal(stat(to, &s), 0);
    assert_int_equal(truncate(to, s.st_size > cut ? s.st_size - cut : 0), 0);
}

/* With what the last bridge had in its log when it was killed. */
static void put_version_1(const struct store_folder *f)
{
    char wal[128];
    snprintf(wal, sizeof(wal), "%s-wal", f->db);
    copy(TEST_DATA "/store-v1.db", f->db, 0);
    copy(TEST_DATA "/store-v1.db-wal", wal, 0);
}

static void a_file_of_version_1_goes_on(void **state)
{
    const struct store_folder *f = *state;
    put_version_1(f);
    for (unsigned last = 5; last <= 15; last += 10) {
        struct store_disk *d = open_disk(f);
        expect_rows(d, 3, last);
        assert_int_equal(store_disk_usage(d)->messages, last - 2);
        assert_true(append_remembering(d, last + 1, 10, 10, 100));
        store_disk_close(d);
    }
    struct store_disk *d = open_disk(f);
    expect_remembered(d, 6, 25);
    store_disk_close(d);
    assert_int_equal(kept(f), 0);
}

static void expect_same_bytes(const char *path, const char *as)
{
    char *command = mem_printf("cmp '%s' '%s'", path, as);
    assert_int_equal(system(command), 0);
    free(command);
}

/* SQLite's header: big-endian, user_version at 60, application_id at 68. sqlite.org/fileformat */
static void a_newer_version_is_left_alone(void **state)
{
    const struct store_folder *f = *state;
    struct store_disk_conf conf = {f->path, "test", 0, MANY_BYTES};
    char wal[128], same[128], same_wal[160];
    snprintf(wal, sizeof(wal), "%s-wal", f->db);
    snprintf(same, sizeof(same), "%s/same.0.db", f->path);
    snprintf(same_wal, sizeof(same_wal), "%s-wal", same);
    struct store_disk *d = open_disk(f);
    append(d, 1, 5, 10);
    store_disk_close(d);
    overwrite(f->db, 60, "\0\0\0\377", 4);
    copy(TEST_DATA "/rolesanywhere.json", wal, 0); /* a log that this program can't read either */
    copy(f->db, same, 0);
    copy(wal, same_wal, 0);
    expect_refusal(&conf, "has version 255, this program knows up to");
    expect_same_bytes(f->db, same);
    expect_same_bytes(wal, same_wal);
    assert_int_equal(kept(f), 0);
}

static void another_program_s_file_is_left_alone(void **state)
{
    const struct store_folder *f = *state;
    struct store_disk_conf conf = {f->path, "test", 0, MANY_BYTES};
    store_disk_close(open_disk(f));
    overwrite(f->db, 68, "\1\2\3\4", 4);
    expect_refusal(&conf, "not a store of this program");
}

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
        overwrite(path, at, "\377\377\377\377\377\377\377\377", 8);
    }
    return rows;
}

static void a_damaged_file_is_kept_and_what_is_readable_taken_over(void **state)
{
    const struct store_folder *f = *state;
    unsigned numbers[MAX_ROWS];
    struct store_disk *d = open_disk(f);
    append(d, 1, 4000, 500);
    store_disk_close(d);
    flip_bytes(f->db);
    overwrite(f->db, 0, "not a database any more", 16);
    d = open_disk(f); /* not even the header is right */
    assert_int_equal(kept(f), 1);
    assert_int_equal(read_all(d, numbers, NULL), 0);
    assert_true(append(d, 1, 1, 1));
    store_disk_close(d);
}

static void pages_that_are_damaged_cost_only_their_rows(void **state)
{
    const struct store_folder *f = *state;
    unsigned numbers[MAX_ROWS];
    struct store_disk *d = open_disk(f);
    append(d, 1, 4000, 300);
    store_disk_close(d);
    size_t rows = flip_bytes(f->db);
    d = open_disk(f); /* it was closed in good order, so it is not looked through */
    assert_int_equal(kept(f), 0);
    assert_true(append(d, 4001, 10, 300));
    size_t n = read_all(d, numbers, NULL);
    assert_int_equal(kept(f), 1);
    assert_int_equal(numbers[n - 1], 4010);
    assert_false(store_disk_check_some(d));
    assert_true(rows > 0);
    assert_int_equal(n, 4010 - rows);
    for (size_t i = 1; i < n; i++)
        assert_true(numbers[i - 1] < numbers[i]);
    assert_int_equal(store_disk_usage(d)->messages, n);
    assert_true(append(d, 4011, 10, 500));
    store_disk_close(d);
    d = open_disk(f);
    assert_int_equal(read_all(d, numbers, NULL), n + 10);
    assert_int_equal(kept(f), 1);
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
    overwrite(path, at, "\177\377\377\377", 4);
}

static void a_large_body_that_is_damaged_costs_only_its_row(void **state)
{
    const struct store_folder *f = *state;
    unsigned numbers[MAX_ROWS];
    struct store_disk *d = open_disk(f);
    append(d, 1, 100, 20000);
    store_disk_close(d);
    break_chain(f->db, 100);
    d = open_disk(f);
    assert_int_equal(read_all(d, numbers, NULL), 99);
    assert_int_equal(kept(f), 1);
    store_disk_close(d);
}

/* What could not be read may still be with its source, which would delete what it recalls. */
static void ids_of_a_damaged_file_are_not_taken_over(void **state)
{
    const struct store_folder *f = *state;
    unsigned numbers[MAX_ROWS];
    struct store_disk *d = open_disk(f);
    append_remembering(d, 1, 100, 20000, 1000);
    store_disk_close(d);
    break_chain(f->db, 100);
    d = open_disk(f);
    assert_int_equal(read_all(d, numbers, NULL), 99);
    store_disk_close(d);
    d = open_disk(f);
    expect_remembered(d, 1, 0);
    store_disk_close(d);
}

/* As a kill leaves it: the log is there, and the note that says "closed" is not. */
static void put_killed(const struct store_folder *f, const char *as)
{
    char wal[128], as_wal[160];
    snprintf(wal, sizeof(wal), "%s-wal", f->db);
    snprintf(as_wal, sizeof(as_wal), "%s-wal", as);
    copy(f->db, as, 0);
    copy(wal, as_wal, 0);
}

/* Too large to be looked through at once: it is found between rounds, before anybody reads it. */
static void a_large_file_is_looked_through_between_rounds(void **state)
{
    const struct store_folder *f = *state;
    char other[128];
    unsigned n = 1, looks = 0;
    struct store_disk *d = open_disk(f);
    snprintf(other, sizeof(other), "%s/other.0.db", f->path);
    for (; n < 700; n += 100)
        append(d, n, 100, 100000);
    put_killed(f, other);
    store_disk_close(d);
    break_chain(other, 10000);
    struct store_disk_conf conf = {f->path, "other", 0, MANY_BYTES};
    struct error e = {0};
    d = store_disk_open(&conf, &e);
    assert_non_null(d);
    assert_int_equal(store_disk_usage(d)->messages, 700);
    assert_int_equal(kept(f), 0);
    while (store_disk_check_some(d))
        looks++;
    assert_int_equal(kept(f), 1);
    assert_int_equal(store_disk_usage(d)->messages, 699);
    store_disk_close(d);
    assert_true(looks > 3);
}

static void expect_one_of(const struct store_folder *f, unsigned messages)
{
    unsigned numbers[MAX_ROWS];
    struct store_disk *d = open_disk(f);
    assert_int_equal(read_all(d, numbers, NULL), messages);
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
    struct store_disk *d = open_disk(f);
    append(d, 1, 10, 10);
    store_disk_close(d);
    copy(f->db, anew, 0); /* not all of it: it is begun again */
    d = open_disk(f);
    append(d, 11, 10, 10);
    store_disk_close(d);
    assert_int_equal(store_folder_count(f, ".new"), 0);
    copy(f->db, whole, 0);
    overwrite(f->db, 0, "not a database any more", 16);
    expect_one_of(f, 20);
    assert_int_equal(kept(f), 1);
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
    struct store_disk *d = open_disk(f);
    append(d, 1, 100, 20);
    store_disk_close(d);
    overwrite(f->db, find(f->db, "57      ") + 1, "8", 1);
    d = open_disk(f);
    assert_int_equal(read_all(d, numbers, &bad), 99);
    assert_int_equal(bad, 1);
    assert_int_equal(store_disk_usage(d)->bad, 1);
    assert_int_equal(read_all(d, numbers, &bad), 99); /* and is not met again */
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
    struct store_disk *d = open_disk(f);
    for (unsigned i = 0; i < 20; i++)
        append(d, 1 + 10 * i, 10, 300);
    for (off_t cut = 100; cut < 60000; cut += 7777) {
        copy(f->db, other_db, 0);
        copy(wal, other_wal, cut);
        struct store_disk_conf conf = {f->path, "other", 0, MANY_BYTES};
        struct error e = {0};
        struct store_disk *other = store_disk_open(&conf, &e);
        assert_non_null(other);
        size_t n = read_all(other, numbers, NULL);
        assert_true(n < 200 && n % 10 == 0);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(numbers[i], i + 1);
        store_disk_close(other);
    }
    assert_int_equal(kept(f), 0);
    store_disk_close(d);
}

#define ON_DISK(test)                                                                              \
    cmocka_unit_test_setup_teardown(test, store_folder_setup, store_folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_DISK(rows_come_back_in_order_after_a_restart),
        ON_DISK(deletes_and_appends_are_one_commit),
        ON_DISK(the_oldest_are_dropped),
        ON_DISK(at_its_limit_it_takes_nothing_and_still_drains),
        ON_DISK(an_empty_one_gives_its_space_back),
        ON_DISK(ids_outlive_their_messages),
        ON_DISK(the_oldest_ids_are_forgotten),
        ON_DISK(a_file_of_version_1_goes_on),
        ON_DISK(a_second_one_is_refused),
        ON_DISK(a_folder_that_everybody_may_write_to_is_refused),
        ON_DISK(what_is_no_folder_is_refused),
        ON_DISK(a_newer_version_is_left_alone),
        ON_DISK(another_program_s_file_is_left_alone),
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
