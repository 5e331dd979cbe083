#include "connectors/aws/small_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "connectors/aws/keys.h"

enum { MOST_TOKEN_BYTES = 64 << 10 };

static bool read_all(int fd, const char *path, size_t most, struct buf *text, struct error *e)
{
    for (;;) {
        buf_reserve(text, 4097);
        ssize_t n = read(fd, text->ptr + text->len, 4096);
        if (n < 0)
            return error_set(e, FAULT_CONFIG, "reading \"%s\": %s", path, uv_strerror(-errno));
        if (n == 0) break;
        text->len += (size_t)n;
        if (text->len > most)
            return error_set(e, FAULT_CONFIG, "reading \"%s\": longer than %zu bytes", path, most);
    }
    text->ptr[text->len] = 0;
    return true;
}

bool small_file_read(const char *path, size_t most, struct buf *text, struct error *e)
{
    *text = (struct buf){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* who names a FIFO must not hang us */
    if (fd < 0) return error_set(e, FAULT_CONFIG, "reading \"%s\": %s", path, uv_strerror(-errno));
    bool fine = read_all(fd, path, most, text, e);
    close(fd);
    if (!fine) secret_buf_free(text);
    return fine;
}

bool small_file_read_token(const char *path, struct buf *text, struct error *e)
{
    if (!small_file_read(path, MOST_TOKEN_BYTES, text, e)) return false;
    while (text->len && (text->ptr[text->len - 1] == '\n' || text->ptr[text->len - 1] == '\r'))
        text->ptr[--text->len] = 0;
    bool fine = text->len > 0 && strlen(text->ptr) == text->len;
    for (size_t i = 0; i < text->len; i++)
        fine = fine && text->ptr[i] >= ' ' && text->ptr[i] <= '~';
    if (fine) return true;
    secret_buf_free(text);
    return error_set(e, FAULT_CONFIG, "reading \"%s\": no token in it (one line of text)", path);
}
