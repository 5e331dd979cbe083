/* STS, containers and instance metadata, against canned answers. */
#include "tests/unit/provider_fixture.h"

#include <string.h>

static const char role[] = "arn:aws:iam::123456789012:role/path/Bridge";

static const char assumed[] =
    "<?xml version=\"1.0\"?>\n<AssumeRoleResponse "
    "xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">"
    "<AssumeRoleResult><AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/Bridge/x</Arn>"
    "</AssumedRoleUser><Credentials><AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>s/e+c=</"
    "SecretAccessKey><SessionToken>FwoGZXIvYXdz&amp;x==</SessionToken>"
    "<Expiration>2026-11-22T13:00:00Z</Expiration></Credentials></AssumeRoleResult>"
    "</AssumeRoleResponse>\n";

static struct provider *make(const struct credentials_conf *conf)
{
    struct error e = {.text = ""};
    struct provider *p = provider_create(conf, &e);
    if (!p) fail_msg("%s", e.text);
    return p;
}

static struct credentials_conf role_conf(const struct provider_fixture *f)
{
    return (struct credentials_conf){
        .provider = CREDENTIALS_ASSUME_ROLE,
        .role_arn = role,
        .role_session_name = "bridge-1",
        .endpoint_url = f->url,
        .region = "eu-west-1",
    };
}

static void set_base_keys(void)
{
    setenv("AWS_ACCESS_KEY_ID", "AKIDBASE", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "base", 1);
}

/* ---- an instance, with STS behind the same door ---- */

static const char instance_keys[] =
    "{\"Code\":\"Success\",\"Type\":\"AWS-HMAC\",\"AccessKeyId\":\"ASIAEC2\",\"SecretAccessKey\":"
    "\"s\",\"Token\":\"t\",\"Expiration\":\"2026-11-22T13:00:00Z\"}";

static struct {
    int token_status;
    const char *role, *keys;
} instance;

static void serve_instance(struct canned_http *s)
{
    struct provider_fixture *f = s->arg;
    const char *request = s->last.ptr;
    buf_add(&f->requests, s->last.ptr, s->last.len + 1);
    f->requests.len--;
    if (strncmp(request, "PUT /latest/api/token ", 22) == 0)
        fixture_reply(f, instance.token_status, "TOKEN==");
    else if (strstr(request, "/security-credentials/ "))
        fixture_reply(f, instance.role ? 200 : 404, instance.role ? instance.role : "none");
    else if (strstr(request, "/security-credentials/BridgeInstance "))
        fixture_reply(f, 200, instance.keys);
    else if (strstr(request, "/placement/region "))
        fixture_reply(f, 200, "eu-north-1");
    else if (strncmp(request, "POST / ", 7) == 0)
        fixture_reply(f, 200, assumed);
    else
        fixture_reply(f, 404, "");
}

static void instance_is_whole(struct provider_fixture *f)
{
    f->server.on_request = serve_instance;
    instance.token_status = 200;
    instance.role = "BridgeInstance\n";
    instance.keys = instance_keys;
}

static struct credentials_conf instance_conf(struct provider_fixture *f)
{
    instance_is_whole(f);
    return (struct credentials_conf){.provider = CREDENTIALS_IMDS, .endpoint_url = f->url};
}

/* ---- assume-role ---- */

static void test_assume_role(void **state)
{
    struct provider_fixture *f = *state;
    static const char *const tags[] = {"plant=Graz 2", "line=a=b"};
    struct credentials_conf conf = role_conf(f);
    set_base_keys();
    setenv("AWS_SESSION_TOKEN", "base-token", 1);
    conf.external_id = "partner:4711";
    conf.duration_seconds = 1800;
    conf.policy = "{\"Version\":\"2012-10-17\"}";
    conf.session_tags = (struct opt_list){tags, 2};
    fixture_reply(f, 200, assumed);
    fixture_fetch(f, make(&conf));
    fixture_expect_keys(f, "ASIAROLE", "FwoGZXIvYXdz&x==");
    assert_int_equal(f->keys.expires_s, 1795352400);
    fixture_expect_request(f, "POST / HTTP/1.1");
    fixture_expect_request(f, "Credential=AKIDBASE/");
    fixture_expect_request(f, "/eu-west-1/sts/aws4_request");
    fixture_expect_request(f, "X-Amz-Security-Token: base-token");
    fixture_expect_request(
        f,
        "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2F"
        "path%2FBridge&RoleSessionName=bridge-1&ExternalId=partner%3A4711&DurationSeconds=1800&"
        "Policy=%7B%22Version%22%3A%222012-10-17%22%7D&Tags.member.1.Key=plant&"
        "Tags.member.1.Value=Graz%202&Tags.member.2.Key=line&Tags.member.2.Value=a%3Db");
}

