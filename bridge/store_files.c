#include "bridge/store_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

enum { RESERVE_BYTES = 16 * 1024 * 1024 }; /* twice what the log may grow to */

void store_files_name(struct store_files *f, const char *folder, const char *pipeline,
                      unsigned worker)
{
    f->db = mem_printf("%s/%s.%u.db", folder, pipeline, worker);
    f->wal = mem_printf("%s-wal", f->db);
    f->lock = mem_printf("%s/%s.%u.lock", folder, pipeline, worker);
    f->reserve = mem_printf("%s/%s.%u.reserve", folder, pipeline, worker);
    f->anew = mem_printf("%s.new", f->db);
    f->whole = mem_printf("%s.whole", f->db);
    f->lock_fd = -1;
    f->reserved = false;
}

void store_files_free(struct store_files *f)
{
    if (f->lock_fd >= 0) close(f->lock_fd);
    free(f->db);
    free(f->wal);
    free(f->lock);
    free(f->reserve);
    free(f->anew);
    free(f->whole);
}

/* Locks and fsync() of these can't be relied on. statfs(2) */
static bool is_network(const char *folder)
{
    static const unsigned long types[] = {
        0x6969 /* NFS */, 0xFF534D42 /* CIFS */, 0xFE534D42 /* SMB2 */,
        0x517B /* SMB */, 0x01021997 /* 9P */,   0x5346414F /* AFS */,
    };
    struct statfs s;
    if (statfs(folder, &s) != 0) return false;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if ((unsigned long)s.f_type == types[i]) return true;
    return false;
}

bool store_files_check_folder(const char *folder, struct error *e)
{
    struct stat s;
    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        return error_set(e, FAULT_CONFIG, "making the folder \"%s\": %s (check store_path)", folder,
                         strerror(errno));
    if (stat(folder, &s) != 0 || !S_ISDIR(s.st_mode))
        return error_set(e, FAULT_CONFIG, "store_path \"%s\" is not a folder", folder);
    if (access(folder, W_OK | X_OK) != 0)
        return error_set(e, FAULT_CONFIG,
                         "the folder \"%s\" can't be written to: %s (give it to "
                         "the user that the bridge runs as)",
                         folder, strerror(errno));
    if (s.st_mode & S_IWOTH)
        return error_set(e, FAULT_CONFIG,
                         "everybody may write to the folder \"%s\" (chmod o-w, "
                         "or choose a folder of its own)",
                         folder);
    if (is_network(folder))
        return error_set(e, FAULT_CONFIG,
                         "the folder \"%s\" is on a network file system, which "
                         "keeps no promise about what is written (choose a local "
                         "disk)",
                         folder);
    return true;
}

static void touch(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0) close(fd);
}

bool store_files_lock(struct store_files *f, struct error *e)
{
    f->lock_fd = open(f->lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (f->lock_fd < 0)
        return error_set(e, FAULT_CONFIG, "opening \"%s\": %s (check the folder's permissions)",
                         f->lock, strerror(errno));
    if (flock(f->lock_fd, LOCK_EX | LOCK_NB) == 0) return true;
    error_set(e, FAULT_CONFIG,
              "another process has the store \"%s\" open (two can't share one: "
              "end the other, or give this one a store_path of its own)",
              f->db);
    close(f->lock_fd);
    f->lock_fd = -1;
    return false;
}

bool store_files_reserve(struct store_files *f)
{
    if (f->reserved) return true;
    int fd = open(f->reserve, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) return false;
    f->reserved = posix_fallocate(fd, 0, RESERVE_BYTES) == 0;
    close(fd);
    if (!f->reserved) unlink(f->reserve);
    return f->reserved;
}

bool store_files_have_space(const struct store_files *f)
{
    struct statvfs s;
    if (statvfs(f->db, &s) != 0) return true; /* trying will show */
    uint64_t free_bytes = (uint64_t)s.f_bavail * s.f_frsize;
    return free_bytes >= (uint64_t)STORE_SPACE_MIB * 1024 * 1024;
}

void store_files_release(struct store_files *f)
{
    unlink(f->reserve);
    f->reserved = false;
}

void store_files_tidy(const char *path)
{
    char *wal = mem_printf("%s-wal", path);
    struct stat s;
    if (stat(wal, &s) == 0 && s.st_size == 0) unlink(wal);
    free(wal);
}

/* A second one within a second gets a number. */
static char *name_for(const struct store_files *f)
{
    char at[32];
    time_t now = time(NULL);
    struct tm utc;
    strftime(at, sizeof(at), "%Y%m%dT%H%M%SZ", gmtime_r(&now, &utc));
    char *name = mem_printf("%s.corrupt-%s", f->db, at);
    for (unsigned n = 2; access(name, F_OK) == 0; n++) {
        free(name);
        name = mem_printf("%s.corrupt-%s-%u", f->db, at, n);
    }
    return name;
}

static bool rename_where_there(const char *from, const char *to)
{
    return rename(from, to) == 0 || errno == ENOENT;
}

/* The log first: beside the new database it would be taken for its own. */
static bool swap(const struct store_files *f, char **kept, struct error *e)
{
    *kept = name_for(f);
    char *wal = mem_printf("%s-wal", *kept);
    bool ok = rename_where_there(f->wal, wal) && rename_where_there(f->db, *kept) &&
              rename(f->whole, f->db) == 0;
    free(wal);
    if (ok) return true;
    error_set(e, FAULT_CONFIG, "putting the damaged store \"%s\" aside: %s (check the folder)",
              f->db, strerror(errno));
    free(*kept);
    *kept = NULL;
    return false;
}

void store_files_clear_anew(const struct store_files *f)
{
    char *wal = mem_printf("%s-wal", f->anew);
    unlink(f->anew);
    unlink(wal);
    free(wal);
}

bool store_files_replace(const struct store_files *f, char **kept, struct error *e)
{
    *kept = NULL;
    if (rename(f->anew, f->whole) == 0) return swap(f, kept, e);
    return error_set(e, FAULT_CONFIG, "renaming \"%s\": %s (check the folder)", f->anew,
                     strerror(errno));
}

bool store_files_settle(const struct store_files *f, struct error *e)
{
    char *kept = NULL;
    bool ok = access(f->whole, F_OK) != 0 || swap(f, &kept, e);
    free(kept);
    store_files_clear_anew(f);
    if (ok) touch(f->db); /* SQLite gives its log the same mode */
    return ok;
}
