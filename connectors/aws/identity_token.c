/* Certificates and keys in a token, by way of the pkcs11 engine of libp11, which is loaded when the
 * first address is met. (Debian 12 has no provider for PKCS#11, only this engine.)
 * Source: RFC 7512; libp11 0.4.12. */
#define OPENSSL_SUPPRESS_DEPRECATED /* engines, since OpenSSL 3.0; there is nothing else yet */
#include <openssl/crypto.h>
#include <openssl/engine.h>
#include <openssl/err.h>
#include <openssl/ui.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <strings.h>

#include "connectors/aws/identity_parts.h"

/* An engine for each of the token's libraries, for the whole process and for good: to unload one
 * would finalise the library under everybody else who uses it. */
struct token_engine {
    char *module; /* "": the engine's own, p11-kit */
    ENGINE *engine;
    struct token_engine *next;
};
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of the list, and of the engines' PINs */
static struct token_engine *engines;

static const char scheme[] = "pkcs11:";

bool identity_is_token(const char *text)
{
    return text && strncasecmp(text, scheme, sizeof(scheme) - 1) == 0;
}

/* ---- the address ---- */

struct token_address {
    char *object; /* without the query, which the engine does not know all of */
    char *module, *pin;
};

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    char letter = (char)(c | 0x20);
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

static char *decode(const char *at, size_t len)
{
    char *text = mem_alloc(len + 1), *to = text;
    for (const char *end = at + len; at < end; at++) {
        bool escape = *at == '%' && end - at > 2 && hex_digit(at[1]) >= 0 && hex_digit(at[2]) >= 0;
        char c = *at;
        if (escape) {
            c = (char)(hex_digit(at[1]) << 4 | hex_digit(at[2]));
            at += 2;
        }
        *to++ = c;
    }
    *to = 0;
    return text;
}

/* "name=value" out of the query, decoded; NULL: not in it. */
static char *query_value(const char *query, const char *name)
{
    size_t name_len = strlen(name);
    while (*query) {
        size_t len = strcspn(query, "&");
        if (len > name_len && strncmp(query, name, name_len) == 0 && query[name_len] == '=')
            return decode(query + name_len + 1, len - name_len - 1);
        query += len + (query[len] ? 1 : 0);
    }
    return NULL;
}

static void parse(const char *uri, const char *password, struct token_address *a)
{
    size_t path = strcspn(uri, "?");
    const char *query = uri[path] ? uri + path + 1 : "";
    a->object = mem_strndup(uri, path);
    a->module = query_value(query, "module-path");
    a->pin = password && *password ? mem_strdup(password) : query_value(query, "pin-value");
}

static void forget(struct token_address *a)
{
    if (a->pin) OPENSSL_cleanse(a->pin, strlen(a->pin));
    free(a->pin);
    free(a->object);
    free(a->module);
}

/* ---- the engine ---- */

static bool control(ENGINE *engine, const char *command, const char *value)
{
    return ENGINE_ctrl_cmd_string(engine, command, value, 0) == 1;
}

/* As ENGINE_by_id() does, but for the list: each library wants an engine of its own. */
static ENGINE *load_engine(void)
{
    const char *folder = getenv("OPENSSL_ENGINES");
    ENGINE_load_dynamic();
    ENGINE *engine = ENGINE_by_id("dynamic");
    if (!engine) return NULL;
    if (!folder || !*folder) folder = OPENSSL_info(OPENSSL_INFO_ENGINES_DIR);
    if (control(engine, "ID", "pkcs11") && control(engine, "DIR_LOAD", "2") &&
        control(engine, "DIR_ADD", folder) && control(engine, "LIST_ADD", "0") &&
        control(engine, "LOAD", NULL))
        return engine;
    ENGINE_free(engine);
    return NULL;
}

static const char *reason(void)
{
    const char *text = ERR_reason_error_string(ERR_peek_last_error());
    return text ? text : "failed";
}

static bool prepare(ENGINE *engine, const char *module, struct error *e)
{
    if (*module && !control(engine, "MODULE_PATH", module))
        return error_set(e, FAULT_CONFIG, "PKCS#11 library \"%s\": %s", module, reason());
    if (ENGINE_init(engine)) return true;
    return error_set(e, FAULT_CONFIG, "PKCS#11 library \"%s\": %s (check module-path)",
                     *module ? module : "p11-kit", reason());
}

static ENGINE *make_engine(const char *module, struct error *e)
{
    ENGINE *engine = load_engine();
    if (!engine) {
        error_set(e, FAULT_CONFIG,
                  "the pkcs11 engine of OpenSSL is not there (install libengine-pkcs11-openssl)");
        return NULL;
    }
    if (prepare(engine, module, e)) return engine;
    ENGINE_free(engine);
    return NULL;
}

static ENGINE *find_engine(const char *module, struct error *e)
{
    if (!module) module = "";
    struct token_engine *found = engines;
    while (found && strcmp(found->module, module) != 0)
        found = found->next;
    if (found) return found->engine;
    ENGINE *engine = make_engine(module, e);
    if (!engine) return NULL;
    found = mem_zalloc(sizeof(*found));
    *found = (struct token_engine){mem_strdup(module), engine, engines};
    engines = found;
    return engine;
}

/* ---- what is in the token ---- */

static X509 *load_certificate(ENGINE *engine, const char *object)
{
    struct {
        const char *uri;
        X509 *certificate;
    } ask = {object, NULL};
    return ENGINE_ctrl_cmd(engine, "LOAD_CERT_CTRL", 0, &ask, NULL, 0) == 1 ? ask.certificate : NULL;
}

/* Nobody sits in front of a bridge: UI_null() answers no question. */
static EVP_PKEY *load_key(ENGINE *engine, const char *object)
{
    UI_METHOD *silent = (UI_METHOD *)(uintptr_t)UI_null();
    return ENGINE_load_private_key(engine, object, silent, NULL);
}

static bool not_found(const char *what, const struct token_address *a, struct error *e)
{
    return error_set(e, FAULT_CONFIG, "%s \"%s\": %s (check the address%s)", what, a->object,
                     reason(), a->pin ? " and the PIN" : ", and set the PIN as password");
}

bool identity_token_certificate(const char *uri, const char *password, X509 **certificate,
                                struct error *e)
{
    struct token_address a;
    parse(uri, password, &a);
    pthread_mutex_lock(&lock);
    ENGINE *engine = find_engine(a.module, e);
    ERR_clear_error();
    if (engine && a.pin) control(engine, "PIN", a.pin);
    *certificate = engine ? load_certificate(engine, a.object) : NULL;
    if (engine && !*certificate) not_found("certificate", &a, e);
    pthread_mutex_unlock(&lock);
    forget(&a);
    return *certificate;
}

bool identity_token_key(const char *uri, const char *password, EVP_PKEY **key, struct error *e)
{
    struct token_address a;
    parse(uri, password, &a);
    pthread_mutex_lock(&lock);
    ENGINE *engine = find_engine(a.module, e);
    ERR_clear_error();
    if (engine && a.pin) control(engine, "PIN", a.pin);
    *key = engine ? load_key(engine, a.object) : NULL;
    if (engine && !*key) not_found("private key", &a, e);
    pthread_mutex_unlock(&lock);
    forget(&a);
    return *key;
}
