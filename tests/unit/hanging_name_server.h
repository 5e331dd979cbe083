/* A name server that takes every question and never answers, in a network and with an
 * /etc/resolv.conf of this process's own, for which it must be root. Thread: before any other is
 * there, as they all are to be in it. */
#ifndef UNIT_HANGING_NAME_SERVER_H
#define UNIT_HANGING_NAME_SERVER_H

enum { HANGING_NAME_SERVER_S = 3 }; /* who asks gives up after so long */

/* Its socket, to be closed; -1: no right to, as shadow_file() says. */
int hanging_name_server(void);

#endif
