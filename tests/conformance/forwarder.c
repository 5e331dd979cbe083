#include "tests/conformance/forwarder.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/conformance/process.h"
#include "tests/conformance/wait.h"

enum { MAX_PAIRS = 500 };

/* Commands to the thread, one byte each. */
enum { DOWN = 'd', UP = 'u', QUIT = 'q' };

struct forwarder {
    pthread_t thread;
    sem_t done; /* a command has been carried out */
    uint16_t port, target;
    int wake[2], listener;
    struct pair {
        int a, b;
    } pairs[MAX_PAIRS];
    size_t count;
};

static struct sockaddr_in address_of(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
}

static void listen_again(struct forwarder *f)
{
    struct sockaddr_in address = address_of(f->port);
    int on = 1;
    f->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(f->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(f->listener, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(f->listener, 128) != 0)
        check_failed("forwarder: port %u: %s", f->port, strerror(errno));
}

static void close_pair(struct forwarder *f, size_t i)
{
    close(f->pairs[i].a);
    close(f->pairs[i].b);
    f->pairs[i] = f->pairs[--f->count];
}

static void go_down(struct forwarder *f)
{
    if (f->listener >= 0) close(f->listener);
    f->listener = -1;
    while (f->count)
        close_pair(f, f->count - 1);
}

static void take_connection(struct forwarder *f)
{
    struct sockaddr_in address = address_of(f->target);
    int a = accept4(f->listener, NULL, NULL, SOCK_CLOEXEC);
    int b = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (f->count == MAX_PAIRS) check_failed("forwarder: too many connections");
    if (a >= 0 && connect(b, (struct sockaddr *)&address, sizeof(address)) == 0) {
        f->pairs[f->count++] = (struct pair){a, b};
        return;
    }
    close(b);
    if (a >= 0) close(a);
}

/* False: the connection is over. */
static bool copy(int from, int to)
{
    char bytes[65536];
    ssize_t n = read(from, bytes, sizeof(bytes));
    for (ssize_t at = 0; at < n;) {
        ssize_t written = send(to, bytes + at, (size_t)(n - at), MSG_NOSIGNAL);
        if (written <= 0) return false;
        at += written;
    }
    return n > 0;
}

static bool obey(struct forwarder *f)
{
    char command;
    if (read(f->wake[0], &command, 1) != 1) return false;
    if (command != UP) go_down(f);
    if (command == UP) listen_again(f);
    sem_post(&f->done);
    return command != QUIT;
}

static void serve(struct forwarder *f, const struct pollfd *fds)
{
    for (size_t i = f->count; i--;) { /* backwards: closing one moves the last into its place */
        const struct pair *p = &f->pairs[i];
        bool ok = (!fds[2 + 2 * i].revents || copy(p->a, p->b)) &&
                  (!fds[3 + 2 * i].revents || copy(p->b, p->a));
        if (!ok) close_pair(f, i);
    }
    if (fds[1].revents) take_connection(f);
}

static void *run(void *arg)
{
    struct forwarder *f = arg;
    struct pollfd fds[2 + 2 * MAX_PAIRS];
    for (;;) {
        fds[0] = (struct pollfd){.fd = f->wake[0], .events = POLLIN};
        fds[1] = (struct pollfd){.fd = f->listener, .events = POLLIN}; /* -1 is passed over */
        for (size_t i = 0; i < f->count; i++) {
            fds[2 + 2 * i] = (struct pollfd){.fd = f->pairs[i].a, .events = POLLIN};
            fds[3 + 2 * i] = (struct pollfd){.fd = f->pairs[i].b, .events = POLLIN};
        }
        if (poll(fds, 2 + 2 * f->count, -1) < 0) continue;
        if (!fds[0].revents)
            serve(f, fds);
        else if (!obey(f))
            return NULL;
    }
}

static void command(struct forwarder *f, char letter)
{
    if (write(f->wake[1], &letter, 1) != 1) check_failed("forwarder: %s", strerror(errno));
    while (sem_wait(&f->done) != 0)
        continue;
}

struct forwarder *forwarder_start(uint16_t target)
{
    struct forwarder *f = mem_zalloc(sizeof(*f));
    f->target = target;
    f->port = free_port();
    sem_init(&f->done, 0, 0);
    if (pipe2(f->wake, O_CLOEXEC) != 0) check_failed("pipe: %s", strerror(errno));
    listen_again(f);
    pthread_create(&f->thread, NULL, run, f);
    return f;
}

uint16_t forwarder_port(const struct forwarder *f)
{
    return f->port;
}

void forwarder_down(struct forwarder *f)
{
    command(f, DOWN);
}

void forwarder_up(struct forwarder *f)
{
    command(f, UP);
}

void forwarder_stop(struct forwarder *f)
{
    command(f, QUIT);
    pthread_join(f->thread, NULL);
    close(f->wake[0]);
    close(f->wake[1]);
    sem_destroy(&f->done);
    free(f);
}
