/* To be preloaded: the N-th call of one kind in the whole process fails, once.
 *
 *   NTH_CALL        "alloc", "read", "write", "sync" or "open"
 *   NTH_CALL_FAILS  N; 0: none, calls are only counted
 *   NTH_CALL_COUNT  a file, to which is written: "struck" when a call has failed, "crashed in FILE"
 *                   where a SIGSEGV finds the process, and the number of calls at a good end
 *
 * Allocations fail with ENOMEM, all others with EIO. */
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define SHOWN __attribute__((visibility("default")))

enum kind { NONE, ALLOC, READ, WRITE, SYNC, OPEN };

static enum kind chosen;
static long fails;
static atomic_long calls;
static const char *report;

/* glibc's own, under names that nobody replaces. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *ptr, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static void say(const char *text)
{
    int fd = report
                 ? (int)syscall(SYS_openat, AT_FDCWD, report, O_WRONLY | O_CREAT | O_APPEND, 0600)
                 : -1;
    if (fd < 0) return;
    (void)!syscall(SYS_write, fd, text, strlen(text));
    syscall(SYS_close, fd);
}

static bool strikes(enum kind kind)
{
    if (kind != chosen || atomic_fetch_add(&calls, 1) + 1 != fails) return false;
    say("struck\n");
    errno = kind == ALLOC ? ENOMEM : EIO;
    return true;
}

/* Whose call it was: the innermost that is neither this nor the C library. */
static const char *culprit(void)
{
    void *frames[32];
    int count = backtrace(frames, 32);
    for (int i = 0; i < count; i++) {
        Dl_info where;
        if (!dladdr(frames[i], &where) || !where.dli_fname) continue;
        if (!strstr(where.dli_fname, "/libc.so") && !strstr(where.dli_fname, "nth_call.so"))
            return strrchr(where.dli_fname, '/') ? strrchr(where.dli_fname, '/') + 1 : "?";
    }
    return "?";
}

static void crashed(int number)
{
    char text[256];
    snprintf(text, sizeof(text), "crashed in %s\n", culprit());
    say(text);
    signal(number, SIG_DFL);
}

/* Threads block all signals; with SIGSEGV blocked nobody would hear of it. */
SHOWN int pthread_sigmask(int how, const sigset_t *set, sigset_t *old)
{
    sigset_t heard = {0};
    if (set) heard = *set;
    if (how != SIG_UNBLOCK) sigdelset(&heard, SIGSEGV);
    return syscall(SYS_rt_sigprocmask, how, set ? &heard : NULL, old, 8) == 0 ? 0 : errno;
}

__attribute__((constructor)) static void begin(void)
{
    static const char *const names[] = {"", "alloc", "read", "write", "sync", "open"};
    const char *name = getenv("NTH_CALL"), *number = getenv("NTH_CALL_FAILS");
    report = getenv("NTH_CALL_COUNT");
    signal(SIGSEGV, crashed);
    backtrace((void *[1]){0}, 1); /* loads what it needs */
    fails = number ? atol(number) : 0;
    for (enum kind k = ALLOC; name && k <= OPEN; k++)
        if (strcmp(name, names[k]) == 0) chosen = k;
}

__attribute__((destructor)) static void end(void)
{
    char text[32];
    snprintf(text, sizeof(text), "calls %ld\n", atomic_load(&calls));
    say(text);
}

/* ---- memory ---- */

SHOWN void *malloc(size_t size)
{
    return strikes(ALLOC) ? NULL : __libc_malloc(size);
}

SHOWN void *calloc(size_t count, size_t size)
{
    return strikes(ALLOC) ? NULL : __libc_calloc(count, size);
}

SHOWN void *realloc(void *ptr, size_t size)
{
    return strikes(ALLOC) ? NULL : __libc_realloc(ptr, size);
}

SHOWN int posix_memalign(void **out, size_t alignment, size_t size)
{
    if (strikes(ALLOC)) return ENOMEM;
    *out = __libc_memalign(alignment, size);
    return *out ? 0 : ENOMEM;
}

/* ---- files and sockets ---- */

SHOWN ssize_t read(int fd, void *buf, size_t len)
{
    return strikes(READ) ? -1 : syscall(SYS_read, fd, buf, len);
}

SHOWN ssize_t pread64(int fd, void *buf, size_t len, off_t at)
{
    return strikes(READ) ? -1 : syscall(SYS_pread64, fd, buf, len, at);
}

SHOWN ssize_t pread(int fd, void *buf, size_t len, off_t at)
{
    return pread64(fd, buf, len, at);
}

SHOWN ssize_t readv(int fd, const struct iovec *parts, int count)
{
    return strikes(READ) ? -1 : syscall(SYS_readv, fd, parts, count);
}

SHOWN ssize_t write(int fd, const void *buf, size_t len)
{
    return strikes(WRITE) ? -1 : syscall(SYS_write, fd, buf, len);
}

SHOWN ssize_t pwrite64(int fd, const void *buf, size_t len, off_t at)
{
    return strikes(WRITE) ? -1 : syscall(SYS_pwrite64, fd, buf, len, at);
}

SHOWN ssize_t pwrite(int fd, const void *buf, size_t len, off_t at)
{
    return pwrite64(fd, buf, len, at);
}

SHOWN ssize_t writev(int fd, const struct iovec *parts, int count)
{
    return strikes(WRITE) ? -1 : syscall(SYS_writev, fd, parts, count);
}

SHOWN int fsync(int fd)
{
    return strikes(SYNC) ? -1 : (int)syscall(SYS_fsync, fd);
}

SHOWN int fdatasync(int fd)
{
    return strikes(SYNC) ? -1 : (int)syscall(SYS_fdatasync, fd);
}

static int open_at(int folder, const char *path, int flags, mode_t mode)
{
    return strikes(OPEN) ? -1 : (int)syscall(SYS_openat, folder, path, flags, mode);
}

static mode_t mode_of(int flags, va_list more)
{
    return flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
}

SHOWN int open(const char *path, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    mode_t mode = mode_of(flags, more);
    va_end(more);
    return open_at(AT_FDCWD, path, flags, mode);
}

/* The flags say what is asked for; off_t has 64 bits either way. */
SHOWN int open64(const char *path, int flags, ...) __attribute__((alias("open")));

SHOWN int openat(int folder, const char *path, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    mode_t mode = mode_of(flags, more);
    va_end(more);
    return open_at(folder, path, flags, mode);
}