static void test_the_session_has_a_name(void **state)
{
    struct provider_fixture *f = *state;
    struct credentials_conf conf = role_conf(f);
    set_base_keys();
    conf.role_session_name = NULL;
    fixture_reply(f, 200, assumed);
    fixture_fetch(f, make(&conf));
    fixture_expect_request(f, "&RoleSessionName=sqsbridge-");
}

static void test_a_role_that_is_refused(void **state)
{
    struct provider_fixture *f = *state;
    struct credentials_conf conf = role_conf(f);
    set_base_keys();
    fixture_reply(f, 403,
                  "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code>"
                  "<Message>User: x is not authorized</Message></Error></ErrorResponse>");
    fixture_fetch(f, make(&conf));
    fixture_expect_error(
        f, "role arn:aws:iam::123456789012:role/path/Bridge: AccessDenied: User: x is "
           "not authorized (the role's trust policy must allow it, and so must the "
           "caller's own policy; check role_arn and external_id)");
}

static void test_answers_that_are_none(void **state)
{
    struct provider_fixture *f = *state;
    struct credentials_conf conf = role_conf(f);
    set_base_keys();
    fixture_reply(f, 200, "<html><body>proxy says hello</body>");
    fixture_fetch(f, make(&conf));
    fixture_expect_part(f, "the answer is not XML: it ends too early");
    fixture_reply(f, 200, "<a><Credentials><AccessKeyId>x</AccessKeyId></Credentials></a>");
    fixture_fetch(f, make(&conf));
    fixture_expect_part(f, "the answer lacks SecretAccessKey");
    fixture_reply(f, 503, "busy");
    fixture_fetch(f, make(&conf));
    fixture_expect_part(f, "HTTP status 503 (check endpoint_url");
    f->server.silent = true;
    conf.timeout = 100;
    fixture_fetch(f, make(&conf));
    fixture_expect_part(f, "not complete after");
}

static void test_nobody_there(void **state)
{
    struct provider_fixture *f = *state;
    struct credentials_conf conf = role_conf(f);
    set_base_keys();
    conf.endpoint_url = "http://127.0.0.1:1";
    fixture_fetch(f, make(&conf));
    fixture_expect_error(f, "role arn:aws:iam::123456789012:role/path/Bridge: connecting to "
                            "127.0.0.1:1: connection refused (is it up? check endpoint_url)");
}

static void sign_too_late(struct canned_http *s)
{
    struct provider_fixture *f = s->arg;
    buf_add(&f->requests, s->last.ptr, s->last.len + 1);
    f->requests.len--;
    if (strstr(s->last.ptr, "X-Amz-Date: 20380101T")) {
        fixture_reply(f, 200, assumed);
        return;
    }
    s->reply = "HTTP/1.1 403 Forbidden\r\nDate: Fri, 01 Jan 2038 12:00:00 GMT\r\nContent-Length: "
               "93\r\n\r\n<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code></Error>"
               "<RequestId>1</RequestId></ErrorResponse>";
}

static void test_a_clock_that_is_wrong(void **state)
{
    struct provider_fixture *f = *state;
    struct credentials_conf conf = role_conf(f);
    set_base_keys();
    f->server.on_request = sign_too_late;
    fixture_fetch(f, make(&conf));
    fixture_expect_keys(f, "ASIAROLE", "FwoGZXIvYXdz&x==");
    assert_int_equal(f->server.requests, 2);
}

