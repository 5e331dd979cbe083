#include "connectors/mqtt/mqtt_failure.h"

#include <errno.h>
#include <openssl/ssl.h>
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

static const struct advice alert_advice[] = {
    {SSL_AD_CERTIFICATE_REQUIRED, "set tls_cert and tls_key"},
    {SSL_AD_UNKNOWN_CA, "the broker does not know who signed our certificate: check tls_cert"},
    {SSL_AD_BAD_CERTIFICATE, "the broker refuses our certificate: check tls_cert"},
    {SSL_AD_UNSUPPORTED_CERTIFICATE, "the broker refuses our certificate: check tls_cert"},
    {SSL_AD_CERTIFICATE_UNKNOWN, "the broker refuses our certificate: check tls_cert"},
    {SSL_AD_CERTIFICATE_REVOKED, "renew tls_cert"},
    {SSL_AD_CERTIFICATE_EXPIRED, "renew tls_cert"},
    {SSL_AD_HANDSHAKE_FAILURE, "the broker may want a certificate: check tls_cert"},
    {SSL_AD_NO_APPLICATION_PROTOCOL, "check alpn"},
    {0, NULL},
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

static void put_alert(char *text, size_t size, int alert)
{
    bool required = alert == SSL_AD_CERTIFICATE_REQUIRED; /* OpenSSL 3.0 has no words for it */
    const char *said = required ? "certificate required" : SSL_alert_desc_string_long(alert);
    char why[80];
    snprintf(why, sizeof(why), "TLS: the broker says: %s", said);
    put(text, size, why, find_advice(alert_advice, alert));
}

/* "4047:error:0A00010B:SSL routines::wrong version number:../ssl/record.c:354:" -> the reason alone
 */
static void put_tls(char *text, size_t size, const char *line)
{
    char reason[160];
    const char *at = strstr(line, "error:");
    bool plain = strstr(line, "wrong version number") || strstr(line, "packet length too long");
    for (int colons = 0; at && colons < 4; colons++) {
        at = strchr(at, ':');
        if (at) at++;
    }
    if (!at) at = line;
    snprintf(reason, sizeof(reason), "TLS: %.*s", (int)strcspn(at, ":\n"), at);
    put(text, size, reason, plain ? "that port does not speak TLS: check server" : NULL);
}

/* What Paho says where the far end hung up, during the handshake or after CONNECT. */
static bool was_closed(const char *message)
{
    static const char *const said[] = {"socket error", "completion", "TCP/TLS connect failure"};
    for (size_t i = 0; i < sizeof(said) / sizeof(*said); i++)
        if (strstr(message, said[i])) return true;
    return false;
}

static void put_paho(char *text, size_t size, const struct mqtt_failure *f)
{
    const char *message = f->message ? f->message : "failed";
    if (strstr(message, "timeout"))
        snprintf(text, size, "no answer within %lld s (check server, and firewalls on the way)",
                 f->timeout_s);
    else if (was_closed(message))
        put(text, size, "the broker closed the connection without an answer",
            f->tls ? "does that port speak TLS? does it want another client certificate? check "
                     "server and tls_cert"
                   : "does that port speak TLS, or WebSocket? check server");
    else
        put(text, size, message, NULL);
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
    else if (f->tls_alert)
        put_alert(text, size, f->tls_alert);
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
