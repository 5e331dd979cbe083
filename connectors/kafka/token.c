#include "connectors/kafka/token.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "bridge/json.h"
#include "bridge/text.h"

enum { MAX_TOKEN = 64 * 1024 };

/* base64url without padding, as JWT has it. */
static bool unbase64url(struct bytes in, struct buf *out)
{
    char *plain = mem_alloc(in.len + 4);
    const char *from = in.ptr;
    size_t len = 0;
    for (; len < in.len; len++)
        plain[len] = from[len] == '-' ? '+' : from[len] == '_' ? '/' : from[len];
    while (len % 4)
        plain[len++] = '=';
    bool ok = text_unbase64(bytes_of(plain, len), out);
    free(plain);
    return ok;
}

/* "exp" may have a fraction, or be so large that only a double holds it. */
static int64_t seconds_of(struct bytes number)
{
    char text[32] = "";
    size_t len = number.len < sizeof(text) ? number.len : sizeof(text) - 1;
    memcpy(text, number.ptr, len);
    double seconds = strtod(text, NULL);
    return seconds > 0 && seconds < 1e12 ? (int64_t)seconds : 0;
}

static bool read_claims(struct buf *claims, struct kafka_token *token)
{
    struct json_reader r;
    json_read(&r, claims->ptr, claims->len);
    if (json_next(&r) != JSON_OBJECT) return false;
    enum json_token next;
    while ((next = json_next(&r)) == JSON_KEY) {
        struct bytes key = r.text;
        enum json_token value = json_next(&r);
        if (bytes_eq(key, BYTES_LIT("exp")) && value == JSON_NUMBER)
            token->expires_ms = 1000 * seconds_of(r.text);
        else if (bytes_eq(key, BYTES_LIT("sub")) && value == JSON_STRING &&
                 r.text.len < sizeof(token->principal))
            memcpy(token->principal, r.text.ptr, r.text.len);
        else if (!json_skip(&r, value))
            return false;
    }
    return next == JSON_OBJECT_END && token->expires_ms && token->principal[0];
}

bool kafka_token_parse(struct bytes jwt, struct kafka_token *token, struct error *e)
{
    *token = (struct kafka_token){0};
    const char *start = jwt.ptr;
    while (jwt.len && (start[jwt.len - 1] == '\n' || start[jwt.len - 1] == '\r'))
        jwt.len--;
    const char *first = jwt.len ? memchr(start, '.', jwt.len) : NULL;
    const char *second =
        first ? memchr(first + 1, '.', (size_t)(start + jwt.len - first - 1)) : NULL;
    struct buf claims = {0};
    bool ok = second && unbase64url(bytes_of(first + 1, (size_t)(second - first - 1)), &claims) &&
              claims.len && read_claims(&claims, token);
    free(claims.ptr);
    if (!ok)
        return error_set(e, FAULT_CONFIG, "this is no JWT with the claims \"sub\" and \"exp\"");
    token->text = mem_strndup(start, jwt.len);
    return true;
}

void kafka_token_free(struct kafka_token *token)
{
    free(token->text);
    *token = (struct kafka_token){0};
}

static bool read_file(const char *path, struct buf *text, struct error *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return error_set(e, FAULT_CONFIG, "%s", strerror(errno));
    buf_reserve(text, MAX_TOKEN);
    ssize_t n = read(fd, text->ptr, MAX_TOKEN);
    close(fd);
    if (n < 0) return error_set(e, FAULT_CONFIG, "%s", strerror(errno));
    text->len = (size_t)n;
    return true;
}

static bool hand_over(rd_kafka_t *rk, const struct kafka_token *token, struct error *e)
{
    char why[256];
    if (rd_kafka_oauthbearer_set_token(rk, token->text, token->expires_ms, token->principal, NULL,
                                       0, why, sizeof(why)) == RD_KAFKA_RESP_ERR_NO_ERROR)
        return true;
    return error_set(e, FAULT_CONFIG, "%s", why);
}

bool kafka_token_refresh(rd_kafka_t *rk, const char *path, struct error *e)
{
    struct buf text = {0};
    struct kafka_token token = {0};
    bool ok = read_file(path, &text, e) &&
              kafka_token_parse(bytes_of(text.ptr, text.len), &token, e) &&
              hand_over(rk, &token, e);
    kafka_token_free(&token);
    free(text.ptr);
    return ok || error_prefix(e, "sasl_token_file \"%s\"", path);
}
