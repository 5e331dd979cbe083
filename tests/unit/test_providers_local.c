/* Providers of this machine: programs, profiles, the default chain; and what lint sees of all. */
#include "tests/unit/provider_fixture.h"

#include <string.h>
#include <sys/stat.h>

#include "connectors/aws/credentials_check.h"
#include "connectors/aws/profile.h"
#include "connectors/aws/words.h"

static struct provider *make(const struct credentials_conf *conf)
{
    struct error e = {.text = ""};
    struct provider *p = provider_create(conf, &e);
    if (!p) fail_msg("%s", e.text);
    return p;
}

/* ---- programs ---- */

/* A shell is only what these tests run; the provider starts programs. */
static void run_script(struct provider_fixture *f, const char *script, int64_t timeout)
{
    const char *const command[] = {"/bin/sh", "-c", script, "sh", "an argument"};
    struct credentials_conf conf = {
        .provider = CREDENTIALS_PROCESS, .command = {command, 5}, .timeout = timeout};
    fixture_fetch(f, make(&conf));
}

static void test_program(void **state)
{
    struct provider_fixture *f = *state;
    run_script(
        f,
        "echo noise >&2; printf '{\"Version\":1,\"AccessKeyId\":\"AKID\",\"SecretAccessKey\":"
        "\"s\",\"SessionToken\":\"%s\",\"Expiration\":\"2026-11-22T14:00:00+01:00\"}' \"$1\" | "
        "tr -d ' '",
        0);
    fixture_expect_keys(f, "AKID", "anargument");
    assert_int_equal(f->keys.expires_s, 1795352400);
    run_script(f, "echo '{\"Version\":1,\"AccessKeyId\":\"AKID\",\"SecretAccessKey\":\"s\"}'", 0);
    fixture_expect_keys(f, "AKID", NULL);
    assert_int_equal(f->keys.expires_s, 0);
}

static void test_program_that_fails(void **state)
{
    struct provider_fixture *f = *state;
    run_script(
        f, "echo first >&2; echo 'cannot reach vault, token AKIAIOSFODNN7EXAMPLE' >&2; exit 3", 0);
    fixture_expect_error(
        f, "process \"/bin/sh\": it ended with exit code 3: cannot reach vault, token "
           "********************");
    run_script(f, "kill -9 $$", 0);
    fixture_expect_error(f, "process \"/bin/sh\": it was ended by signal 9");
    const char *const missing[] = {"/nonexistent/program"};
    struct credentials_conf conf = {.provider = CREDENTIALS_PROCESS, .command = {missing, 1}};
    fixture_fetch(f, make(&conf));
    fixture_expect_error(f, "process \"/nonexistent/program\": cannot be started: no such file or "
                            "directory");
}

static void test_program_that_prints_rubbish(void **state)
{
    struct provider_fixture *f = *state;
    run_script(f, ":", 0);
    fixture_expect_error(f, "process \"/bin/sh\": it prints nothing");
    run_script(f, "echo hello", 0);
    fixture_expect_part(f, "process \"/bin/sh\": the answer is not JSON");
    run_script(f, "echo '[]'", 0);
    fixture_expect_error(f, "process \"/bin/sh\": the answer is no JSON object");
    run_script(f, "echo '{\"Version\":2,\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"s\"}'", 0);
    fixture_expect_error(f, "process \"/bin/sh\": the answer's Version is not 1");
    run_script(f, "echo '{\"Version\":1,\"AccessKeyId\":\"a\"}'", 0);
    fixture_expect_error(f, "process \"/bin/sh\": the answer lacks SecretAccessKey");
    run_script(f,
               "echo '{\"Version\":1,\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"s\","
               "\"Expiration\":\"soon\"}'",
               0);
    fixture_expect_error(f, "process \"/bin/sh\": the answer's Expiration is no time");
    run_script(
        f, "printf %s '{\"Version\":1,\"AccessKeyId\":\"a\\nX: y\",\"SecretAccessKey\":\"s\"}'", 0);
    fixture_expect_part(f, "AccessKeyId: holds a space or a control character");
}

