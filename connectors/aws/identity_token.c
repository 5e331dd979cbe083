/* Certificates and keys in a token, by way of the pkcs11 engine of libp11, which is loaded when the
 * first address is met. (Debian 12 has no provider for PKCS#11, only this engine.)
 * Source: RFC 7512; libp11 0.4.12. */
#define OPENSSL_SUPPRESS_DEPRECATED /* engines, since OpenSSL 3.0; there is nothing else yet */
#include <dlfcn.h>
#include <openssl/crypto.h>
#include <openssl/engine.h>
#include <openssl/err.h>
#include <openssl/ui.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <strings.h>

#include "connectors/aws/identity_parts.h"

/* One for the whole process and for good: libp11 can't be loaded twice, and to unload it would
 * finalise the token's library under everybody else who uses it. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of all this, and of the engine's PIN */
static ENGINE *engine;
static char *engine_module; /* the token's library; "": the engine's own, p11-kit */

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
        int high = *at == '%' && end - at > 2 ? hex_digit(at[1]) : -1;
        int low = high >= 0 ? hex_digit(at[2]) : -1;
        char c = *at;
        if (low >= 0) {
            c = (char)(high << 4 | low);
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

static bool control(ENGINE *e, const char *command, const char *value)
{
    return ENGINE_ctrl_cmd_string(e, command, value, 0) == 1;
}

/* As ENGINE_by_id() does, but for its list, where others might come across it. */
static ENGINE *load_engine(void)
{
    const char *folder = getenv("OPENSSL_ENGINES");
    ENGINE_load_dynamic();
    ENGINE *loaded = ENGINE_by_id("dynamic");
    if (!loaded) return NULL;
    if (!folder || !*folder) folder = OPENSSL_info(OPENSSL_INFO_ENGINES_DIR);
    if (control(loaded, "ID", "pkcs11") && control(loaded, "DIR_LOAD", "2") &&
        control(loaded, "DIR_ADD", folder) && control(loaded, "LIST_ADD", "0") &&
        control(loaded, "LOAD", NULL))
        return loaded;
    ENGINE_free(loaded);
    return NULL;
}

/* The first error is the token's; those after it only say that something failed. */
static const char *reason(void)
{
    const char *text = ERR_reason_error_string(ERR_peek_error());
    return text ? text : "failed";
}

/* The engine would only say that it failed. The library stays loaded for it. */
static bool can_be_loaded(const char *module, struct error *e)
{
    if (!*module || dlopen(module, RTLD_NOW | RTLD_LOCAL)) return true;
    return error_set(e, FAULT_CONFIG, "PKCS#11 library: %s (check module-path)", dlerror());
}

/* QUIET: what it would print to standard error is said by our own message. */
static bool start_engine(const char *module, struct error *e)
{
    if (!can_be_loaded(module, e)) return false;
    ENGINE *loaded = load_engine();
    if (!loaded)
        return error_set(e, FAULT_CONFIG,
                         "the pkcs11 engine of OpenSSL is not there (install "
                         "libengine-pkcs11-openssl)");
    if (!control(loaded, "QUIET", NULL) || (*module && !control(loaded, "MODULE_PATH", module)) ||
        !ENGINE_init(loaded)) {
        ENGINE_free(loaded);
        return error_set(e, FAULT_CONFIG, "the pkcs11 engine of OpenSSL: %s", reason());
    }
    engine = loaded;
    engine_module = mem_strdup(module);
    return true;
}

static bool prepare_engine(const struct token_address *a, struct error *e)
{
    const char *module = a->module ? a->module : "";
    if (!engine && !start_engine(module, e)) return false;
    if (strcmp(module, engine_module) != 0)
        return error_set(e, FAULT_CONFIG,
                         "PKCS#11 library \"%s\": this process uses \"%s\" already (one serves it "
                         "all; p11-kit joins several)",
                         *module ? module : "p11-kit", *engine_module ? engine_module : "p11-kit");
    ERR_clear_error();
    return !a->pin || control(engine, "PIN", a->pin) ||
           error_set(e, FAULT_CONFIG, "the pkcs11 engine of OpenSSL: PIN: %s", reason());
}

/* ---- what is in the token ---- */

static X509 *load_certificate(const char *object)
{
    struct {
        const char *uri;
        X509 *certificate;
    } ask = {object, NULL};
    bool found = ENGINE_ctrl_cmd(engine, "LOAD_CERT_CTRL", 0, &ask, NULL, 0) == 1;
    return found ? ask.certificate : NULL;
}

/* Nobody sits in front of a bridge: UI_null() answers no question. */
static EVP_PKEY *load_key(const char *object)
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
    bool found = prepare_engine(&a, e);
    if (found) {
        *certificate = load_certificate(a.object);
        found = *certificate || not_found("certificate", &a, e);
    }
    pthread_mutex_unlock(&lock);
    forget(&a);
    return found;
}

bool identity_token_key(const char *uri, const char *password, EVP_PKEY **key, struct error *e)
{
    struct token_address a;
    parse(uri, password, &a);
    pthread_mutex_lock(&lock);
    bool found = prepare_engine(&a, e);
    if (found) {
        *key = load_key(a.object);
        found = *key || not_found("private key", &a, e);
    }
    pthread_mutex_unlock(&lock);
    forget(&a);
    return found;
}
