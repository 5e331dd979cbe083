#include "tests/mqtt/scripted_websocket.h"

#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void read_request(struct broker *b, char *text, size_t size)
{
    size_t len = 0;
    while (len < 4 || memcmp(text + len - 4, "\r\n\r\n", 4) != 0) {
        assert_true(len + 1 < size);
        broker_read_raw(b, (uint8_t *)text + len++, 1);
    }
    text[len] = '\0';
}

static void accept_key(const char *request, char *accept)
{
    char text[200];
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len;
    const char *key = strstr(request, "Sec-WebSocket-Key: ");
    assert_non_null(key);
    snprintf(text, sizeof(text), "%.24s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key + 19);
    assert_true(EVP_Digest(text, strlen(text), digest, &len, EVP_sha1(), NULL));
    EVP_EncodeBlock((unsigned char *)accept, digest, (int)len);
}

void broker_upgrade(struct broker *b)
{
    char request[4096], accept[64], answer[300];
    read_request(b, request, sizeof(request));
    accept_key(request, accept);
    int len = snprintf(answer, sizeof(answer),
                       "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                       "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n"
                       "Sec-WebSocket-Protocol: mqtt\r\n\r\n",
                       accept);
    broker_write_raw(b, answer, (size_t)len);
    b->websocket = true;
    b->frame_left = 0;
}

void broker_write_frame_header(struct broker *b, int opcode, bool final, size_t len)
{
    uint8_t header[4] = {(uint8_t)((final ? 0x80 : 0) | opcode)};
    assert_true(len < 65536);
    header[1] = len < 126 ? (uint8_t)len : 126;
    header[2] = (uint8_t)(len >> 8);
    header[3] = (uint8_t)len;
    broker_write_raw(b, header, len < 126 ? 2 : 4);
}

void broker_write_frame(struct broker *b, int opcode, bool final, const void *bytes, size_t len)
{
    broker_write_frame_header(b, opcode, final, len);
    broker_write_raw(b, bytes, len);
}

/* The client's frames are masked. */
static void next_frame(struct broker *b)
{
    uint8_t header[2], length[8];
    broker_read_raw(b, header, 2);
    assert_true(header[1] & 0x80);
    b->frame_left = header[1] & 0x7f;
    size_t more = b->frame_left == 126 ? 2 : b->frame_left == 127 ? 8 : 0;
    if (more) {
        broker_read_raw(b, length, more);
        b->frame_left = 0;
        for (size_t i = 0; i < more; i++)
            b->frame_left = b->frame_left << 8 | length[i];
    }
    broker_read_raw(b, b->mask, sizeof(b->mask));
    b->mask_at = 0;
}

void broker_read_frames(struct broker *b, uint8_t *to, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        while (b->frame_left == 0)
            next_frame(b);
        broker_read_raw(b, to + i, 1);
        to[i] ^= b->mask[b->mask_at++ % 4];
        b->frame_left--;
    }
}