static void test_program_without_bounds(void **state)
{
    struct provider_fixture *f = *state;
    run_script(f, "while :; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; done",
               0);
    fixture_expect_error(f, "process \"/bin/sh\": it prints more than 65536 bytes");
    run_script(f, "while :; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa >&2; done", 200);
    fixture_expect_part(f, "no answer after 200 ms");
    run_script(f, "sleep 1000 & sleep 1000",
               200); /* the pipes close with the last of its children */
    fixture_expect_error(
        f, "process \"/bin/sh\": no answer after 200 ms (raise timeout, or check what "
           "it waits for)");
    run_script(f, "sleep 1000 & exit 0", 200);
    fixture_expect_part(f, "no answer after 200 ms");
}

/* ---- profiles ---- */

static const char config_text[] = "# a comment\n"
                                  "[default]\n"
                                  "region = eu-west-1\n"
                                  "[profile keys]\n"
                                  "AWS_ACCESS_KEY_ID = AKIDCONFIG ; behind it\n"
                                  "aws_secret_access_key = se#cret\n"
                                  "[profile process]\n"
                                  "credential_process = /bin/sh '%s' \"a b\"\n"
                                  "s3 =\n"
                                  "  addressing_style = path\n"
                                  "[profile empty]\n"
                                  "region = eu-west-1\n"
                                  "[profile sso]\n"
                                  "sso_session = corp\n"
                                  "sso_account_id = 123456789012\n"
                                  "[profile old-sso]\n"
                                  "sso_start_url = https://corp.example/start\n"
                                  "[profile login]\n"
                                  "login_session = arn:aws:iam::123456789012:user/x\n"
                                  "[profile mfa]\n"
                                  "role_arn = arn:aws:iam::123456789012:role/x\n"
                                  "source_profile = keys\n"
                                  "mfa_serial = arn:aws:iam::123456789012:mfa/x\n"
                                  "[profile a]\n"
                                  "role_arn = arn:aws:iam::123456789012:role/a\n"
                                  "source_profile = b\n"
                                  "[profile b]\n"
                                  "role_arn = arn:aws:iam::123456789012:role/b\n"
                                  "source_profile = a\n"
                                  "[profile self]\n"
                                  "role_arn = arn:aws:iam::123456789012:role/self\n"
                                  "source_profile = self\n"
                                  "[profile lost]\n"
                                  "role_arn = arn:aws:iam::123456789012:role/lost\n"
                                  "source_profile = nobody\n"
                                  "[profile role]\n"
                                  "role_arn = arn:aws:iam::123456789012:role/role\n"
                                  "source_profile = keys\n"
                                  "external_id = 4711\n"
                                  "duration_seconds = 900\n"
                                  "role_session_name = me\n"
                                  "region = us-gov-west-1\n"
                                  "[profile environment]\n"
                                  "role_arn = arn:aws:iam::123456789012:role/env\n"
                                  "credential_source = Environment\n"
                                  "[profile elsewhere]\n"
                                  "role_arn = arn:aws:iam::123456789012:role/env\n"
                                  "credential_source = Moon\n"
                                  "[profile both]\n"
                                  "role_arn = arn:aws:iam::123456789012:role/env\n"
                                  "credential_source = Environment\n"
                                  "source_profile = keys\n"
                                  "[profile alone]\n"
                                  "role_arn = arn:aws:iam::123456789012:role/alone\n"
                                  "[profile half]\n"
                                  "aws_access_key_id = AKIDHALF\n"
                                  "[profile web]\n"
                                  "role_arn = arn:aws:iam::123456789012:role/web\n"
                                  "web_identity_token_file = %s\n";

static const char assumed[] =
    "<A><Credentials><AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"
    "<SessionToken>t</SessionToken><Expiration>2026-11-22T13:00:00Z</Expiration></Credentials></A>";

static void write_files(struct provider_fixture *f)
{
    char text[8192];
    const char *script = fixture_file(
        f, "script",
        "echo '{\"Version\":1,\"AccessKeyId\":\"AKIDPROCESS\",\"SecretAccessKey\":\"s\"}'");
    const char *token = fixture_file(f, "token", "web-token");
    snprintf(text, sizeof(text), config_text, script, token);
    setenv("AWS_CONFIG_FILE", fixture_file(f, "config", text), 1);
    setenv("AWS_SHARED_CREDENTIALS_FILE",
           fixture_file(f, "credentials",
                        "[keys]\naws_session_token=TOKEN\n[mine]\n"
                        "aws_access_key_id=AKIDMINE\naws_secret_access_key=x\n"),
           1);
    fixture_reply(f, 200, assumed);
}

