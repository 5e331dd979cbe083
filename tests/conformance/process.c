#include "tests/conformance/process.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/conformance/wait.h"

static void redirect(int to, int fd)
{
    if (to >= 0) dup2(to, fd);
}

/* argv is execvp's argument by value: it never changes the words. */
static char *const *words(const char *const *argv)
{
    union {
        const char *const *in;
        char *const *out;
    } u = {argv};
    return u.out;
}

static _Noreturn void become(const char *const *argv, int in, int out, int log, pid_t parent)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);
    redirect(in, STDIN_FILENO);
    redirect(out, STDOUT_FILENO);
    redirect(log, STDERR_FILENO);
    execvp(argv[0], words(argv));
    fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
    _exit(127);
}

static struct process start(const char *const *argv, const char *log_path, int in, int out)
{
    int log = log_path ? open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
    pid_t parent = getpid(), pid = fork();
    if (pid < 0) check_failed("starting %s: %s", argv[0], strerror(errno));
    if (pid == 0) become(argv, in, out >= 0 ? out : log, log, parent);
    if (log >= 0) close(log);
    return (struct process){.pid = pid, .in = -1, .out = -1};
}

static void extend_path(void)
{
    char *path = mem_printf("%s:/usr/sbin:/usr/bin", getenv("PATH") ? getenv("PATH") : "");
    setenv("PATH", path, 1);
    free(path);
}

struct process process_start(const char *const *argv, const char *log)
{
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    extend_path();
    struct process p = start(argv, log, null, -1);
    close(null);
    return p;
}

struct process process_start_piped(const char *const *argv, const char *log)
{
    int in[2], out[2];
    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0)
        check_failed("pipe: %s", strerror(errno));
    extend_path();
    struct process p = start(argv, log, in[0], out[1]);
    close(in[0]);
    close(out[1]);
    p.in = in[1];
    p.out = out[0];
    return p;
}

void process_feed(struct process *p, const void *text, size_t len)
{
    const char *at = text;
    while (len) {
        ssize_t n = write(p->in, at, len);
        if (n <= 0) check_failed("a client takes no more input: %s", strerror(errno));
        at += n;
        len -= (size_t)n;
    }
    close(p->in);
    p->in = -1;
    process_expect_success(p);
}

void process_read_line(struct process *p, char *line, size_t size)
{
    size_t len = 0;
    char c;
    while (read(p->out, &c, 1) == 1 && c != '\n')
        if (len + 1 < size) line[len++] = c;
    line[len] = '\0';
    if (!len) check_failed("a server ended at its start");
}

void process_signal(const struct process *p, int signal_number)
{
    if (p->pid > 0) kill(p->pid, signal_number);
}

static int finish(struct process *p)
{
    int status = 0;
    if (p->in >= 0) close(p->in);
    if (p->out >= 0) close(p->out);
    if (p->pid > 0) waitpid(p->pid, &status, 0);
    *p = (struct process){.in = -1, .out = -1};
    return status;
}

void process_stop(struct process *p, int signal_number)
{
    process_signal(p, SIGCONT);
    process_signal(p, signal_number);
    finish(p);
}

void process_expect_success(struct process *p)
{
    int status = finish(p);
    if (status != 0) check_failed("a client ended with status %x", (unsigned)status);
}

static bool is_free(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is = bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
    close(fd);
    return is;
}

uint16_t free_port(void)
{
    enum { FIRST = 15000, COUNT = 16000 }; /* below those that outgoing connections get */
    for (int tries = 0; tries < 1000; tries++) {
        uint16_t random;
        if (getrandom(&random, sizeof(random), 0) != sizeof(random)) break;
        uint16_t port = (uint16_t)(FIRST + random % COUNT);
        if (is_free(port)) return port;
    }
    check_failed("no free port");
}