static void test_no_keys_to_ask_with(void **state)
{
    struct provider_fixture *f = *state;
    struct credentials_conf conf = role_conf(f);
    setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
    fixture_fetch(f, make(&conf));
    fixture_expect_part(
        f, "role arn:aws:iam::123456789012:role/path/Bridge: keys to ask for it: no AWS "
           "credentials: none in the environment");
    assert_int_equal(f->server.requests, 0);
}

static void test_another_section_as_source(void **state)
{
    struct provider_fixture *f = *state;
    struct credentials_conf conf = role_conf(f);
    const struct credentials_conf base = {
        .name = "base",
        .provider = CREDENTIALS_STATIC,
        .access_key_id = "AKIDSECTION",
        .secret_access_key = "secret",
    };
    conf.source = &base;
    fixture_reply(f, 200, assumed);
    fixture_fetch(f, make(&conf));
    fixture_expect_keys(f, "ASIAROLE", "FwoGZXIvYXdz&x==");
    fixture_expect_request(f, "Credential=AKIDSECTION/");
}

/* The region that STS is asked in is that of the instance. */
static void test_a_machine_as_source(void **state)
{
    struct provider_fixture *f = *state;
    const struct credentials_conf base = {
        .name = "machine", .provider = CREDENTIALS_IMDS, .endpoint_url = f->url};
    struct credentials_conf conf = role_conf(f);
    conf.source = &base;
    conf.region = NULL;
    instance_is_whole(f);
    fixture_fetch(f, make(&conf));
    fixture_expect_keys(f, "ASIAROLE", "FwoGZXIvYXdz&x==");
    fixture_expect_request(f, "/eu-north-1/sts/aws4_request");
    assert_string_equal(f->keys.region, "eu-north-1");
}

/* ---- web identity ---- */

static void test_web_identity(void **state)
{
    struct provider_fixture *f = *state;
    const char *path = fixture_file(f, "token", "eyJ.first.x\n");
    struct credentials_conf conf = {.provider = CREDENTIALS_WEB_IDENTITY, .region = "eu-west-1"};
    setenv("AWS_ENDPOINT_URL_STS", f->url, 1);
    setenv("AWS_WEB_IDENTITY_TOKEN_FILE", path, 1);
    setenv("AWS_ROLE_ARN", role, 1);
    setenv("AWS_ROLE_SESSION_NAME", "pod-1", 1);
    fixture_reply(f, 200, assumed);
    fixture_fetch(f, make(&conf));
    fixture_expect_keys(f, "ASIAROLE", "FwoGZXIvYXdz&x==");
    fixture_expect_request(f, "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=");
    fixture_expect_request(f, "&RoleSessionName=pod-1&WebIdentityToken=eyJ.first.x");
    assert_null(strstr(f->requests.ptr, "Authorization"));
    struct provider *p = make(&conf);
    fixture_file(f, "token", "eyJ.second.x"); /* it is renewed after the provider was made */
    fixture_fetch(f, p);
    fixture_expect_request(f, "WebIdentityToken=eyJ.second.x");
}

static void test_web_identity_without_a_file(void **state)
{
    struct provider_fixture *f = *state;
    struct error e;
    struct credentials_conf conf = {.provider = CREDENTIALS_WEB_IDENTITY, .role_arn = role};
    assert_null(provider_create(&conf, &e));
    assert_string_equal(e.text, "no token file (set token_file, or AWS_WEB_IDENTITY_TOKEN_FILE)");
    conf.token_file = "/nonexistent/token";
    fixture_fetch(f, make(&conf));
    fixture_expect_part(f, "reading \"/nonexistent/token\": no such file or directory");
    conf.token_file = fixture_file(f, "empty", "\n");
    fixture_fetch(f, make(&conf));
    fixture_expect_part(f, "no token in it (one line of text)");
}

/* ---- containers ---- */