static void fetch_profile(struct provider_fixture *f, const char *name)
{
    struct credentials_conf conf = {
        .provider = CREDENTIALS_PROFILE, .profile = name, .endpoint_url = f->url};
    fixture_fetch(f, make(&conf));
}

static void test_profiles_with_keys(void **state)
{
    struct provider_fixture *f = *state;
    write_files(f);
    fetch_profile(f, "keys");
    fixture_expect_keys(f, "AKIDCONFIG", "TOKEN"); /* of both files */
    assert_string_equal(f->keys.keys.secret_access_key, "se#cret");
    fetch_profile(f, "process");
    fixture_expect_keys(f, "AKIDPROCESS", NULL);
    setenv("AWS_PROFILE", "mine", 1);
    fetch_profile(f, NULL);
    fixture_expect_keys(f, "AKIDMINE", NULL);
}

static void test_profiles_of_roles(void **state)
{
    struct provider_fixture *f = *state;
    write_files(f);
    fetch_profile(f, "role");
    fixture_expect_keys(f, "ASIAROLE", "t");
    assert_string_equal(f->keys.region, "us-gov-west-1");
    fixture_expect_request(f, "Credential=AKIDCONFIG/");
    fixture_expect_request(f, "/us-gov-west-1/sts/");
    fixture_expect_request(f, "role%2Frole&RoleSessionName=me&ExternalId=4711&DurationSeconds=900");
    setenv("AWS_ACCESS_KEY_ID", "AKIDENV", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "x", 1);
    fetch_profile(f, "environment");
    fixture_expect_request(f, "Credential=AKIDENV/");
    fetch_profile(f, "web");
    fixture_expect_request(f, "WebIdentityToken=web-token");
}

static void expect_refused(struct provider_fixture *f, const char *name, const char *text)
{
    fetch_profile(f, name);
    fixture_expect_part(f, text);
    assert_int_equal(f->server.requests, 0);
}

static void test_profiles_that_cannot_be(void **state)
{
    struct provider_fixture *f = *state;
    write_files(f);
    expect_refused(f, "missing", "profile \"missing\": it is neither in \"/tmp/providers-");
    expect_refused(f, "empty", "profile \"empty\": it does not say how to sign in");
    expect_refused(f, "half", "aws_access_key_id is set, aws_secret_access_key is not (set both)");
    expect_refused(f, "sso",
                   "profile \"sso\": sso_session needs a person who signs in at a browser, and "
                   "a bridge runs unattended (use provider \"roles-anywhere\"");
    expect_refused(f, "old-sso", "sso_start_url needs a person");
    expect_refused(f, "login", "login_session needs a person");
    expect_refused(f, "mfa", "mfa_serial needs a code from a person's device");
    expect_refused(f, "a", "profile \"a\": profile \"b\": source_profile leads back to \"a\"");
    expect_refused(f, "self", "source_profile names the profile itself, which has no keys");
    expect_refused(f, "lost", "profile \"lost\": profile \"nobody\": it is neither in");
    expect_refused(f, "elsewhere", "credential_source = \"Moon\": not known");
    expect_refused(f, "both", "both source_profile and credential_source are set (remove one)");
    expect_refused(f, "alone", "role_arn without source_profile");
    fixture_file(f, "config", "[default]\nregion\n");
    expect_refused(f, "keys", "/config\", line 2: neither [section] nor name = value");
}

/* A tool renews the file: what it says now counts. */
static void test_profiles_are_read_anew(void **state)
{
    struct provider_fixture *f = *state;
    write_files(f);
    struct credentials_conf conf = {.provider = CREDENTIALS_PROFILE, .profile = "mine"};
    struct provider *p = make(&conf);
    fixture_file(f, "credentials", "[mine]\naws_access_key_id=NEW\naws_secret_access_key=x\n");
    fixture_fetch(f, p);
    fixture_expect_keys(f, "NEW", NULL);
}

/* ---- the chain ---- */

