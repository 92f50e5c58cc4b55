/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"

#include <stdlib.h>

#include "base/utf8_priv.h"
#include "unit.h"

/* An independent judge, by what a character is instead of by table: 0 = bad, else length. */
static unsigned naive_length(const unsigned char *s, size_t len)
{
	unsigned n = s[0] < 0x80           ? 1
		     : s[0] >> 5 == 0x06 ? 2
		     : s[0] >> 4 == 0x0e ? 3
		     : s[0] >> 3 == 0x1e ? 4
					 : 0;
	uint32_t c = n == 1 ? s[0] : n ? s[0] & (0xffu >> (n + 1)) : 0;
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};

	if (n == 0 || n > len)
		return 0;
	for (unsigned i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	return n;
}

static bool naive_valid(const unsigned char *s, size_t len)
{
	while (len) {
		unsigned n = naive_length(s, len);
		if (n == 0)
			return false;
		s += n;
		len -= n;
	}
	return true;
}

/* Values at and around every edge of the table. */
static const unsigned char edges[] = {0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf,
				      0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee,
				      0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xf7, 0xf8, 0xff};

static void check(const unsigned char *bytes, size_t len)
{
	struct slice s = slice_of((const char *)bytes, len);
	struct utf8_state u = {0};
	bool wanted = naive_valid(bytes, len), fed = true;

	if (utf8_valid(s) != wanted)
		fail_msg("%02x %02x %02x %02x, %zu bytes", bytes[0], bytes[1], bytes[2], bytes[3],
			 len);
	for (size_t i = 0; i < len && fed; i++)
		fed = utf8_feed(&u, slice_of(s.data + i, 1));
	if ((fed && utf8_complete(&u)) != wanted)
		fail_msg("fed: %02x %02x %02x %02x, %zu bytes", bytes[0], bytes[1], bytes[2],
			 bytes[3], len);
	/* The same across the seam of two vectors, and at the end of a long text. */
	static unsigned turn;
	unsigned char text[72];
	size_t before = 28 + turn++ % 6;
	memset(text, 'a', sizeof(text));
	memcpy(text + before, bytes, len);
	if (utf8_valid(slice_of((const char *)text, sizeof(text))) != wanted ||
	    utf8_valid(slice_of((const char *)text, before + len)) != wanted ||
	    utf8_valid_plain(text, sizeof(text)) != wanted)
		fail_msg("%02x %02x %02x %02x, %zu bytes behind %zu", bytes[0], bytes[1], bytes[2],
			 bytes[3], len, before);
}

static void all_of_one_and_two_bytes(void **state)
{
	unsigned char bytes[4] = {0};

	(void)state;
	for (unsigned n = 0; n < 65536; n++) {
		bytes[0] = (unsigned char)(n >> 8);
		bytes[1] = (unsigned char)n;
		check(bytes, 1);
		check(bytes, 2);
	}
}

static void all_of_three_and_four_bytes_on_the_edges(void **state)
{
	unsigned char b[4];

	(void)state;
	for (size_t i = 0; i < COUNT(edges); i++)
		for (unsigned second = 0; second < 256; second++)
			for (size_t k = 0; k < COUNT(edges); k++) {
				b[0] = edges[i];
				b[1] = (unsigned char)second;
				b[2] = edges[k];
				b[3] = 0;
				check(b, 3);
				for (size_t l = 0; l < COUNT(edges); l++) {
					b[3] = edges[l];
					check(b, 4);
				}
			}
}

static void every_character_there_and_back(void **state)
{
	(void)state;
	for (uint32_t c = 0; c <= 0x110100; c++) {
		char bytes[4] = "";
		uint32_t again = 0;
		unsigned n = utf8_encode(c, bytes);
		bool exists = c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
		if ((n > 0) != exists)
			fail_msg("U+%04X", c);
		if (!exists)
			continue;
		if (!utf8_valid(slice_of(bytes, n)) || (n > 1 && utf8_valid(slice_of(bytes, n - 1))))
			fail_msg("U+%04X is not valid", c);
		if (utf8_decode(slice_of(bytes, n), &again) != n || again != c)
			fail_msg("U+%04X became U+%04X", c, again);
	}
	assert_int_equal(utf8_encode(UINT32_MAX, (char[4]){0}), 0);
}