static const char container_keys[] =
    "{\"AccessKeyId\":\"ASIATASK\",\"SecretAccessKey\":\"s\",\"Token\":\"t\","
    "\"Expiration\":\"2026-11-22T13:00:00Z\",\"RoleArn\":\"arn:aws:iam::1:role/x\"}";

static void test_container(void **state)
{
    struct provider_fixture *f = *state;
    char url[128];
    snprintf(url, sizeof(url), "%s/v1/credentials", f->url);
    setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", url, 1);
    setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "Basic abc", 1);
    struct credentials_conf conf = {.provider = CREDENTIALS_CONTAINER};
    fixture_reply(f, 200, container_keys);
    fixture_fetch(f, make(&conf));
    fixture_expect_keys(f, "ASIATASK", "t");
    assert_int_equal(f->keys.expires_s, 1795352400);
    fixture_expect_request(f, "GET /v1/credentials HTTP/1.1");
    fixture_expect_request(f, "Authorization: Basic abc");
    setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", fixture_file(f, "token", "from-file\n"), 1);
    fixture_fetch(f, make(&conf));
    fixture_expect_request(f, "Authorization: from-file\r\n");
}

static void test_container_that_refuses(void **state)
{
    struct provider_fixture *f = *state;
    char url[128];
    snprintf(url, sizeof(url), "%s/v1/credentials", f->url);
    struct credentials_conf conf = {.provider = CREDENTIALS_CONTAINER, .uri = url};
    fixture_reply(f, 403, "{\"code\":\"AccessDenied\",\"message\":\"no role\"}");
    fixture_fetch(f, make(&conf));
    fixture_expect_error(f,
                         "container credentials: HTTP status 403: AccessDenied: no role (check the "
                         "token, and the role of the task or pod)");
    fixture_reply(f, 200, "not json");
    fixture_fetch(f, make(&conf));
    fixture_expect_part(f, "container credentials: the answer is not JSON");
    setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "a\r\nX-Injected: 1", 1);
    fixture_fetch(f, make(&conf));
    fixture_expect_part(f, "AWS_CONTAINER_AUTHORIZATION_TOKEN: holds a line break");
}

static void expect_url(const char *uri, const char *expected)
{
    struct credentials_conf conf = {.uri = uri};
    struct error e;
    char url[1024];
    bool fine = provider_container_url(&conf, url, sizeof(url), &e);
    if (fine != (expected != NULL)) fail_msg("%s", uri);
    if (expected) assert_string_equal(url, expected);
}

static void test_where_containers_may_be_asked(void **state)
{
    (void)state;
    expect_url("/v2/credentials/1", "http://169.254.170.2/v2/credentials/1");
    expect_url("http://169.254.170.2/x", "http://169.254.170.2/x");
    expect_url("http://169.254.170.23/v1/credentials", "http://169.254.170.23/v1/credentials");
    expect_url("http://[fd00:ec2::23]/v1/credentials", "http://[fd00:ec2::23]/v1/credentials");
    expect_url("http://127.0.0.1:8080/x", "http://127.0.0.1:8080/x");
    expect_url("http://localhost/x", "http://localhost/x");
    expect_url("http://[::1]:1/x", "http://[::1]:1/x");
    expect_url("https://keys.example/x", "https://keys.example/x");
    expect_url("http://keys.example/x", NULL);
    expect_url("http://169.254.170.3/x", NULL);
    expect_url("http://169.254.169.254/x", NULL);
    expect_url("http://127.0.0.1.example/x", NULL);
    expect_url("http://127.0.0.1@keys.example/x", NULL);
    expect_url("ftp://127.0.0.1/x", NULL);
}

/* ---- the instance itself ---- */

static void test_instance(void **state)
{
    struct provider_fixture *f = *state;
    struct credentials_conf conf = instance_conf(f);
    fixture_fetch(f, make(&conf));
    fixture_expect_keys(f, "ASIAEC2", "t");
    assert_string_equal(f->keys.region, "eu-north-1");
    fixture_expect_request(f, "x-aws-ec2-metadata-token-ttl-seconds: ");
    fixture_expect_request(f, "x-aws-ec2-metadata-token: TOKEN==");
    assert_int_equal(f->server.requests, 4);
}