static void fetch_chain(struct provider_fixture *f)
{
    struct credentials_conf conf = {.provider = CREDENTIALS_DEFAULT, .region = "eu-west-1"};
    fixture_fetch(f, make(&conf));
}

/* From the last of the chain to the first: each goes before those behind it. */
static void test_chain(void **state)
{
    struct provider_fixture *f = *state;
    char url[128];
    setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", f->url, 1);
    setenv("AWS_ENDPOINT_URL_STS", f->url, 1);
    fixture_reply(f, 404, "");
    fetch_chain(f);
    fixture_expect_part(f, "no AWS credentials in the environment, in profile \"default\" or a "
                           "container's, nor of this machine: instance metadata: no session token");
    setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
    fetch_chain(f);
    fixture_expect_part(f, "no AWS credentials: none in the environment");
    snprintf(url, sizeof(url), "%s/keys", f->url);
    setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", url, 1);
    fixture_reply(f, 200,
                  "{\"AccessKeyId\":\"ASIATASK\",\"SecretAccessKey\":\"s\",\"Token\":\"t\"}");
    fetch_chain(f);
    fixture_expect_keys(f, "ASIATASK", "t");
    write_files(f); /* [default] has a region, and no way to sign in */
    fixture_reply(f, 200,
                  "{\"AccessKeyId\":\"ASIATASK\",\"SecretAccessKey\":\"s\",\"Token\":\"t\"}");
    fetch_chain(f);
    fixture_expect_keys(f, "ASIATASK", "t");
    fixture_file(f, "credentials",
                 "[default]\naws_access_key_id=AKIDDEFAULT\n"
                 "aws_secret_access_key=x\n");
    fetch_chain(f);
    fixture_expect_keys(f, "AKIDDEFAULT", NULL);
    setenv("AWS_PROFILE", "missing", 1);
    fetch_chain(f);
    fixture_expect_part(f, "profile \"missing\": it is neither in");
    setenv("AWS_WEB_IDENTITY_TOKEN_FILE", fixture_file(f, "token", "web-token"), 1);
    setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/web", 1);
    fixture_reply(f, 200, assumed);
    fetch_chain(f);
    fixture_expect_keys(f, "ASIAROLE", "t");
    setenv("AWS_ACCESS_KEY_ID", "AKIDENV", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "x", 1);
    fetch_chain(f);
    fixture_expect_keys(f, "AKIDENV", NULL);
}

/* ---- lint ---- */

static struct {
    struct opt_report report;
    struct buf text;
} lint;

static void complain(struct opt_report *r, const char *option, const char *text)
{
    (void)r;
    buf_printf(&lint.text, "%s|%s\n", option ? option : "", text);
}

static void expect_lint(const struct credentials_conf *conf, const char *part)
{
    lint.report.complain = complain;
    lint.text.len = 0;
    credentials_check(conf, &lint.report);
    buf_add(&lint.text, "", 1);
    if (part ? !strstr(lint.text.ptr, part) : lint.text.len > 1)
        fail_msg("\"%s\" lacks \"%s\"", lint.text.ptr, part ? part : "nothing");
    free(lint.text.ptr);
    lint.text = (struct buf){0};
}

static void test_lint_of_options(void **state)
{
    (void)state;
    struct credentials_conf conf = {.name = "x", .provider = CREDENTIALS_STATIC};
    expect_lint(&conf, "|provider \"static\" needs access_key_id (static: access key)");
    conf.access_key_id = "id";
    conf.secret_access_key = "secret";
    expect_lint(&conf, NULL);
    conf.role_arn = "arn:aws:iam::123456789012:role/x";
    expect_lint(&conf, "role_arn|role_arn means nothing to provider \"static\"");
    conf = (struct credentials_conf){.name = "x",
                                     .provider = CREDENTIALS_ASSUME_ROLE,
                                     .role_arn = "arn:aws:iam::123456789012:user/x"};
    expect_lint(&conf,
                "role_arn: not such an ARN: \"arn:aws:iam::123456789012:user/x\" (it looks like "
                "arn:aws:iam::123456789012:role/NAME)");
    conf.role_arn = "arn:aws-us-gov:iam::123456789012:role/x";
    expect_lint(&conf, NULL);
    conf.duration_seconds = 899;
    expect_lint(&conf, "duration_seconds|duration_seconds: 899 is out of bounds (900 to 43200)");
    conf.duration_seconds = 900;
    conf.role_session_name = "has space";
    expect_lint(&conf, "role_session_name|");
    conf.role_session_name = NULL;
    conf.external_id = "x";
    expect_lint(&conf, "external_id|");
    conf.external_id = NULL;
    static const char *const tags[] = {"=x"};
    conf.session_tags = (struct opt_list){tags, 1};
    expect_lint(&conf, "session_tags|session_tags: \"=x\" is not name=value");
    conf.session_tags.count = 0;
    conf.endpoint_url = "sts.amazonaws.com";
    expect_lint(&conf, "endpoint_url|endpoint_url: not an address");
}

