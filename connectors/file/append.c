#include "connectors/file/append.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* 0, or errno. */
static int write_all(int fd, const char *ptr, size_t len)
{
    while (len) {
        ssize_t n = write(fd, ptr, len);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return n < 0 ? errno : EIO;
        ptr += n;
        len -= (size_t)n;
    }
    return 0;
}

/* A crash may have left half a line, which was never confirmed. It must not run into the next. */
static bool ends_torn(const char *path)
{
    char last = '\n';
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return false;
    if (lseek(fd, -1, SEEK_END) >= 0 && read(fd, &last, 1) < 0) last = '\n';
    close(fd);
    return last != '\n';
}

static off_t end_of(int fd)
{
    bool appends = fcntl(fd, F_GETFL) & O_APPEND;
    return lseek(fd, 0, appends ? SEEK_END : SEEK_CUR);
}

static bool take_back(int fd, off_t end)
{
    return end < 0 || (ftruncate(fd, end) == 0 && lseek(fd, end, SEEK_SET) == end);
}

/* Set aside by a replay, or rotated: what is written there is read by nobody, or too late. */
static bool was_moved(const struct append *a)
{
    struct stat ours, named;
    if (!a->path || fstat(a->fd, &ours) != 0) return false;
    if (stat(a->path, &named) != 0) return errno == ENOENT;
    return ours.st_ino != named.st_ino || ours.st_dev != named.st_dev;
}

static int append_locked(struct append *a)
{
    if (was_moved(a)) return ESTALE;
    a->mended = a->mend_path && ends_torn(a->mend_path);
    int failed = a->mended ? write_all(a->fd, "\n", 1) : 0;
    if (!failed) failed = write_all(a->fd, a->ptr, a->len);
    if (!failed && a->sync && fdatasync(a->fd) != 0) failed = errno;
    return failed;
}

void append_run(uv_work_t *work)
{
    struct append *a = work->data;
    /* Where a file system has no locks, there is still O_APPEND. */
    bool locked = flock(a->fd, LOCK_EX) == 0;
    off_t end = end_of(a->fd);
    a->failed = append_locked(a);
    a->torn = a->failed && !take_back(a->fd, end);
    if (locked) flock(a->fd, LOCK_UN);
}