static void decode_refuses_what_is_no_character(void **state)
{
	uint32_t c = 0;

	(void)state;
	assert_int_equal(utf8_decode(SLICE(""), &c), 0);
	assert_int_equal(utf8_decode(SLICE("\x80"), &c), 0);
	assert_int_equal(utf8_decode(SLICE("\xe2\x82"), &c), 0);
	assert_int_equal(utf8_decode(SLICE("\xc0\x80"), &c), 0);
	assert_int_equal(utf8_decode(SLICE("\xed\xa0\x80"), &c), 0);
	assert_int_equal(utf8_decode(SLICE("\xf4\x90\x80\x80"), &c), 0);
	assert_int_equal(utf8_decode(SLICE("\xe2\x82\xacxyz"), &c), 3);
	assert_int_equal(c, 0x20ac);
}

static const struct {
	const char *says, *text;
	size_t guilty; /* the byte that proves it, counted from 1; 0 = only the end does */
} bad_texts[] = {
	{"a continuation alone", "\x80", 1},
	{"overlong slash", "ab\xc0\xaf", 3},
	{"overlong in three", "\xe0\x9f\xbf", 2},
	{"overlong in four", "\xf0\x8f\xbf\xbf", 2},
	{"surrogate", "k\xc3\xb6\xed\xa0\x80", 5},
	{"above U+10FFFF", "\xf4\x90\x80\x80", 2},
	{"five-byte form", "\xf8\x88\x80\x80\x80", 1},
	{"FE", "\xfe", 1},
	{"cut by ASCII", "\xe2\x82z", 3},
	{"cut by another start", "\xe2\xe2\x82\xac", 2},
	{"behind 40 of ASCII", "0123456789012345678901234567890123456789\xff", 41},
	{"cut by the end after 1", "\xe2", 0},
	{"cut by the end after 2", "\xf0\x9f", 0},
	{"cut by the end after 3", "\xf0\x9f\x98", 0},
};

static void guilt_is_proven_at_the_earliest_byte(void **state)
{
	(void)state;
	EACH_ROW (at, bad_texts) {
		struct slice s = slice_from_cstr(at->text);
		struct utf8_state u = {0};
		ROW_CHECK(at, !utf8_valid(s));
		if (at->guilty == 0) {
			ROW_CHECK(at, utf8_feed(&u, s));
			ROW_CHECK(at, !utf8_complete(&u));
			continue;
		}
		ROW_CHECK(at, utf8_feed(&u, slice_first(s, at->guilty - 1)));
		ROW_CHECK(at, !utf8_feed(&u, slice_of(s.data + at->guilty - 1, 1)));
		/* And nothing makes it good again. */
		ROW_CHECK(at, !utf8_feed(&u, SLICE("innocent")));
		ROW_CHECK(at, !utf8_complete(&u));
		u = (struct utf8_state){0};
		ROW_CHECK(at, !utf8_feed(&u, s));
	}
}

static void split_anywhere(void **state)
{
	static const char text[] = "k\xc3\xb6sme \xe2\x82\xac\xed\x9f\xbf\xee\x80\x80 "
				   "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf 0123456789abcdef0123456789";
	struct slice s = slice_of(text, sizeof(text) - 1);

	(void)state;
	for (size_t i = 0; i <= s.len; i++) {
		for (size_t k = i; k <= s.len; k++) {
			struct utf8_state u = {0};
			assert_true(utf8_feed(&u, slice_first(s, i)));
			assert_true(utf8_feed(&u, slice_of(text + i, k - i)));
			assert_true(utf8_feed(&u, slice_from(s, k)));
			assert_true(utf8_complete(&u));
		}
	}
}

