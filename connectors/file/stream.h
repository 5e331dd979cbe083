/* An open file, pipe or terminal, and how its bytes are waited for: what the kernel can poll is
 * polled; the rest (regular files) goes to libuv's thread pool, where a slow disk holds up no loop.
 * Thread: the pipeline's. Owner: a source or sink embeds one, and lets closed() pass before it
 * goes. */
#ifndef CONNECTORS_FILE_STREAM_H
#define CONNECTORS_FILE_STREAM_H

#include <uv.h>

#include "bridge/error.h"

struct file_stream {
    int fd;      /* -1: closed */
    bool polled; /* through poll, which is set up and not started */
    bool regular;
    int shared_flags; /* to be put back: others have this open file too; -1: it is ours alone */
    uv_poll_t poll;
    void (*closed)(void *arg);
    void *arg;
};

/* path "-": standard input, or standard output where flags have O_WRONLY. Opening does not wait,
 * not for the other end of a named pipe either. FAULT_DOWN where it may work later. f->fd is -1
 * after a failure. */
bool file_stream_open(struct file_stream *f, uv_loop_t *uv, const char *path, int flags,
                      struct error *e) MUST_USE;

/* closed(arg) follows, at once or later; at once where it is not open. */
void file_stream_close(struct file_stream *f, void (*closed)(void *arg), void *arg);

/* For messages to people: "standard input", "\"orders.jsonl\"". Returns text. */
const char *file_stream_name(const char *path, int flags, char *text, size_t size);

#endif
