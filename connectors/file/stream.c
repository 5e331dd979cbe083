#include "connectors/file/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "connectors/file/file.h"

bool file_is_standard(const char *path)
{
    return path[0] == '-' && path[1] == '\0';
}

bool file_is_regular(const char *path)
{
    struct stat st;
    return !file_is_standard(path) && (stat(path, &st) != 0 || S_ISREG(st.st_mode));
}

const char *file_stream_name(const char *path, int flags, char *text, size_t size)
{
    bool writes = (flags & O_ACCMODE) == O_WRONLY;
    if (file_is_standard(path))
        snprintf(text, size, "standard %s", writes ? "output" : "input");
    else
        snprintf(text, size, "\"%s\"", path);
    return text;
}

/* A pipe or terminal is opened anew where that is possible: O_NONBLOCK belongs to the open file,
 * which the shell and other programs share. A regular file is not: its position is to be shared. */
static int open_standard(struct file_stream *f, int flags)
{
    int inherited = (flags & O_ACCMODE) == O_WRONLY ? STDOUT_FILENO : STDIN_FILENO;
    struct stat st;
    if (fstat(inherited, &st) == 0 && !S_ISREG(st.st_mode)) {
        char path[32];
        snprintf(path, sizeof(path), "/proc/self/fd/%d", inherited);
        int own = open(path, (flags & O_ACCMODE) | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
        if (own >= 0) return own;
    }
    f->shared_flags = fcntl(inherited, F_GETFL);
    return fcntl(inherited, F_DUPFD_CLOEXEC, 3);
}

static bool prepare(struct file_stream *f, uv_loop_t *uv)
{
    struct stat st;
    if (fstat(f->fd, &st) != 0) return false;
    f->regular = S_ISREG(st.st_mode);
    int failed = uv_poll_init(uv, &f->poll, f->fd);
    f->polled = failed == 0;
    if (failed && failed != UV_EPERM) errno = -failed; /* EPERM: it is never waited for */
    return f->polled || failed == UV_EPERM;
}

bool file_stream_open(struct file_stream *f, uv_loop_t *uv, const char *path, int flags,
                      struct error *e)
{
    *f = (struct file_stream){.shared_flags = -1};
    f->fd = file_is_standard(path) ? open_standard(f, flags)
                                   : open(path, flags | O_NONBLOCK | O_CLOEXEC | O_NOCTTY, 0640);
    if (f->fd >= 0 && prepare(f, uv)) return true;
    int why = errno;
    if (f->fd >= 0) close(f->fd);
    f->fd = -1;
    char name[300];
    return error_set(e, FAULT_DOWN, "opening %s: %s%s",
                     file_stream_name(path, flags, name, sizeof(name)), uv_strerror(-why),
                     why == ENXIO ? " (nobody reads this pipe)" : "");
}

static void release(struct file_stream *f)
{
    if (f->shared_flags >= 0) fcntl(f->fd, F_SETFL, f->shared_flags);
    close(f->fd);
    f->fd = -1;
    f->closed(f->arg);
}

static void poll_closed(uv_handle_t *poll)
{
    release(poll->data);
}

void file_stream_close(struct file_stream *f, void (*closed)(void *arg), void *arg)
{
    f->closed = closed;
    f->arg = arg;
    if (f->fd < 0) {
        closed(arg);
    } else if (f->polled && uv_is_closing((uv_handle_t *)&f->poll)) {
        return; /* already on its way */
    } else if (f->polled) {
        f->poll.data = f;
        uv_close((uv_handle_t *)&f->poll, poll_closed);
    } else {
        release(f);
    }
}