/* Every place and every length around the fast path's steps, with one bad byte or none. */
static void a_bad_byte_anywhere_in_a_run(void **state)
{
	enum { LONGEST = 200 };
	static const char *const fillers[] = {"a", "\xc3\xa9", "\xe4\xbd\xa0", "\xf0\x9f\x98\x80"};

	(void)state;
	for (size_t f = 0; f < COUNT(fillers); f++) {
		size_t step = strlen(fillers[f]);
		for (size_t len = step; len <= LONGEST; len += step) {
			/* On the heap, so that a sanitizer sees one byte too far. */
			char *text = malloc(len);
			assert_non_null(text);
			for (size_t i = 0; i < len; i++)
				text[i] = fillers[f][i % step];
			assert_true(utf8_valid(slice_of(text, len)));
			for (size_t i = 0; i < len; i++) {
				char kept = text[i];
				text[i] = '\xff';
				assert_false(utf8_valid(slice_of(text, len)));
				text[i] = '\xed';
				assert_false(utf8_valid(slice_of(text, len)));
				text[i] = kept;
			}
			for (size_t cut = 1; cut < step; cut++)
				assert_false(utf8_valid(slice_of(text, len - cut)));
			free(text);
		}
	}
}

static void random_mixtures(void **state)
{
	static const char *const pieces[] = {"a", "0123456789abcdef", "\xc3\xa9", "\xe4\xbd\xa0",
					     "\xf0\x9f\x98\x80", "\xed\x9f\xbf", "\xee\x80\x80",
					     "\xc2\x80", "\xe0\xa0\x80", "\xf4\x8f\xbf\xbf"};
	uint32_t dice = 7;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		unsigned char text[300] = {0};
		size_t len = 0;
		while (len < 40 + (size_t)round % 240) {
			dice = dice * 1664525 + 1013904223;
			const char *piece = pieces[(dice >> 16) % COUNT(pieces)];
			memcpy(text + len, piece, strlen(piece));
			len += strlen(piece);
		}
		dice = dice * 1664525 + 1013904223;
		if (round % 4)
			text[(dice >> 8) % len] = edges[(dice >> 24) % COUNT(edges)];
		struct slice s = slice_of((const char *)text, len);
		if (utf8_valid(s) != naive_valid(text, len) ||
		    utf8_valid_plain(text, len) != naive_valid(text, len))
			fail_msg("round %d", round);
		struct utf8_state u = {0};
		size_t half = (dice >> 4) % len;
		bool ok = utf8_feed(&u, slice_first(s, half)) && utf8_feed(&u, slice_from(s, half));
		if ((ok && utf8_complete(&u)) != naive_valid(text, len))
			fail_msg("round %d, fed", round);
	}
}

static void nothing_is_valid(void **state)
{
	struct utf8_state u = {0};

	(void)state;
	assert_true(utf8_valid(slice_of(NULL, 0)));
	assert_true(utf8_feed(&u, slice_of(NULL, 0)));
	assert_true(utf8_complete(&u));
}

static void what_moves_a_cursor_is_not_plain(void **state)
{
	static const struct {
		const char *says;
		uint32_t first, last;
		bool plain;
	} rows[] = {
		{"controls", 0, 0x1f, false},
		{"ASCII", 0x20, 0x7e, true},
		{"DEL and controls of eight bits", 0x7f, 0x9f, false},
		{"Latin and the like", 0xa0, 0x200a, true},
		{"without width, and marks of direction", 0x200b, 0x200f, false},
		{"dashes and quotes", 0x2010, 0x2027, true},
		{"separators, embeddings, overrides", 0x2028, 0x202e, false},
		{"a narrow space to the invisible plus", 0x202f, 0x2065, true},
		{"isolates", 0x2066, 0x2069, false},
		{"up to the byte order mark", 0x206a, 0xfefe, true},
		{"the byte order mark", 0xfeff, 0xfeff, false},
		{"the rest", 0xff00, 0x10ffff, true},
	};

	(void)state;
	EACH_ROW (at, rows) {
		for (uint32_t c = at->first; c <= at->last; c++)
			ROW_CHECK(at, utf8_is_plain(c) == at->plain);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_of_one_and_two_bytes),
		cmocka_unit_test(all_of_three_and_four_bytes_on_the_edges),
		cmocka_unit_test(every_character_there_and_back),
		cmocka_unit_test(decode_refuses_what_is_no_character),
		cmocka_unit_test(what_moves_a_cursor_is_not_plain),
		cmocka_unit_test(guilt_is_proven_at_the_earliest_byte),
		cmocka_unit_test(split_anywhere),
		cmocka_unit_test(a_bad_byte_anywhere_in_a_run),
		cmocka_unit_test(random_mixtures),
		cmocka_unit_test(nothing_is_valid),
	};
	return cmocka_run_group_tests_name("base/utf8", tests, NULL, NULL);
}
