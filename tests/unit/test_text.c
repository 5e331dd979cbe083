#include "bridge/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* The encoding of a code point, valid or not, by the bare bit pattern. */
static size_t encode(uint32_t code, char *to)
{
    size_t len = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = len - 1; i > 0; i--, code >>= 6)
        to[i] = (char)(0x80 | (code & 0x3F));
    to[0] = (char)(lead[len] | code);
    return len;
}

/* The character in question at the end of n letters: in the middle of words and across them. */
static struct bytes padded(char *text, size_t pad, const char *c, size_t len)
{
    memset(text, 'x', pad);
    memcpy(text + pad, c, len);
    return bytes_of(text, pad + len);
}

static bool xml_allows(uint32_t code)
{
    return code == 9 || code == 0xA || code == 0xD || (code >= 0x20 && code <= 0xD7FF) ||
           (code >= 0xE000 && code <= 0xFFFD) || (code >= 0x10000 && code <= 0x10FFFF);
}

static void test_every_code_point(void **state)
{
    (void)state;
    for (uint32_t code = 0; code < 0x120000; code++) {
        char c[4], text[16];
        size_t len = encode(code, c);
        struct bytes b = padded(text, code % 9, c, len);
        bool utf8 = code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF);
        if (text_is_utf8(b) != utf8) fail_msg("is_utf8 of U+%04X", code);
        if (text_is_xml(b) != (utf8 && xml_allows(code))) fail_msg("is_xml of U+%04X", code);
        if (text_utf8_sequence(c, c + len) != (utf8 ? len : 0)) fail_msg("sequence U+%04X", code);
    }
}

static void test_malformed_utf8(void **state)
{
    (void)state;
    const struct bytes bad[] = {
        BYTES_LIT("\x80"),         BYTES_LIT("\xC3"),          BYTES_LIT("\xC3("),
        BYTES_LIT("\xC0\xAF"),     BYTES_LIT("\xC1\xBF"),      BYTES_LIT("\xE0\x9F\xBF"),
        BYTES_LIT("\xE2\x82"),     BYTES_LIT("\xE2\x82("),     BYTES_LIT("\xF0\x8F\xBF\xBF"),
        BYTES_LIT("\xF0\x9F\x98"), BYTES_LIT("\xF0\x9F\x98("), BYTES_LIT("\xF5\x80\x80\x80"),
        BYTES_LIT("\xFF"),         BYTES_LIT("\xFE\xFF"),      BYTES_LIT("\xF8\x88\x80\x80\x80"),
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        for (size_t pad = 0; pad < 34; pad++) {
            char text[64];
            struct bytes b = padded(text, pad, bad[i].ptr, bad[i].len);
            assert_false(text_is_utf8(b));
            assert_false(text_is_xml(b));
            memcpy(text + b.len, "0123456789abcdef", 16);
            b.len += 16;
            assert_false(text_is_utf8(b));
            assert_false(text_is_xml(b));
        }
    }
}

static void test_nothing_is_fine(void **state)
{
    (void)state;
    assert_true(text_is_utf8(BYTES_NONE));
    assert_true(text_is_xml(BYTES_NONE));
    assert_false(text_has_nul(BYTES_NONE));
    assert_true(text_has_nul(bytes_of("ab\0c", 4)));
    assert_false(text_has_nul(BYTES_LIT("abc")));
}

static void expect_base64(struct bytes raw, const char *expected)
{
    struct buf out = {0};
    text_base64(raw, &out);
    assert_true(bytes_eq(bytes_of(out.ptr, out.len), bytes_str(expected)));
    free(out.ptr);
}

static void test_base64_vectors(void **state)
{
    (void)state; /* RFC 4648, section 10 */
    expect_base64(BYTES_NONE, "");
    expect_base64(BYTES_LIT("f"), "Zg==");
    expect_base64(BYTES_LIT("fo"), "Zm8=");
    expect_base64(BYTES_LIT("foo"), "Zm9v");
    expect_base64(BYTES_LIT("foobar"), "Zm9vYmFy");
    expect_base64(bytes_of("\x00\xFB\xEF\xFF", 4), "APvv/w==");
}

static void test_base64_round_trip(void **state)
{
    (void)state;
    unsigned char raw[300];
    for (size_t i = 0; i < sizeof(raw); i++)
        raw[i] = (unsigned char)(i * 167 + 13);
    for (size_t len = 0; len <= sizeof(raw); len++) {
        struct buf text = {0}, back = {0};
        buf_add(&back, "kept", 4);
        text_base64(bytes_of(raw, len), &text);
        assert_true(text_unbase64(bytes_of(text.ptr, text.len), &back));
        assert_int_equal(back.len, 4 + len);
        assert_memory_equal(back.ptr, "kept", 4);
        assert_memory_equal(back.ptr + 4, raw, len);
        free(text.ptr);
        free(back.ptr);
    }
}

