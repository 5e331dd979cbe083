/* A small store is damaged at random, again and again: it is looked through, opened, and read. No
 * crash, no hang, and every row that comes back is one that was written, as it was written.
 *
 *     build/dev/tests/unit/test_store_mutation 100000 [SEED]      more than ctest has time for */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "bridge/log.h"
#include "bridge/store_disk.h"
#include "bridge/store_tools.h"
#include "tests/unit/store_fixture.h"

enum { ROWS = 400, PAGE = 4096, PATIENCE_S = 30, STARTS = 3, READ_ROWS = 64 };

struct image {
    unsigned char *bytes;
    size_t len;
};

static unsigned rounds = 400;
static uint64_t seed = 88172645463325252;

static size_t chance(size_t n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return n ? (size_t)(seed % n) : 0;
}

/* ---- the store before ---- */

static size_t body_bytes(unsigned n)
{
    return n % 41 == 0 ? 9000 : 20 + n % 200; /* some have pages of their own */
}

static struct store_disk *open_disk(const struct store_folder *f, struct error *e)
{
    struct store_disk_conf conf = {f->path, "test", 0, INT64_C(1) << 30};
    return store_disk_open(&conf, e);
}

static void append(struct store_disk *d, unsigned first, unsigned count)
{
    struct store_row rows[ROWS];
    struct store_round r = {.rows = rows, .row_count = count};
    for (unsigned i = 0, n = first; i < count; i++, n++)
        rows[i] = (struct store_row){n, 1000 + n, n % 3, numbered_msg(n, body_bytes(n))};
    store_disk_round(d, &r);
    assert_true(r.appended);
    for (unsigned i = 0; i < count; i++)
        msg_unref(rows[i].msg);
}

static struct image image_of(const char *path)
{
    struct stat s;
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fstat(fileno(file), &s), 0);
    struct image i = {mem_alloc((size_t)s.st_size), (size_t)s.st_size};
    assert_int_equal(fread(i.bytes, 1, i.len, file), i.len);
    fclose(file);
    return i;
}

static void write_image(const char *path, const struct image *i)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(i->bytes, 1, i->len, file), i->len);
    fclose(file);
}

/* Half of the rows in the file, half in the log, as a kill leaves them. */
static void make_images(const struct store_folder *f, const char *wal, struct image *images)
{
    struct error e = {0};
    struct store_disk *d = open_disk(f, &e);
    assert_non_null(d);
    append(d, 1, ROWS / 2);
    store_disk_close(d);
    d = open_disk(f, &e);
    assert_non_null(d);
    append(d, ROWS / 2 + 1, ROWS / 2);
    images[0] = image_of(f->db);
    images[1] = image_of(wal);
    store_disk_close(d);
}

/* ---- harm ---- */

static void damage(struct image *i)
{
    size_t at = chance(i->len), len = 1 + chance(chance(2) ? 8 : 3 * PAGE);
    if (chance(3) == 0) at = at / PAGE * PAGE; /* the header of a page */
    if (at + len > i->len) len = i->len - at;
    switch (chance(4)) {
    case 0:
        memset(i->bytes + at, 0, len);
        break;
    case 1: /* one piece of it twice */
        memmove(i->bytes + at, i->bytes + chance(i->len - len), len);
        break;
    case 2:
        i->len = at;
        break;
    default:
        for (size_t n = 0; n < len; n++)
            i->bytes[at + n] ^= (unsigned char)(1 + chance(255));
        break;
    }
}

static struct image copy_of(const struct image *i)
{
    struct image copy = {mem_alloc(i->len), i->len};
    memcpy(copy.bytes, i->bytes, i->len);
    return copy;
}

static void write_damaged(const struct store_folder *f, const char *wal, const struct image *images)
{
    struct image db = copy_of(&images[0]), log = copy_of(&images[1]);
    size_t which = chance(8), times = 1 + chance(3);
    for (size_t i = 0; i < times && db.len; i++)
        if (which < 5) damage(&db);
    for (size_t i = 0; i < times && log.len; i++)
        if (which == 4 || which == 5 || which == 6) damage(&log);
    write_image(f->db, &db);
    if (which < 7) write_image(wal, &log);
    free(db.bytes);
    free(log.bytes);
}

/* ---- what must hold ---- */

static void look(const struct store_folder *f)
{
    struct store_sight sight;
    struct error e = {0};
    if (!store_tools_look(f->path, "test", 0, true, &sight, &e)) assert_true(e.text[0] != '\0');
    free(sight.path);
    free(sight.findings.ptr);
}

static void check_row(const struct store_row *row, int64_t *last)
{
    unsigned n = (unsigned)strtoul(row->msg->body.ptr, NULL, 10);
    char digits[16];
    assert_true(row->id > *last && row->id <= ROWS);
    assert_int_equal(n, row->id);
    assert_int_equal(row->lane, n % 3);
    assert_int_equal(row->msg->body.len,
                     body_bytes(n) + (size_t)snprintf(digits, sizeof(digits), "%u", n));
    *last = row->id;
}

/* False: it was found damaged while it was read, as the next start will know. */
static bool read_all(struct store_disk *d)
{
    struct store_row rows[READ_ROWS];
    int64_t last = 0;
    struct store_round r = {.reading = true,
                            .read = {.rows = rows, .max = READ_ROWS, .max_bytes = SIZE_MAX}};
    while (!r.read.end && r.result == STORE_DONE) {
        store_disk_round(d, &r);
        for (size_t i = 0; i < r.read.count; i++) {
            check_row(&rows[i], &last);
            msg_unref(rows[i].msg);
        }
        r.read_from = r.read.next;
    }
    assert_true(r.result == STORE_DONE || r.result == STORE_BROKEN);
    return r.result == STORE_DONE;
}

/* What says that it is somebody else's, or a later program's, is left alone, with a word. */
static bool is_left_alone(const struct error *e)
{
    return strstr(e->text, "is not a store of this program") || strstr(e->text, "has version");
}

static void start(const struct store_folder *f, unsigned *left_alone)
{
    for (int i = 0; i < STARTS; i++) {
        struct error e = {0};
        struct store_disk *d = open_disk(f, &e);
        if (!d && !is_left_alone(&e)) fail_msg("it does not start: %s", e.text);
        *left_alone += !d;
        bool whole = !d || read_all(d);
        store_disk_close(d);
        if (whole) return;
    }
    fail_msg("it is found damaged at each start");
}

static void mutations(void **state)
{
    const struct store_folder *f = *state;
    char wal[128];
    struct image images[2];
    unsigned quarantined = 0, left_alone = 0;
    snprintf(wal, sizeof(wal), "%s-wal", f->db);
    make_images(f, wal, images);
    for (unsigned i = 0; i < rounds; i++) {
        store_folder_clear(f);
        write_damaged(f, wal, images);
        alarm(PATIENCE_S);
        look(f);
        start(f, &left_alone);
        quarantined += store_folder_count(f, "corrupt") > 0;
    }
    alarm(0);
    print_message("%u mutations: %u were put aside, %u left alone\n", rounds, quarantined,
                  left_alone);
    assert_true(quarantined > rounds / 10 && quarantined < rounds);
    assert_true(left_alone < rounds / 10);
    free(images[0].bytes);
    free(images[1].bytes);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(mutations, store_folder_setup, store_folder_teardown),
    };
    if (argc > 1) rounds = (unsigned)strtoul(argv[1], NULL, 10);
    if (argc > 2) seed = strtoull(argv[2], NULL, 10);
    if (access("/dev/shm", W_OK) == 0) setenv("TMPDIR", "/dev/shm", 0); /* many a fsync */
    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