static void test_instance_by_variables(void **state)
{
    struct provider_fixture *f = *state;
    struct credentials_conf conf = instance_conf(f);
    conf.endpoint_url = NULL;
    setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", f->url, 1);
    fixture_fetch(f, make(&conf));
    fixture_expect_keys(f, "ASIAEC2", "t");
    setenv("AWS_EC2_METADATA_DISABLED", "True", 1);
    fixture_fetch(f, make(&conf));
    fixture_expect_part(f, "instance metadata: AWS_EC2_METADATA_DISABLED is true");
}

static void test_instance_without_a_token(void **state)
{
    struct provider_fixture *f = *state;
    struct credentials_conf conf = instance_conf(f);
    instance.token_status = 403;
    fixture_fetch(f, make(&conf));
    fixture_expect_error(
        f, "instance metadata: no session token: HTTP status 403 (turn the instance's "
           "metadata service on)");
    assert_int_equal(f->server.requests, 1); /* never on with version 1 */
    conf.imds_v1_fallback = true;
    fixture_fetch(f, make(&conf));
    fixture_expect_keys(f, "ASIAEC2", "t");
    assert_null(strstr(f->requests.ptr, "metadata-token:"));
    setenv("AWS_EC2_METADATA_V1_DISABLED", "true", 1);
    fixture_fetch(f, make(&conf));
    fixture_expect_part(f, "no session token: HTTP status 403");
}

static void test_instance_that_does_not_answer(void **state)
{
    struct provider_fixture *f = *state;
    struct credentials_conf conf = instance_conf(f);
    f->server.silent = true;
    conf.timeout = 100;
    fixture_fetch(f, make(&conf));
    fixture_expect_part(f, "In a container, the instance's metadata options need a hop limit of 2");
}

static void test_instance_without_a_role(void **state)
{
    struct provider_fixture *f = *state;
    struct credentials_conf conf = instance_conf(f);
    instance.role = NULL;
    fixture_fetch(f, make(&conf));
    fixture_expect_error(f,
                         "instance metadata: this instance has no role (attach an instance profile "
                         "to it)");
    instance.role = "two words";
    fixture_fetch(f, make(&conf));
    fixture_expect_part(f, "the role's name is not one line of text");
    instance.role = "BridgeInstance";
    instance.keys = "{\"Code\":\"AssumeRoleUnauthorizedAccess\",\"Message\":\"EC2 cannot assume\"}";
    fixture_fetch(f, make(&conf));
    fixture_expect_error(f, "instance metadata: keys of role \"BridgeInstance\": "
                            "AssumeRoleUnauthorizedAccess: EC2 cannot assume (check the instance "
                            "profile's role)");
}

#define HTTP_TEST(name) cmocka_unit_test_setup_teardown(name, provider_setup, provider_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HTTP_TEST(test_assume_role),
        HTTP_TEST(test_the_session_has_a_name),
        HTTP_TEST(test_a_role_that_is_refused),
        HTTP_TEST(test_answers_that_are_none),
        HTTP_TEST(test_nobody_there),
        HTTP_TEST(test_a_clock_that_is_wrong),
        HTTP_TEST(test_no_keys_to_ask_with),
        HTTP_TEST(test_another_section_as_source),
        HTTP_TEST(test_a_machine_as_source),
        HTTP_TEST(test_web_identity),
        HTTP_TEST(test_web_identity_without_a_file),
        HTTP_TEST(test_container),
        HTTP_TEST(test_container_that_refuses),
        HTTP_TEST(test_where_containers_may_be_asked),
        HTTP_TEST(test_instance),
        HTTP_TEST(test_instance_by_variables),
        HTTP_TEST(test_instance_without_a_token),
        HTTP_TEST(test_instance_that_does_not_answer),
        HTTP_TEST(test_instance_without_a_role),
    };
    return cmocka_run_group_tests_name("providers_http", tests, NULL, NULL);
}
