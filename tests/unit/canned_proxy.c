#include "tests/unit/canned_proxy.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void must(bool fine)
{
    if (!fine) abort();
}

static struct sockaddr_in at_port(unsigned port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static bool read_request(struct canned_proxy *p, int fd)
{
    size_t len = 0;
    do {
        ssize_t n = read(fd, p->request + len, sizeof(p->request) - 1 - len);
        if (n <= 0) return false;
        len += (size_t)n;
        p->request[len] = 0;
    } while (!strstr(p->request, "\r\n\r\n"));
    return true;
}

static bool may_pass(const struct canned_proxy *p)
{
    const char *line = strstr(p->request, "Proxy-Authorization: ");
    size_t len = strlen(p->authorization);
    return line && strncmp(line + 21, p->authorization, len) == 0 && line[21 + len] == '\r';
}

static void say(int fd, const char *text)
{
    must(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
}

/* False: that side has closed. */
static bool carry(int from, int to)
{
    char some[4096];
    ssize_t n = read(from, some, sizeof(some));
    return n > 0 && write(to, some, (size_t)n) == n;
}

static void tunnel(struct canned_proxy *p, int client)
{
    struct sockaddr_in address = at_port(p->to_port);
    int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(connect(server, (struct sockaddr *)&address, sizeof(address)) == 0);
    p->tunnels++;
    say(client, "HTTP/1.1 200 Connection established\r\n\r\n");
    for (bool open = true; open;) {
        struct pollfd ends[] = {{client, POLLIN, 0}, {server, POLLIN, 0}};
        must(poll(ends, 2, -1) > 0);
        if (ends[0].revents) open = carry(client, server);
        if (open && ends[1].revents) open = carry(server, client);
    }
    close(server);
}

static void *run(void *arg)
{
    struct canned_proxy *p = arg;
    int fd;
    while ((fd = accept(p->listener, NULL, NULL)) >= 0) {
        if (!read_request(p, fd))
            p->request[0] = 0;
        else if (may_pass(p))
            tunnel(p, fd);
        else
            say(fd, "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n"
                    "Proxy-Authenticate: Basic realm=\"x\"\r\nConnection: close\r\n\r\n");
        close(fd);
    }
    return NULL;
}

void canned_proxy_start(struct canned_proxy *p)
{
    struct sockaddr_in address = at_port(0);
    socklen_t len = sizeof(address);
    p->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(bind(p->listener, (struct sockaddr *)&address, sizeof(address)) == 0);
    must(listen(p->listener, 16) == 0);
    must(getsockname(p->listener, (struct sockaddr *)&address, &len) == 0);
    p->port = ntohs(address.sin_port);
    must(pthread_create(&p->thread, NULL, run, p) == 0);
}

void canned_proxy_stop(struct canned_proxy *p)
{
    shutdown(p->listener, SHUT_RDWR); /* ends accept() */
    pthread_join(p->thread, NULL);
    close(p->listener);
}
