#include "connectors/file/take.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* Nobody is within a line of it then: appends hold the same lock. */
static int set_aside(const char *path, const char *aside)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return errno;
    flock(fd, LOCK_EX);
    int failed = rename(path, aside) == 0 ? 0 : errno;
    close(fd);
    return failed;
}

/* Not flock(): who still has the file open waits with that before it looks whether it was moved. */
static int open_locked(const char *aside)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = open(aside, O_RDWR | O_CLOEXEC);
    if (fd < 0 || fcntl(fd, F_OFD_SETLK, &whole) == 0) return fd;
    close(fd);
    errno = EBUSY;
    return -1;
}

static const char *hint(int failed)
{
    return failed == ENOENT  ? " (there are no dead letters)"
           : failed == EBUSY ? " (another replay has them)"
                             : "";
}

bool take_begin(struct take *t, struct error *e)
{
    char *aside = mem_printf("%s.replay", t->path);
    int failed = access(aside, F_OK) == 0 ? 0 : set_aside(t->path, aside);
    t->lock = failed ? -1 : open_locked(aside);
    if (t->lock >= 0) {
        t->aside = aside;
        return true;
    }
    if (!failed) failed = errno;
    free(aside);
    return error_set(e, FAULT_CONFIG, "\"%s\": %s%s", t->path, strerror(failed), hint(failed));
}

void take_confirm(struct take *t, uint64_t line)
{
    size_t at = (size_t)(line / 8);
    if (at >= t->bytes) {
        size_t bytes = 2 * (at + 64);
        t->confirmed = mem_realloc(t->confirmed, bytes);
        memset(t->confirmed + t->bytes, 0, bytes - t->bytes);
        t->bytes = bytes;
    }
    t->confirmed[at] |= (unsigned char)(1u << line % 8);
}

static bool is_confirmed(const struct take *t, uint64_t line)
{
    size_t at = (size_t)(line / 8);
    return at < t->bytes && (t->confirmed[at] >> line % 8 & 1);
}

/* Copies the lines that stay, each with its newline. */
static bool put_back(struct take *t, FILE *from, FILE *to)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;
    for (uint64_t number = 1; (len = getline(&line, &cap, from)) >= 0; number++) {
        if (is_confirmed(t, number)) continue;
        t->left++;
        fwrite(line, 1, (size_t)len, to);
        if (line[len - 1] != '\n') fputc('\n', to);
    }
    free(line);
    return !ferror(from) && fflush(to) == 0 && !ferror(to) && fdatasync(fileno(to)) == 0;
}

static bool move_rest(struct take *t)
{
    FILE *from = fopen(t->aside, "re");
    FILE *to = from ? fopen(t->path, "ae") : NULL;
    bool done = false;
    if (to) {
        flock(fileno(to), LOCK_EX);
        done = put_back(t, from, to);
    }
    t->failed = done ? 0 : errno ? errno : EIO;
    if (to) fclose(to);
    if (from) fclose(from);
    return done;
}

/* The name of the file must be on disk before the other name goes. */
static void sync_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? mem_strndup(path, (size_t)(slash - path) + 1) : mem_strdup(".");
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    free(folder);
}

void take_end(uv_work_t *work)
{
    struct take *t = work->data;
    errno = 0;
    if (!move_rest(t)) return;
    sync_folder(t->path);
    if (unlink(t->aside) != 0) t->failed = errno;
}

void take_free(struct take *t)
{
    if (t->aside) close(t->lock);
    free(t->aside);
    free(t->confirmed);
}
