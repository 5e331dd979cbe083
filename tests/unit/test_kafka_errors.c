/* librdkafka's errors in our words, and tokens for OAUTHBEARER. The texts are librdkafka 2.0.2's,
 * as it said them. */
#include "connectors/kafka/errors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "bridge/text.h"
#include "connectors/kafka/token.h"

static void expect_connection(const char *text, enum fault fault, const char *says)
{
    struct error e;
    kafka_error_connection(&e, text);
    if (!strstr(e.text, says)) fail_msg("wanted \"%s\", got \"%s\"", says, e.text);
    assert_int_equal(e.fault, fault);
}

static void test_connections(void **state)
{
    (void)state;
    expect_connection("127.0.0.1:9/bootstrap: Connect to ipv4#127.0.0.1:9 failed: Connection "
                      "refused (after 0ms in state CONNECT)",
                      FAULT_DOWN, "Connection refused (is the broker running");
    expect_connection("nohost:9092/bootstrap: Failed to resolve 'nohost:9092': Name or service "
                      "not known (after 3ms in state CONNECT)",
                      FAULT_DOWN, "(check the host name in bootstrap_servers)");
    expect_connection("sasl_ssl://h:9/bootstrap: SSL handshake failed: error:0A000086:SSL "
                      "routines::certificate verify failed: broker certificate could not be "
                      "verified, verify that ssl.ca.location is correctly configured or root CA "
                      "certificates are installed (install ca-certificates package) (after 6ms in "
                      "state SSL_HANDSHAKE)",
                      FAULT_CONFIG, "(check that tls_ca holds");
    expect_connection("sasl_plaintext://h:9/bootstrap: SASL authentication error: Authentication "
                      "failed: Invalid username or password (after 300ms in state AUTH_REQ)",
                      FAULT_CONFIG, "(check sasl_username and sasl_password)");
    expect_connection("h:9/bootstrap: Disconnected while requesting ApiVersion: might be caused "
                      "by incorrect security.protocol configuration (connecting to a SSL "
                      "listener?) or broker version is < 0.10 (see api.version.request) (after "
                      "1ms in state APIVERSION_QUERY)",
                      FAULT_CONFIG, "(does this port speak TLS? check security_protocol)");
    expect_connection("h:9/bootstrap: something new", FAULT_DOWN,
                      "connecting to Kafka: h:9/bootstrap: something new");
}

static void test_repeats_read_the_same(void **state)
{
    struct error a, b;
    (void)state;
    kafka_error_connection(&a, "h:9/1: Disconnected (after 17ms in state UP)");
    kafka_error_connection(&b, "h:9/1: Disconnected (after 90123ms in state UP, 4 identical "
                               "error(s) suppressed)");
    assert_string_equal(a.text, b.text);
}

