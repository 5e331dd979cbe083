/* Messages become entries, entries fill batches. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "connectors/sqs/sqs_entry.h"
#include "connectors/sqs/sqs_pack.h"

static const struct sqs_queue fifo = {.url = "http://127.0.0.1/1/q.fifo", .fifo = true};
static const struct sqs_queue standard = {.url = "http://127.0.0.1/1/q"};
static const struct sqs_sink_conf plain = {.max_message_bytes = SQS_MAX_BYTES};

struct fixture {
    struct sqs_digest *digest;
    struct sqs_maker maker;
    struct sqs_pack pack;
    struct buf out;
};

static void open_fixture(struct fixture *f, const struct sqs_queue *queue,
                         const struct sqs_sink_conf *conf)
{
    *f = (struct fixture){.digest = sqs_digest_create()};
    f->maker = (struct sqs_maker){
        .conf = conf, .queue = queue, .pipeline = "orders", .digest = f->digest, .nonce = 5};
    sqs_pack_begin(&f->pack, &f->out, queue->url);
}

static void close_fixture(struct fixture *f)
{
    sqs_maker_free(&f->maker);
    sqs_digest_destroy(f->digest);
    free(f->out.ptr);
}

static struct leg leg_of(const char *body, size_t len, const char *key, const char *position)
{
    struct msg_draft draft = {.body = bytes_of(body, len),
                              .key = bytes_str(key),
                              .topic = BYTES_LIT("t"),
                              .position = bytes_str(position)};
    return (struct leg){.msg = msg_new(&draft), .seq = 3};
}

static void make(struct fixture *f, const struct leg *l)
{
    struct error e;
    if (!sqs_entry_group(&f->maker, l, &e) || !sqs_entry_make(&f->maker, l, &e))
        fail_msg("%s", e.text);
}

/* How many messages of one size go into a batch. */
static size_t packed(const char *body, size_t len)
{
    struct fixture f;
    open_fixture(&f, &standard, &plain);
    struct leg l = leg_of(body, len, NULL, "p");
    make(&f, &l);
    while (sqs_pack_fits(&f.pack, f.maker.mapped.size, SQS_MAX_BYTES))
        sqs_pack_add(&f.pack, f.digest, &f.maker.entry, f.maker.mapped.size);
    size_t count = f.pack.count;
    sqs_pack_end(&f.pack);
    msg_unref(l.msg);
    close_fixture(&f);
    return count;
}

static void a_batch_ends_at_ten_or_at_one_mebibyte(void **state)
{
    (void)state;
    const size_t kib = 1024;
    char *body = mem_alloc(SQS_MAX_BYTES);
    memset(body, 'x', SQS_MAX_BYTES);
    assert_int_equal(packed(body, 256), 10);
    assert_int_equal(packed(body, 100 * kib), 10);
    assert_int_equal(packed(body, 105 * kib), 9);
    assert_int_equal(packed(body, SQS_MAX_BYTES / 2), 2);
    assert_int_equal(packed(body, SQS_MAX_BYTES / 2 + 1), 1);
    assert_int_equal(packed(body, SQS_MAX_BYTES), 1);
    free(body);
}

/* SQS counts the text, not its escapes; and what base64 makes of a body, because that is the body
 * then. */
static void sizes_are_counted_as_sqs_does(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f, &standard, &plain);
    struct leg quotes = leg_of("\"\"\"\"", 4, NULL, "p"), raw = leg_of("\0\1\2", 3, NULL, "p");
    make(&f, &quotes);
    assert_int_equal(f.maker.mapped.size, 4);
    make(&f, &raw);
    assert_int_equal(f.maker.mapped.size, 4 + strlen("sqsbridge.encoding"
                                                     "String"
                                                     "base64"));
    msg_unref(quotes.msg);
    msg_unref(raw.msg);
    close_fixture(&f);
}

static void a_message_too_large_is_rejected_by_itself(void **state)
{
    (void)state;
    struct fixture f;
    struct error e;
    struct sqs_sink_conf small = {.max_message_bytes = 1024};
    char body[1025];
    memset(body, 'x', sizeof(body));
    open_fixture(&f, &standard, &small);
    struct leg fits = leg_of(body, 1024, NULL, "p"), large = leg_of(body, 1025, NULL, "p");
    assert_true(sqs_entry_make(&f.maker, &fits, &e));
    assert_false(sqs_entry_make(&f.maker, &large, &e));
    assert_int_equal(e.fault, FAULT_REJECT);
    msg_unref(fits.msg);
    msg_unref(large.msg);
    close_fixture(&f);
}

static void expect_group(struct fixture *f, const char *key, const char *group)
{
    struct leg l = leg_of("b", 1, key, "p");
    make(f, &l);
    assert_int_equal(f->maker.entry.group_id.len, group ? strlen(group) : 64);
    if (group) assert_memory_equal(f->maker.entry.group_id.ptr, group, strlen(group));
    msg_unref(l.msg);
}

