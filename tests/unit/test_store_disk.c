/* A store on disk by itself: commits, order, limits, versions, and who else may not have it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "bridge/log.h"
#include "tests/unit/store_rows.h"

static void rows_come_back_in_order_after_a_restart(void **state)
{
    struct store_disk *d = rows_open(*state);
    assert_true(rows_append(d, 1, 300, 20));
    assert_true(rows_append(d, 301, 1, 5000));
    store_disk_close(d);
    d = rows_open(*state);
    assert_int_equal(store_disk_usage(d)->messages, 301);
    assert_int_equal(store_disk_usage(d)->last_id, 301);
    rows_expect(d, 1, 301);
    store_disk_close(d);
}

static void deletes_and_appends_are_one_commit(void **state)
{
    struct store_disk *d = rows_open(*state);
    int64_t ids[] = {3, 1, 2, 10, 4};
    rows_append(d, 1, 10, 10);
    rows_delete(d, ids, 5);
    rows_expect(d, 5, 9);
    assert_int_equal(store_disk_usage(d)->messages, 5);
    store_disk_close(d);
}

static void the_oldest_are_dropped(void **state)
{
    struct store_disk *d = rows_open(*state);
    rows_append(d, 1, 100, 10);
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
    struct store_disk *d = rows_open_with(*state, 1 << 20);
    unsigned n = 1;
    while (rows_append(d, n, 10, 2000))
        n += 10;
    assert_true(n > 280);
    rows_expect(d, 1, n - 1);
    int64_t ids[200];
    for (int i = 0; i < 200; i++)
        ids[i] = i + 1;
    rows_delete(d, ids, 200);
    assert_true(rows_append(d, n, 100, 2000));
    rows_expect(d, 201, n + 99);
    store_disk_close(d);
}

static void an_empty_one_gives_its_space_back(void **state)
{
    const struct store_folder *f = *state;
    struct store_disk *d = rows_open(f);
    int64_t ids[4000];
    for (int i = 0; i < 4000; i++)
        ids[i] = i + 1;
    rows_append(d, 1, 4000, 4000);
    rows_delete(d, ids, 4000);
    struct store_round look = {0};
    for (int i = 0; i < 10; i++)
        store_disk_round(d, &look);
    store_disk_close(d);
    struct stat s;
    assert_int_equal(stat(f->db, &s), 0);
    assert_true(s.st_size < 5 * 1024 * 1024);
}

/* ---- ids ---- */

static void ids_outlive_their_messages(void **state)
{
    struct store_disk *d = rows_open(*state);
    int64_t ids[] = {1, 2, 3, 4, 5};
    rows_append_remembering(d, 1, 5, 10, 100);
    rows_delete(d, ids, 5);
    store_disk_close(d);
    d = rows_open(*state);
    rows_expect_remembered(d, 1, 5);
    assert_int_equal(store_disk_usage(d)->messages, 0);
    assert_int_equal(store_disk_usage(d)->last_id, 5); /* or the next ones would take their place */
    store_disk_close(d);
}

static void the_oldest_ids_are_forgotten(void **state)
{
    struct store_disk *d = rows_open(*state);
    for (unsigned n = 1; n <= 1000; n += 10)
        rows_append_remembering(d, n, 10, 10, 40);
    store_disk_close(d);
    d = rows_open(*state);
    rows_expect_remembered(d, 961, 1000);
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
    struct store_disk *d = rows_open(f), *next;
    rows_append(d, 1, 1, 1);
    expect_refusal(&conf, "another process has the store");
    next = store_disk_open(&other, &e); /* each worker has its own */
    assert_non_null(next);
    store_disk_close(next);
    rows_expect(d, 1, 1);
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
/* ---- versions ---- */

/* With what the last bridge had in its log when it was killed. */
static void put_version_1(const struct store_folder *f)
{
    char wal[128];
    snprintf(wal, sizeof(wal), "%s-wal", f->db);
    file_copy(TEST_DATA "/store-v1.db", f->db, 0);
    file_copy(TEST_DATA "/store-v1.db-wal", wal, 0);
}

static void a_file_of_version_1_goes_on(void **state)
{
    const struct store_folder *f = *state;
    put_version_1(f);
    for (unsigned last = 5; last <= 15; last += 10) {
        struct store_disk *d = rows_open(f);
        rows_expect(d, 3, last);
        assert_int_equal(store_disk_usage(d)->messages, last - 2);
        assert_true(rows_append_remembering(d, last + 1, 10, 10, 100));
        store_disk_close(d);
    }
    struct store_disk *d = rows_open(f);
    rows_expect_remembered(d, 6, 25);
    store_disk_close(d);
    assert_int_equal(rows_files_kept(f), 0);
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
    struct store_disk *d = rows_open(f);
    rows_append(d, 1, 5, 10);
    store_disk_close(d);
    file_overwrite(f->db, 60, "\0\0\0\377", 4);
    file_copy(TEST_DATA "/rolesanywhere.json", wal, 0); /* that log can't be read either */
    file_copy(f->db, same, 0);
    file_copy(wal, same_wal, 0);
    expect_refusal(&conf, "has version 255, this program knows up to");
    expect_same_bytes(f->db, same);
    expect_same_bytes(wal, same_wal);
    assert_int_equal(rows_files_kept(f), 0);
}

static void another_program_s_file_is_left_alone(void **state)
{
    const struct store_folder *f = *state;
    struct store_disk_conf conf = {f->path, "test", 0, MANY_BYTES};
    store_disk_close(rows_open(f));
    file_overwrite(f->db, 68, "\1\2\3\4", 4);
    expect_refusal(&conf, "not a store of this program");
}

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
    };
    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
