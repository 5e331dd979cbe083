/* Roles Anywhere and IoT, with a certificate made here, against canned answers. TLS with it is
 * tested elsewhere (test_http_tls), and so are signatures (test_sigv4_x509). */
#include "tests/unit/provider_fixture.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

static const char role[] = "arn:aws:iam::123456789012:role/Bridge";

static void must(bool fine)
{
    if (!fine) abort();
}

/* Certificate and key in one file, of the serial number. */
static const char *make_certificate(const struct provider_fixture *f, const char *name, long serial)
{
    const char *path = fixture_file(f, name, "");
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    FILE *file = fopen(path, "w");
    must(key && x && file);
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), serial);
    X509_gmtime_adj(X509_getm_notBefore(x), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    X509_set_pubkey(x, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                               (const unsigned char *)"bridge", -1, -1, 0);
    must(X509_set_issuer_name(x, X509_get_subject_name(x)) && X509_sign(x, key, EVP_sha256()));
    must(PEM_write_X509(file, x) && PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL));
    fclose(file);
    X509_free(x);
    EVP_PKEY_free(key);
    return path;
}

static struct provider *make(const struct credentials_conf *conf)
{
    struct error e = {.text = ""};
    struct provider *p = provider_create(conf, &e);
    if (!p) fail_msg("%s", e.text);
    return p;
}

/* ---- Roles Anywhere ---- */

static const char session[] =
    "{\"credentialSet\":[{\"assumedRoleUser\":{\"arn\":\"a\",\"assumedRoleId\":\"b\"},"
    "\"credentials\":{"
    "\"accessKeyId\":\"ASIAROLE\",\"expiration\":\"2026-11-22T13:00:00Z\",\"secretAccessKey\":"
    "\"s\","
    "\"sessionToken\":\"t\"},\"packedPolicySize\":10}],\"subjectArn\":\"x\"}";

static struct credentials_conf anywhere_conf(const struct provider_fixture *f)
{
    return (struct credentials_conf){
        .provider = CREDENTIALS_ROLES_ANYWHERE,
        .role_arn = role,
        .profile_arn = "arn:aws:rolesanywhere:eu-west-1:123456789012:profile/p",
        .trust_anchor_arn = "arn:aws:rolesanywhere:eu-west-1:123456789012:trust-anchor/t",
        .certificate = make_certificate(f, "leaf.pem", 4711),
        .endpoint_url = f->url,
    };
}

static void test_roles_anywhere(void **state)
{
    struct provider_fixture *f = *state;
    struct credentials_conf conf = anywhere_conf(f);
    conf.duration_seconds = 900;
    conf.role_session_name = "graz";
    fixture_reply(f, 201, session);
    fixture_fetch(f, make(&conf));
    fixture_expect_keys(f, "ASIAROLE", "t");
    assert_int_equal(f->keys.expires_s, 1795352400);
    fixture_expect_request(
        f,
        "POST "
        "/sessions?profileArn=arn%3Aaws%3Arolesanywhere%3Aeu-west-1%3A123456789012%3Aprofile%2Fp&"
        "roleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2FBridge&trustAnchorArn=arn%3Aaws%3A"
        "rolesanywhere%3Aeu-west-1%3A123456789012%3Atrust-anchor%2Ft HTTP/1.1");
    fixture_expect_request(f, "Authorization: AWS4-X509-ECDSA-SHA256 Credential=4711/");
    fixture_expect_request(f, "/eu-west-1/rolesanywhere/aws4_request");
    fixture_expect_request(f, "X-Amz-X509: ");
    fixture_expect_request(f, "\r\n\r\n{\"durationSeconds\":900,\"roleSessionName\":\"graz\"}");
}

static void test_a_renewed_certificate_is_used(void **state)
{
    struct provider_fixture *f = *state;
    struct credentials_conf conf = anywhere_conf(f);
    fixture_reply(f, 201, session);
    struct provider *p = make(&conf);
    make_certificate(f, "leaf.pem", 4712);
    fixture_fetch(f, p);
    fixture_expect_request(f, "Credential=4712/");
    fixture_expect_request(f, "\r\n\r\n{}");
}

