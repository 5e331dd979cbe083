#include "bridge/store_tools.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bridge/store_db.h"
#include "bridge/store_files.h"

/* "orders.3.db" -> 3. */
static bool worker_of(const char *file, const char *pipeline, unsigned *worker)
{
    size_t len = strlen(pipeline);
    char *end;
    if (strncmp(file, pipeline, len) != 0 || file[len] != '.') return false;
    unsigned long n = strtoul(file + len + 1, &end, 10);
    *worker = (unsigned)n;
    return end > file + len + 1 && n < 1000000 && strcmp(end, ".db") == 0;
}

static int by_number(const void *a, const void *b)
{
    unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;
    return x < y ? -1 : x > y;
}

size_t store_tools_list(const char *folder, const char *pipeline, unsigned **workers)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    unsigned worker;
    size_t count = 0;
    *workers = NULL;
    while (dir && (entry = readdir(dir))) {
        if (!worker_of(entry->d_name, pipeline, &worker)) continue;
        *workers = mem_realloc(*workers, (count + 1) * sizeof(worker));
        (*workers)[count++] = worker;
    }
    if (dir) closedir(dir);
    if (count > 1) qsort(*workers, count, sizeof(worker), by_number);
    return count;
}

static int64_t size_of(const char *path)
{
    struct stat s;
    return stat(path, &s) == 0 ? (int64_t)s.st_size : 0;
}

static int64_t oldest_of(struct store_db *db)
{
    struct store_row row;
    struct error e;
    struct store_reading r = {.rows = &row, .max = 1, .max_bytes = 1};
    if (store_db_read(db, 0, &r, &e) != STORE_DONE || !r.count) return 0;
    msg_unref(row.msg);
    return row.at_ms;
}

static bool look_inside(const char *path, bool verify, struct store_sight *sight, struct error *e)
{
    struct store_db *db;
    enum store_result result = store_db_open_to_read(path, &db, e);
    if (result == STORE_BROKEN && verify) buf_printf(&sight->findings, "%s\n", e->text);
    if (result == STORE_BROKEN && verify) return true;
    if (result != STORE_DONE) return false;
    const struct store_usage *u = store_db_usage(db);
    sight->messages = u->messages;
    sight->bad = u->bad;
    sight->used_bytes = u->used_bytes;
    sight->oldest_ms = oldest_of(db);
    if (verify) store_db_verify(db, &sight->findings);
    store_db_close(db);
    return true;
}

bool store_tools_look(const char *folder, const char *pipeline, unsigned worker, bool verify,
                      struct store_sight *sight, struct error *e)
{
    struct store_files files;
    store_files_name(&files, folder, pipeline, worker);
    *sight = (struct store_sight){.path = mem_strdup(files.db)};
    sight->file_bytes = size_of(files.db);
    sight->log_bytes = size_of(files.wal);
    sight->reserve_bytes = size_of(files.reserve);
    sight->in_use = !store_files_lock(&files, e);
    bool ok = sight->in_use ? !verify : look_inside(files.db, verify, sight, e);
    if (ok && !sight->in_use) store_files_tidy(files.db);
    store_files_free(&files);
    return ok;
}
