/* What reason codes mean, and how failures of connecting read. */
#include "connectors/mqtt/mqtt_reason.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/ssl.h>

#include "connectors/mqtt/mqtt_failure.h"

static void test_verdicts_on_publishes(void **state)
{
    (void)state;
    static const struct {
        uint8_t code;
        enum fault fault;
    } expected[] = {
        {0x00, FAULT_NONE},   {0x10, FAULT_NONE},   {0x80, FAULT_RETRY},  {0x83, FAULT_RETRY},
        {0x97, FAULT_RETRY},  {0x87, FAULT_CONFIG}, {0x90, FAULT_REJECT}, {0x99, FAULT_REJECT},
        {0x95, FAULT_REJECT}, {0xee, FAULT_RETRY},
    };
    for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++)
        if (mqtt_reason_fault(expected[i].code) != expected[i].fault)
            fail_msg("0x%02x is %s", expected[i].code,
                     fault_name(mqtt_reason_fault(expected[i].code)));
}

static void test_every_code_has_words(void **state)
{
    (void)state;
    for (int code = 0; code < 256; code++)
        assert_true(strlen(mqtt_reason_text((uint8_t)code)) > 0);
    assert_string_equal(mqtt_reason_text(0x86),
                        "bad user name or password (check username and password)");
}

static void test_return_codes_of_3_1_1(void **state)
{
    (void)state;
    static const uint8_t expected[] = {0x84, 0x85, 0x88, 0x86, 0x87};
    for (int i = 1; i <= 5; i++)
        assert_int_equal(mqtt_reason_of_connack3(i), expected[i - 1]);
    assert_int_equal(mqtt_reason_of_connack3(6), MQTT_UNKNOWN_REASON);
}

static void expect(struct mqtt_failure f, const char *text)
{
    struct error e;
    mqtt_failure_explain(&f, "broker:8883", &e);
    assert_int_equal(e.fault, FAULT_DOWN);
    assert_string_equal(e.text, text);
}

static void test_failures_say_what_to_do(void **state)
{
    (void)state;
    expect((struct mqtt_failure){.code = 0x87},
           "connecting to broker:8883: not authorised (check username, and the broker's access "
           "rules)");
    expect((struct mqtt_failure){.code = 4}, "connecting to broker:8883: bad user name or password "
                                             "(check username and password)");
    expect((struct mqtt_failure){.code = -1, .os_error = ECONNREFUSED},
           "connecting to broker:8883: connection refused (is the broker running? check server)");
    expect((struct mqtt_failure){.code = -1, .verify_error = X509_V_ERR_CERT_HAS_EXPIRED},
           "connecting to broker:8883: certificate has expired (renew the broker's certificate, or "
           "check this machine's clock)");
    expect((struct mqtt_failure){.code = -1,
                                 .verify_error = X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
                                 .tls_error = "error:1:2:3:certificate verify failed:"},
           "connecting to broker:8883: self-signed certificate in certificate chain (check "
           "tls_ca)");
    expect((struct mqtt_failure){.code = -1, .verify_error = X509_V_ERR_HOSTNAME_MISMATCH},
           "connecting to broker:8883: hostname mismatch (the broker's certificate is for another "
           "host: check server)");
    expect((struct mqtt_failure){.code = -1,
                                 .tls_error = "4047:error:0A00010B:SSL routines:ssl3_get_record:"
                                              "wrong version number:../ssl/record.c:354:\n"},
           "connecting to broker:8883: TLS: wrong version number (that port does not speak TLS: "
           "check server)");
    expect((struct mqtt_failure){.code = -1, .tls_alert = SSL_AD_CERTIFICATE_REQUIRED},
           "connecting to broker:8883: TLS: the broker says: certificate required (set tls_cert "
           "and tls_key)");
    expect((struct mqtt_failure){.code = -1, .tls_alert = SSL_AD_UNKNOWN_CA},
           "connecting to broker:8883: TLS: the broker says: unknown CA (the broker does not know "
           "who signed our certificate: check tls_cert)");
    expect((struct mqtt_failure){.code = -1, .message = "socket error"},
           "connecting to broker:8883: the broker closed the connection without an answer (does "
           "that port speak TLS, or WebSocket? check server)");
    expect((struct mqtt_failure){.code = -1, .message = "TCP connect timeout", .timeout_s = 10},
           "connecting to broker:8883: no answer within 10 s (check server, and firewalls on the "
           "way)");
    expect((struct mqtt_failure){.code = -1, .message = "something new"},
           "connecting to broker:8883: something new");
    expect((struct mqtt_failure){.code = -1}, "connecting to broker:8883: failed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdicts_on_publishes),
        cmocka_unit_test(test_every_code_has_words),
        cmocka_unit_test(test_return_codes_of_3_1_1),
        cmocka_unit_test(test_failures_say_what_to_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