static void the_group_is_the_key_or_the_pipeline(void **state)
{
    (void)state;
    struct fixture f;
    char limit[130];
    memset(limit, 'k', sizeof(limit));
    open_fixture(&f, &fifo, &plain);
    expect_group(&f, "device-7/{x}", "device-7/{x}");
    expect_group(&f, NULL, "orders");
    expect_group(&f, "", "orders");
    expect_group(&f, "with space", NULL);
    expect_group(&f, "\xc3\xa9", NULL);
    limit[129] = '\0';
    expect_group(&f, limit, NULL); /* 129: hashed */
    limit[128] = '\0';
    expect_group(&f, limit, limit);
    close_fixture(&f);
}

static void a_template_names_the_group_on_any_queue(void **state)
{
    (void)state;
    struct fixture f;
    struct error e;
    struct template *group = template_compile("tenant-${key}", &e);
    struct sqs_sink_conf conf = {.max_message_bytes = 1024, .message_group_id = group};
    open_fixture(&f, &standard, &conf);
    expect_group(&f, "7", "tenant-7");
    assert_null(f.maker.entry.deduplication_id.ptr);
    struct leg keyless = leg_of("b", 1, NULL, "p");
    assert_false(sqs_entry_group(&f.maker, &keyless, &e));
    assert_int_equal(e.fault, FAULT_REJECT);
    msg_unref(keyless.msg);
    close_fixture(&f);
    template_free(group);
}

static void deduplication_at(struct fixture *f, const char *position, int64_t timestamp_ms,
                             char id[129])
{
    struct leg l = leg_of("body", 4, "k", position);
    l.msg->timestamp_ms = timestamp_ms;
    make(f, &l);
    memcpy(id, f->maker.entry.deduplication_id.ptr, f->maker.entry.deduplication_id.len);
    id[f->maker.entry.deduplication_id.len] = '\0';
    msg_unref(l.msg);
}

static void deduplication(struct fixture *f, const char *position, char id[129])
{
    deduplication_at(f, position, 0, id);
}

/* Offsets begin anew where a topic was deleted and made again. */
static void a_message_of_another_time_has_another_deduplication_id(void **state)
{
    (void)state;
    struct fixture f;
    char one[129], again[129], later[129];
    open_fixture(&f, &fifo, &plain);
    deduplication_at(&f, "t-0-17", 1790000000000, one);
    deduplication_at(&f, "t-0-17", 1790000000000, again);
    deduplication_at(&f, "t-0-17", 1790000000001, later);
    assert_string_equal(one, again);
    assert_string_not_equal(one, later);
    close_fixture(&f);
}

static void the_same_message_has_the_same_deduplication_id(void **state)
{
    (void)state;
    struct fixture f;
    char one[129], again[129], other[129], unnamed[129];
    open_fixture(&f, &fifo, &plain);
    deduplication(&f, "0-17", one);
    deduplication(&f, "0-17", again);
    deduplication(&f, "0-18", other);
    deduplication(&f, "", unnamed);
    assert_string_equal(one, again);
    assert_string_not_equal(one, other);
    assert_string_not_equal(one, unnamed);
    f.maker.nonce++;
    deduplication(&f, "", other); /* another run, another message */
    assert_string_not_equal(other, unnamed);
    close_fixture(&f);
}

static void an_answer_is_compared_with_what_was_sent(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f, &standard, &plain);
    struct leg l = leg_of("hello", 5, NULL, "p");
    make(&f, &l);
    sqs_pack_add(&f.pack, f.digest, &f.maker.entry, f.maker.mapped.size);
    struct sqs_result r = {.body_md5 = BYTES_LIT("5d41402abc4b2a76b9719d911017c592")};
    assert_true(sqs_pack_agrees(&f.pack, f.digest, 0, &r));
    r.body_md5 = BYTES_LIT("5d41402abc4b2a76b9719d911017c593");
    assert_false(sqs_pack_agrees(&f.pack, f.digest, 0, &r));
    msg_unref(l.msg);
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_ends_at_ten_or_at_one_mebibyte),
        cmocka_unit_test(sizes_are_counted_as_sqs_does),
        cmocka_unit_test(a_message_too_large_is_rejected_by_itself),
        cmocka_unit_test(the_group_is_the_key_or_the_pipeline),
        cmocka_unit_test(a_template_names_the_group_on_any_queue),
        cmocka_unit_test(a_message_of_another_time_has_another_deduplication_id),
        cmocka_unit_test(the_same_message_has_the_same_deduplication_id),
        cmocka_unit_test(an_answer_is_compared_with_what_was_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
