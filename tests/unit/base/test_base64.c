/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64.h"

#include "unit.h"

static void known_pairs(void **state)
{
	/* RFC 4648 section 10, and the bytes where the alphabets differ. */
	static const struct {
		const char *says;
		struct slice bytes;
		const char *base64, *url;
	} rows[] = {
		{"nothing", {"", 0}, "", ""},
		{"one", {"f", 1}, "Zg==", "Zg"},
		{"two", {"fo", 2}, "Zm8=", "Zm8"},
		{"three", {"foo", 3}, "Zm9v", "Zm9v"},
		{"four", {"foob", 4}, "Zm9vYg==", "Zm9vYg"},
		{"five", {"fooba", 5}, "Zm9vYmE=", "Zm9vYmE"},
		{"six", {"foobar", 6}, "Zm9vYmFy", "Zm9vYmFy"},
		{"the last letters", {"\xfb\xff\xbf", 3}, "+/+/", "-_-_"},
		{"zeroes", {"\0\0", 2}, "AAA=", "AAA"},
	};

	(void)state;
	EACH_ROW (at, rows) {
		char text[16], bytes[16];
		size_t len = 99;
		ROW_EQ(at, base64_encode(at->bytes, text, sizeof(text)),
		       slice_from_cstr(at->base64));
		ROW_EQ(at, base64url_encode(at->bytes, text, sizeof(text)),
		       slice_from_cstr(at->url));
		ROW_CHECK(at,
			  base64_decode(slice_from_cstr(at->base64), bytes, sizeof(bytes), &len));
		ROW_EQ(at, slice_of(bytes, len), at->bytes);
		ROW_CHECK(at,
			  base64url_decode(slice_from_cstr(at->url), bytes, sizeof(bytes), &len));
		ROW_EQ(at, slice_of(bytes, len), at->bytes);
	}
}

static void refused_texts(void **state)
{
	static const struct {
		const char *says, *text;
		bool base64_ok, url_ok;
	} rows[] = {
		/* clang-format off */
		{"no padding", "Zg", false, true},
		{"half the padding", "Zg=", false, false},
		{"padding", "Zg==", true, false},
		{"three of padding", "Z===", false, false},
		{"only padding", "====", false, false},
		{"padding in the middle", "Zg==Zg==", false, false},
		{"padding behind whole groups", "Zm9v====", false, false},
		{"one letter", "Z", false, false},
		{"five letters", "Zm9vY", false, false},
		{"bits behind one byte", "Zh==", false, false},
		{"bits behind one byte, url", "Zh", false, false},
		{"the highest of them", "Zo", false, false},
		{"bits behind two bytes", "Zm9=", false, false},
		{"bits behind two bytes, url", "Zm9", false, false},
		{"the higher of them", "Zm+=", false, false},
		{"the higher of them, url", "Zm-", false, false},
		{"the other alphabet", "+/+/", true, false},
		{"the other alphabet, url", "-_-_", false, true},
		{"space", "Zm9 ", false, false},
		{"line end", "Zm9v\n", false, false},
		{"line end for a letter", "Zm9\n", false, false},
		{"high bytes", "Zm9\xe9", false, false},
		{"percent", "Zg%3", false, false},
		/* clang-format on */
	};
	char bytes[16];
	size_t len;

	(void)state;
	EACH_ROW (at, rows) {
		struct slice text = slice_from_cstr(at->text);
		ROW_CHECK(at, base64_decode(text, bytes, sizeof(bytes), &len) == at->base64_ok);
		ROW_CHECK(at, base64url_decode(text, bytes, sizeof(bytes), &len) == at->url_ok);
	}
	assert_false(base64url_decode(slice_of("Z\0", 2), bytes, sizeof(bytes), &len));
}

/* Every two-letter text: exactly those whose low four bits are clear are canonical. */
static void every_short_text(void **state)
{
	unsigned good = 0;

	(void)state;
	for (int a = 0; a < 256; a++) {
		for (int b = 0; b < 256; b++) {
			char text[2] = {(char)a, (char)b}, byte, again[2];
			size_t len;
			if (!base64url_decode(slice_of(text, 2), &byte, 1, &len))
				continue;
			good++;
			assert_int_equal(len, 1);
			struct slice s = base64url_encode(slice_of(&byte, 1), again, 2);
			assert_true(slice_eq(s, slice_of(text, 2)));
		}
	}
	assert_int_equal(good, 256);
}

/* Each byte at each place of a whole group is good in the alphabet that has it, and means what the
 * way back says. */
static void every_letter_of_a_group(void **state)
{
	unsigned good = 0;

	(void)state;
	for (size_t at = 0; at < 4; at++) {
		for (int c = 0; c < 256; c++) {
			char text[] = "QUJDQUJDQUJD", bytes[9], again[12];
			struct slice s = slice_of(text, 12);
			size_t len;
			text[4 + at] = (char)c;
			if (base64_decode(s, bytes, sizeof(bytes), &len)) {
				struct slice value = slice_of(bytes, len);
				assert_true(slice_eq(base64_encode(value, again, 12), s));
				good++;
			}
			if (base64url_decode(s, bytes, sizeof(bytes), &len)) {
				struct slice value = slice_of(bytes, len);
				assert_true(slice_eq(base64url_encode(value, again, 12), s));
				good++;
			}
		}
	}
	assert_int_equal(good, 4 * 2 * 64);
}

static void room_is_respected(void **state)
{
	char text[8], bytes[4] = "....";
	size_t len;

	(void)state;
	assert_null(base64_encode(SLICE("foob"), text, 7).data);
	assert_non_null(base64_encode(SLICE("foob"), text, 8).data);
	assert_null(base64url_encode(SLICE("foob"), text, 5).data);
	assert_int_equal(base64url_encode(SLICE("foob"), text, 6).len, 6);
	assert_false(base64_decode(SLICE("Zm9v"), bytes, 2, &len));
	assert_true(base64_decode(SLICE("Zm9v"), bytes, 3, &len));
	assert_int_equal(bytes[3], '.');
	assert_null(base64_encode(slice_of("x", SIZE_MAX), text, sizeof(text)).data);
}

static void the_size_macros(void **state)
{
	char text[400], bytes[300], zeroes[64] = {0};
	size_t len;

	(void)state;
	for (size_t n = 0; n <= sizeof(zeroes); n++) {
		struct slice s = base64_encode(slice_of(zeroes, n), text, sizeof(text));
		assert_int_equal(s.len, BASE64_CHARS(n));
		assert_true(base64_decode(s, bytes, sizeof(bytes), &len));
		assert_int_equal(len, n);
		assert_true(n <= BASE64_BYTES(s.len));
		s = base64url_encode(slice_of(zeroes, n), text, sizeof(text));
		assert_int_equal(s.len, BASE64URL_CHARS(n));
		assert_true(n <= BASE64_BYTES(s.len));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_pairs),       cmocka_unit_test(refused_texts),
		cmocka_unit_test(every_short_text),  cmocka_unit_test(every_letter_of_a_group),
		cmocka_unit_test(room_is_respected), cmocka_unit_test(the_size_macros),
	};
	return cmocka_run_group_tests_name("base/base64", tests, NULL, NULL);
}
