#include "connectors/mqtt/mqtt_failure.h"

#include <errno.h>
#include <openssl/x509_vfy.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "connectors/mqtt/mqtt_reason.h"

struct advice {
    long code;
    const char *text;
};

static const struct advice os_advice[] = {
    {ECONNREFUSED, "is the broker running? check server"},
    {ENETUNREACH, "check the network"},
    {EHOSTUNREACH, "check the network, and server"},
    {ETIMEDOUT, "check server, and firewalls on the way"},
    {0, NULL},
};

static const struct advice verify_advice[] = {
    {X509_V_ERR_CERT_HAS_EXPIRED, "renew the broker's certificate, or check this machine's clock"},
    {X509_V_ERR_CERT_NOT_YET_VALID, "check this machine's clock"},
    {X509_V_ERR_HOSTNAME_MISMATCH, "the broker's certificate is for another host: check server"},
    {0, "check tls_ca"},
};

/* What is found in OpenSSL's line, and what it means here. */
static const struct {
    const char *found, *advice;
} tls_advice[] = {
    {"wrong version number", "that port does not speak TLS: check server"},
    {"packet length too long", "that port does not speak TLS: check server"},
    {"certificate required", "the broker wants a certificate: set tls_cert and tls_key"},
    {"alert unknown ca", "the broker does not know who signed our certificate: check tls_cert"},
    {"alert bad certificate", "the broker refuses our certificate: check tls_cert"},
    {"alert certificate expired", "our certificate has expired: renew tls_cert"},
    {"alert handshake failure", "the broker may want a certificate: check tls_cert"},
    {"no application protocol", "the broker does not know this protocol: check alpn"},
};

static const char *find_advice(const struct advice *table, long code)
{
    while (table->code && table->code != code)
        table++;
    return table->text;
}

static void put(char *text, size_t size, const char *why, const char *advice)
{
    snprintf(text, size, advice ? "%s (%s)" : "%s", why, advice);
}

/* "error:0A00010B:SSL routines::wrong version number:../ssl/record.c:354:" -> the reason alone */
static void put_tls(char *text, size_t size, const char *line)
{
    char reason[160];
    const char *at = strstr(line, "error:"), *advice = NULL;
    for (int colons = 0; at && colons < 4; colons++) {
        at = strchr(at, ':');
        if (at) at++;
    }
    if (!at) at = line;
    snprintf(reason, sizeof(reason), "TLS: %.*s", (int)strcspn(at, ":\n"), at);
    for (size_t i = 0; i < sizeof(tls_advice) / sizeof(*tls_advice); i++)
        if (strstr(line, tls_advice[i].found)) advice = tls_advice[i].advice;
    put(text, size, reason, advice);
}

/* With TLS 1.3 a broker refuses a certificate only after the handshake, and Paho does not say why.
 */
static bool closed_by_broker(const char *message)
{
    static const char *const said[] = {"socket error", "completion", "TCP/TLS connect failure"};
    for (size_t i = 0; i < sizeof(said) / sizeof(*said); i++)
        if (strstr(message, said[i])) return true;
    return false;
}

static void put_paho(char *text, size_t size, const struct mqtt_failure *f)
{
    if (f->message && strstr(f->message, "timeout"))
        snprintf(text, size, "no answer within %lld s (check server, and firewalls on the way)",
                 f->timeout_s);
    else if (f->message && closed_by_broker(f->message))
        snprintf(
            text, size,
            "the broker closed the connection without an answer (does it want another "
            "client certificate? check tls_cert; or does server say mqtt where the port speaks "
            "TLS, or the other way round?)");
    else
        put(text, size, f->message ? f->message : "failed", NULL);
}

static void put_why(char *text, size_t size, const struct mqtt_failure *f)
{
    if (f->code >= 0x80)
        put(text, size, mqtt_reason_text((uint8_t)f->code), NULL);
    else if (f->code > 0)
        put(text, size, mqtt_reason_text(mqtt_reason_of_connack3(f->code)), NULL);
    else if (f->verify_error)
        put(text, size, X509_verify_cert_error_string(f->verify_error),
            find_advice(verify_advice, f->verify_error));
    else if (f->tls_error && *f->tls_error)
        put_tls(text, size, f->tls_error);
    else if (f->os_error > 0)
        put(text, size, strerror(f->os_error), find_advice(os_advice, f->os_error));
    else
        put_paho(text, size, f);
}

void mqtt_failure_explain(const struct mqtt_failure *f, const char *broker, struct error *e)
{
    char why[320];
    put_why(why, sizeof(why), f);
    if (*why >= 'A' && *why <= 'Z' && !(why[1] >= 'A' && why[1] <= 'Z'))
        *why = (char)(*why - 'A' + 'a'); /* strerror()'s capital */
    error_set(e, FAULT_DOWN, "connecting to %s: %s", broker, why);
}
