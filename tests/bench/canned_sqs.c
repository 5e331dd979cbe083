/* canned_sqs FOLDER: answers each action with the file of its name, and checks nothing. It prints
 * `listening PORT` and ends when its standard input does. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "bridge/mem.h"

static const char *const actions[] = {"ReceiveMessage", "SendMessageBatch", "DeleteMessageBatch"};
enum { ACTIONS = sizeof(actions) / sizeof(actions[0]) };
static struct buf answers[ACTIONS]; /* with their headers */

struct peer {
    uv_tcp_t socket;
    struct buf in;
};

static void load(const char *folder)
{
    for (int i = 0; i < ACTIONS; i++) {
        char *path = mem_printf("%s/%s", folder, actions[i]), body[65536];
        FILE *file = fopen(path, "rb");
        if (!file) {
            fprintf(stderr, "canned_sqs: no file %s\n", path);
            exit(EXIT_FAILURE);
        }
        size_t len = fread(body, 1, sizeof(body), file);
        fclose(file);
        free(path);
        buf_printf(&answers[i],
                   "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\n"
                   "x-amzn-RequestId: 00000000-0000-0000-0000-000000000000\r\n"
                   "Content-Length: %zu\r\n\r\n",
                   len);
        buf_add(&answers[i], body, len);
    }
}

static void peer_closed(uv_handle_t *handle)
{
    struct peer *peer = handle->data;
    free(peer->in.ptr);
    free(peer);
}

static void answer(struct peer *peer, const char *head, size_t len)
{
    for (int i = 0; i < ACTIONS; i++) {
        char target[64];
        int n = snprintf(target, sizeof(target), "AmazonSQS.%s\r", actions[i]);
        if (!memmem(head, len, target, (size_t)n)) continue;
        uv_buf_t out = uv_buf_init(answers[i].ptr, (unsigned)answers[i].len);
        int sent = uv_try_write((uv_stream_t *)&peer->socket, &out, 1);
        if (sent == (int)answers[i].len) return;
    }
    uv_close((uv_handle_t *)&peer->socket, peer_closed);
}

/* The length of the whole request that stands first; 0: not there yet. */
static size_t whole_request(const struct buf *in)
{
    const char *end = in->len ? memmem(in->ptr, in->len, "\r\n\r\n", 4) : NULL;
    const char *length = end ? strcasestr(in->ptr, "content-length:") : NULL;
    if (!length) return 0;
    size_t whole = (size_t)(end + 4 - in->ptr) + strtoul(length + 15, NULL, 10);
    return whole <= in->len ? whole : 0;
}

static void give_room(uv_handle_t *handle, size_t size, uv_buf_t *out)
{
    struct peer *peer = handle->data;
    buf_reserve(&peer->in, size + 1);
    *out = uv_buf_init(peer->in.ptr + peer->in.len, (unsigned)size);
}

static void take(uv_stream_t *stream, ssize_t n, const uv_buf_t *in)
{
    struct peer *peer = stream->data;
    size_t whole;
    (void)in;
    if (n < 0) {
        if (!uv_is_closing((uv_handle_t *)stream)) uv_close((uv_handle_t *)stream, peer_closed);
        return;
    }
    peer->in.len += (size_t)n;
    peer->in.ptr[peer->in.len] = '\0';
    while ((whole = whole_request(&peer->in))) {
        answer(peer, peer->in.ptr, whole);
        memmove(peer->in.ptr, peer->in.ptr + whole, peer->in.len - whole);
        peer->in.len -= whole;
    }
}

static void accept_peer(uv_stream_t *listener, int status)
{
    struct peer *peer = mem_zalloc(sizeof(*peer));
    if (status < 0) exit(EXIT_FAILURE);
    uv_tcp_init(listener->loop, &peer->socket);
    peer->socket.data = peer;
    if (uv_accept(listener, (uv_stream_t *)&peer->socket)) exit(EXIT_FAILURE);
    uv_tcp_nodelay(&peer->socket, 1);
    uv_read_start((uv_stream_t *)&peer->socket, give_room, take);
}

static void parent_room(uv_handle_t *handle, size_t size, uv_buf_t *out)
{
    static char unused[16];
    (void)handle;
    (void)size;
    *out = uv_buf_init(unused, sizeof(unused));
}

static void parent_wrote(uv_stream_t *stream, ssize_t n, const uv_buf_t *in)
{
    (void)stream;
    (void)in;
    if (n < 0) exit(EXIT_SUCCESS);
}

int main(int argc, char **argv)
{
    struct sockaddr_in at;
    int len = sizeof(at);
    uv_tcp_t listener;
    uv_pipe_t parent;
    uv_loop_t *loop = uv_default_loop();
    if (argc != 2) return EXIT_FAILURE;
    load(argv[1]);
    uv_ip4_addr("127.0.0.1", 0, &at);
    uv_tcp_init(loop, &listener);
    uv_tcp_bind(&listener, (const struct sockaddr *)&at, 0);
    if (uv_listen((uv_stream_t *)&listener, 64, accept_peer)) return EXIT_FAILURE;
    uv_tcp_getsockname(&listener, (struct sockaddr *)&at, &len);
    printf("listening %d\n", ntohs(at.sin_port));
    fflush(stdout);
    uv_pipe_init(loop, &parent, 0);
    uv_pipe_open(&parent, 0);
    uv_read_start((uv_stream_t *)&parent, parent_room, parent_wrote);
    return uv_run(loop, UV_RUN_DEFAULT);
}
