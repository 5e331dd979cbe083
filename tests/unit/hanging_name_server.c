#include "tests/unit/hanging_name_server.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/shadow_file.h"

static void raise_loopback(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq request = {.ifr_name = "lo"};
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &request), 0);
    close(fd);
}

/* Reads nothing. */
static int listen_for_questions(void)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(53), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    return fd;
}

int hanging_name_server(void)
{
    char text[64];
    snprintf(text, sizeof(text), "nameserver 127.0.0.1\noptions timeout:%d attempts:1\n",
             HANGING_NAME_SERVER_S);
    if (!shadow_file("/etc/resolv.conf", text)) return -1;
    assert_int_equal(unshare(CLONE_NEWNET), 0);
    raise_loopback();
    return listen_for_questions();
}