static void test_lint_of_cycles(void **state)
{
    (void)state;
    static const char role[] = "arn:aws:iam::123456789012:role/x";
    struct credentials_conf a = {
        .name = "a", .provider = CREDENTIALS_ASSUME_ROLE, .role_arn = role};
    struct credentials_conf b = a, c = a;
    b.name = "b";
    c.name = "c";
    a.source = &b;
    b.source = &c;
    expect_lint(&a, NULL);
    c.source = &a;
    expect_lint(&a, "source|source = \"b\": the sections refer to each other in a circle");
    c.source = &b; /* a circle that a is not part of */
    expect_lint(&a, NULL);
    a.source = &a;
    expect_lint(&a, "source|source = \"a\": the sections refer to each other in a circle");
}

static void test_lint_of_what_is_on_this_machine(void **state)
{
    struct provider_fixture *f = *state;
    static const char *const command[] = {"/nonexistent/program"};
    struct credentials_conf conf = {
        .name = "x", .provider = CREDENTIALS_PROCESS, .command = {command, 1}};
    expect_lint(&conf, "command|command: cannot run \"/nonexistent/program\": no such file");
    write_files(f);
    conf =
        (struct credentials_conf){.name = "x", .provider = CREDENTIALS_PROFILE, .profile = "sso"};
    expect_lint(&conf, "profile|profile \"sso\": sso_session needs a person");
    conf.profile = "keys";
    expect_lint(&conf, NULL);
    conf = (struct credentials_conf){
        .name = "x", .provider = CREDENTIALS_CONTAINER, .uri = "http://keys.example/"};
    expect_lint(&conf, "uri|uri: \"http://keys.example/\" may not be asked without TLS");
}

static void test_lint_of_roles_anywhere(void **state)
{
    (void)state;
    struct credentials_conf conf = {
        .name = "x",
        .provider = CREDENTIALS_ROLES_ANYWHERE,
        .role_arn = "arn:aws:iam::123456789012:role/x",
        .profile_arn = "arn:aws:rolesanywhere:eu-west-1:123456789012:profile/x",
        .trust_anchor_arn = "arn:aws:rolesanywhere:eu-central-1:123456789012:trust-anchor/x",
        .certificate = "/etc/x.pem",
    };
    expect_lint(&conf, "profile_arn|profile_arn: is in region \"eu-west-1\", trust_anchor_arn in "
                       "\"eu-central-1\"");
    conf.trust_anchor_arn = conf.profile_arn;
    expect_lint(&conf, "trust_anchor_arn|trust_anchor_arn: not such an ARN");
}

#define LOCAL_TEST(name) cmocka_unit_test_setup_teardown(name, provider_setup, provider_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOCAL_TEST(test_program),
        LOCAL_TEST(test_program_that_fails),
        LOCAL_TEST(test_program_that_prints_rubbish),
        LOCAL_TEST(test_program_without_bounds),
        LOCAL_TEST(test_profiles_with_keys),
        LOCAL_TEST(test_profiles_of_roles),
        LOCAL_TEST(test_profiles_that_cannot_be),
        LOCAL_TEST(test_profiles_are_read_anew),
        LOCAL_TEST(test_chain),
        LOCAL_TEST(test_lint_of_options),
        LOCAL_TEST(test_lint_of_cycles),
        LOCAL_TEST(test_lint_of_what_is_on_this_machine),
        LOCAL_TEST(test_lint_of_roles_anywhere),
    };
    return cmocka_run_group_tests_name("providers_local", tests, NULL, NULL);
}