static void test_base64_refuses(void **state)
{
    (void)state;
    static const char *const bad[] = {"Z",     "Zg",       "Zg=",  "Zg= ",   "====",    "Z===",
                                      "Zg=a",  "Zh==",     "Zm9=", "Zm9v\n", "Zm 9v",   "Zm-_",
                                      "Zm9v=", "Zg==Zg==", "=g==", "Z*==",   "Zm9\x80", "A==="};
    struct buf out = {0};
    buf_add(&out, "kept", 4);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (text_unbase64(bytes_str(bad[i]), &out)) fail_msg("took \"%s\"", bad[i]);
        assert_int_equal(out.len, 4);
    }
    free(out.ptr);
}

static void test_hash_is_the_same_everywhere(void **state)
{
    (void)state; /* a value that changes would move stored fingerprints: see who keeps them */
    assert_true(text_hash(BYTES_NONE) == text_hash(BYTES_LIT("")));
    assert_int_equal(text_hash(BYTES_LIT("sensors/a/b")), 0xE2FC6AED6D18AD6Bu);
    assert_int_equal(text_hash(BYTES_LIT("message-group-0001")), 0x39D0F75C8E773793u);
}

static int by_value(const void *a, const void *b)
{
    uint64_t x, y;
    memcpy(&x, a, sizeof(x));
    memcpy(&y, b, sizeof(y));
    return (x > y) - (x < y);
}

static void test_hash_spreads(void **state)
{
    (void)state;
    enum { NAMES = 20000, SLOTS = 256 };
    uint64_t *hashes = calloc(NAMES, sizeof(*hashes));
    unsigned low[SLOTS] = {0}, high[SLOTS] = {0};
    for (int i = 0; i < NAMES; i++) {
        char name[32];
        int len = snprintf(name, sizeof(name), "sensors/%d/temperature", i);
        hashes[i] = text_hash(bytes_of(name, (size_t)len));
        low[hashes[i] % SLOTS]++;
        high[hashes[i] >> 56]++;
    }
    for (int slot = 0; slot < SLOTS; slot++) { /* 78 expected; six standard deviations */
        assert_in_range(low[slot], 25, 131);
        assert_in_range(high[slot], 25, 131);
    }
    qsort(hashes, NAMES, sizeof(*hashes), by_value);
    for (int i = 1; i < NAMES; i++)
        assert_true(hashes[i] != hashes[i - 1]);
    free(hashes);
}

static void test_hash_sees_length_and_zeros(void **state)
{
    (void)state;
    static const char zeros[32];
    for (size_t a = 0; a < sizeof(zeros); a++)
        for (size_t b = 0; b < a; b++)
            assert_true(text_hash(bytes_of(zeros, a)) != text_hash(bytes_of(zeros, b)));
}

static void mqtt_text_has_no_characters_that_close_a_connection(void **state)
{
    static const struct bytes good[] = {
        BYTES_INIT(""),
        BYTES_INIT("plain text"),
        BYTES_INIT("gr\xC3\xBC\xC3\x9F"),
        BYTES_INIT("\xC2\xA0"),
        BYTES_INIT("\xEF\xB7\x8F"),
        BYTES_INIT("\xEF\xB7\xB0"),
        BYTES_INIT("\xEF\xBF\xBD"),
        BYTES_INIT("\xF0\x9F\x98\x80"),
    };
    static const struct bytes bad[] = {
        BYTES_INIT("a\0b"),
        BYTES_INIT("tab\t"),
        BYTES_INIT("\nline"),
        BYTES_INIT("\x7f"),
        BYTES_INIT("12345678\x7f"),
        BYTES_INIT("\xC2\x80"),
        BYTES_INIT("\xC2\x9F"),
        BYTES_INIT("\xEF\xB7\x90"),
        BYTES_INIT("\xEF\xB7\xAF"),
        BYTES_INIT("\xEF\xBF\xBE"),
        BYTES_INIT("\xEF\xBF\xBF"),
        BYTES_INIT("\xF0\x9F\xBF\xBE"),
        BYTES_INIT("\xF4\x8F\xBF\xBF"),
        BYTES_INIT("\xED\xA0\x80"),
        BYTES_INIT("\xff"),
        BYTES_INIT("cut \xC3"),
    };
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(text_is_mqtt(good[i]));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(text_is_mqtt(bad[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mqtt_text_has_no_characters_that_close_a_connection),
        cmocka_unit_test(test_every_code_point),
        cmocka_unit_test(test_malformed_utf8),
        cmocka_unit_test(test_nothing_is_fine),
        cmocka_unit_test(test_base64_vectors),
        cmocka_unit_test(test_base64_round_trip),
        cmocka_unit_test(test_base64_refuses),
        cmocka_unit_test(test_hash_is_the_same_everywhere),
        cmocka_unit_test(test_hash_spreads),
        cmocka_unit_test(test_hash_sees_length_and_zeros),
    };
    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