static void test_roles_anywhere_refuses(void **state)
{
    struct provider_fixture *f = *state;
    struct credentials_conf conf = anywhere_conf(f);
    fixture_reply(f, 403, "{\"message\":\"Untrusted certificate. Insufficient certificate\"}");
    fixture_fetch(f, make(&conf));
    fixture_expect_error(f,
                         "roles anywhere, role arn:aws:iam::123456789012:role/Bridge: HTTP status "
                         "403: Untrusted certificate. Insufficient certificate (check certificate, "
                         "and that profile, trust anchor and the role's trust policy accept it)");
    fixture_reply(f, 404, "");
    fixture_fetch(f, make(&conf));
    fixture_expect_part(f, "HTTP status 404 (check profile_arn, trust_anchor_arn and region)");
    fixture_reply(f, 201, "{\"credentialSet\":[]}");
    fixture_fetch(f, make(&conf));
    fixture_expect_part(f, "the answer lacks accessKeyId");
    conf.certificate = "/nonexistent/leaf.pem";
    fixture_fetch(f, make(&conf));
    fixture_expect_part(f, "/nonexistent/leaf.pem");
}

static void sign_too_late(struct canned_http *s)
{
    struct provider_fixture *f = s->arg;
    if (strstr(s->last.ptr, "X-Amz-Date: 20380101T"))
        fixture_reply(f, 201, session);
    else
        s->reply =
            "HTTP/1.1 403 Forbidden\r\nDate: Fri, 01 Jan 2038 12:00:00 GMT\r\nContent-Length: "
            "2\r\n\r\n{}";
}

static void test_a_clock_that_is_wrong(void **state)
{
    struct provider_fixture *f = *state;
    struct credentials_conf conf = anywhere_conf(f);
    f->server.on_request = sign_too_late;
    fixture_fetch(f, make(&conf));
    fixture_expect_keys(f, "ASIAROLE", "t");
    assert_int_equal(f->server.requests, 2);
}

/* ---- IoT ---- */

static const char device[] =
    "{\"credentials\":{\"accessKeyId\":\"ASIADEVICE\",\"secretAccessKey\":"
    "\"s\",\"sessionToken\":\"t\",\"expiration\":\"2026-11-22T13:00:00Z\"}}";

static struct credentials_conf iot_conf(const struct provider_fixture *f)
{
    return (struct credentials_conf){
        .provider = CREDENTIALS_IOT,
        .role_alias = "bridge alias",
        .thing_name = "gateway-7",
        .certificate = make_certificate(f, "device.pem", 1),
        .endpoint_url = f->url,
    };
}

static void test_iot(void **state)
{
    struct provider_fixture *f = *state;
    struct credentials_conf conf = iot_conf(f);
    fixture_reply(f, 200, device);
    fixture_fetch(f, make(&conf));
    fixture_expect_keys(f, "ASIADEVICE", "t");
    fixture_expect_request(f, "GET /role-aliases/bridge%20alias/credentials HTTP/1.1");
    fixture_expect_request(f, "x-amzn-iot-thingname: gateway-7");
    assert_int_equal(f->keys.expires_s, 1795352400);
}

static void test_iot_refuses(void **state)
{
    struct provider_fixture *f = *state;
    struct credentials_conf conf = iot_conf(f);
    fixture_reply(f, 403, "{\"message\":\"Access Denied\"}");
    fixture_fetch(f, make(&conf));
    fixture_expect_error(f,
                         "iot, role alias \"bridge alias\": HTTP status 403: Access Denied (check "
                         "the certificate and its policy, thing_name, and that "
                         "iot:AssumeRoleWithCertificate is allowed)");
    fixture_reply(f, 200, "<html>");
    fixture_fetch(f, make(&conf));
    fixture_expect_part(f, "the answer is not JSON");
}

#define CERTIFICATE_TEST(name)                                                                     \
    cmocka_unit_test_setup_teardown(name, provider_setup, provider_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CERTIFICATE_TEST(test_roles_anywhere),
        CERTIFICATE_TEST(test_a_renewed_certificate_is_used),
        CERTIFICATE_TEST(test_roles_anywhere_refuses),
        CERTIFICATE_TEST(test_a_clock_that_is_wrong),
        CERTIFICATE_TEST(test_iot),
        CERTIFICATE_TEST(test_iot_refuses),
    };
    return cmocka_run_group_tests_name("providers_certificate", tests, NULL, NULL);
}