static void test_topics(void **state)
{
    struct error e;
    (void)state;
    kafka_error_topic(&e, "out", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    assert_int_equal(e.fault, FAULT_CONFIG);
    assert_string_equal(e.text, "writing to topic \"out\": it does not exist (create it, or "
                                "correct the name)");
    kafka_error_topic(&e, "out", RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE);
    assert_int_equal(e.fault, FAULT_DOWN);
    kafka_error_topic(&e, "out", RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR);
    assert_int_equal(e.fault, FAULT_DOWN);
    assert_non_null(strstr(e.text, "writing to topic \"out\": "));
}

static void test_groups(void **state)
{
    struct error e;
    (void)state;
    kafka_error_consumer(&e, "g", RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, "no");
    assert_int_equal(e.fault, FAULT_CONFIG);
    assert_non_null(
        strstr(e.text, "consumer group \"g\": this user may not (give it the ACL READ"));
    kafka_error_consumer(&e, "g", RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, "no");
    assert_non_null(strstr(e.text, "the same group_instance_id"));
    kafka_error_consumer(&e, "g", RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, "orders: no");
    assert_non_null(strstr(e.text, "reading from Kafka: orders: no: this user may not"));
    kafka_error_consumer(&e, "g", RD_KAFKA_RESP_ERR_UNKNOWN, "strange");
    assert_int_equal(e.fault, FAULT_DOWN);
    assert_string_equal(e.text, "consumer group \"g\": strange");
}

static void test_refusals(void **state)
{
    struct error e;
    (void)state;
    assert_int_equal(kafka_error_refusal(RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE),
                     KAFKA_REFUSED_BATCH);
    assert_int_equal(kafka_error_refusal(RD_KAFKA_RESP_ERR_INVALID_RECORD), KAFKA_REFUSED_BATCH);
    assert_int_equal(kafka_error_refusal(RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC), KAFKA_REFUSED_TOPIC);
    assert_int_equal(kafka_error_refusal(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED),
                     KAFKA_REFUSED_TOPIC);
    assert_int_equal(kafka_error_refusal(RD_KAFKA_RESP_ERR__PURGE_QUEUE), KAFKA_REFUSED_LATER);
    assert_int_equal(kafka_error_refusal(RD_KAFKA_RESP_ERR_UNKNOWN), KAFKA_REFUSED_LATER);
    kafka_error_message(&e, "out", RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, 2000000);
    assert_int_equal(e.fault, FAULT_REJECT);
    assert_non_null(strstr(e.text, "topic \"out\" refuses a message of 2000000 bytes"));
    assert_non_null(strstr(e.text, "max.message.bytes"));
}

static void test_what_is_a_connection(void **state)
{
    (void)state;
    assert_true(kafka_error_is_connection(RD_KAFKA_RESP_ERR__TRANSPORT));
    assert_true(kafka_error_is_connection(RD_KAFKA_RESP_ERR__AUTHENTICATION));
    assert_false(kafka_error_is_connection(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART));
    assert_false(kafka_error_is_connection(RD_KAFKA_RESP_ERR__FATAL));
}

/* ---- tokens ---- */

/* "header.claims.signature", in base64url. */
static void make_jwt(const char *claims, char *jwt, size_t size)
{
    struct buf coded = {0};
    text_base64(bytes_str(claims), &coded);
    for (size_t i = 0; i < coded.len; i++) {
        if (coded.ptr[i] == '+') coded.ptr[i] = '-';
        if (coded.ptr[i] == '/') coded.ptr[i] = '_';
    }
    while (coded.len && coded.ptr[coded.len - 1] == '=')
        coded.len--;
    snprintf(jwt, size, "eyJhbGciOiJub25lIn0.%.*s.c2ln\n", (int)coded.len, coded.ptr);
    free(coded.ptr);
}

static bool parse(const char *claims, struct kafka_token *token)
{
    char jwt[600];
    struct error e;
    make_jwt(claims, jwt, sizeof(jwt));
    return kafka_token_parse(bytes_str(jwt), token, &e);
}

static void test_a_token(void **state)
{
    struct kafka_token t;
    (void)state;
    assert_true(parse("{\"iss\":\"x\",\"aud\":[\"a\",{\"b\":1}],\"sub\":\"alice\\u00fc?>\","
                      "\"exp\":1900000000}",
                      &t));
    assert_string_equal(t.principal, "alice\xc3\xbc?>");
    assert_true(t.expires_ms == 1900000000000);
    assert_true(strchr(t.text, '\n') == NULL);
    kafka_token_free(&t);
    assert_true(parse("{\"exp\":1900000000.75,\"sub\":\"s\"}", &t));
    assert_true(t.expires_ms == 1900000000000);
    kafka_token_free(&t);
}

static void test_no_token(void **state)
{
    static const char *const claims[] = {
        "",
        "{}",
        "{\"exp\":1900000000}",
        "{\"sub\":\"alice\"}",
        "{\"sub\":\"alice\",\"exp\":-5}",
        "{\"sub\":\"alice\",\"exp\":1e300}",
        "{\"sub\":\"\",\"exp\":1900000000}",
        "[\"sub\"]",
        "{\"sub\":\"alice\",\"exp\":1900000000",
        "junk",
    };
    static const char *const jwts[] = {"", "\n", "a", "a.b", "..", "a.!!.c", "a.e30.c"};
    struct kafka_token t;
    struct error e;
    (void)state;
    for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++)
        if (parse(claims[i], &t)) fail_msg("took %s", claims[i]);
    for (size_t i = 0; i < sizeof(jwts) / sizeof(jwts[0]); i++)
        if (kafka_token_parse(bytes_str(jwts[i]), &t, &e)) fail_msg("took %s", jwts[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_connections), cmocka_unit_test(test_repeats_read_the_same),
        cmocka_unit_test(test_topics),      cmocka_unit_test(test_groups),
        cmocka_unit_test(test_refusals),    cmocka_unit_test(test_what_is_a_connection),
        cmocka_unit_test(test_a_token),     cmocka_unit_test(test_no_token),
    };
    return cmocka_run_group_tests_name("kafka_errors", tests, NULL, NULL);
}
