/* SPDX-License-Identifier: Apache-2.0 */
#include "base/slice.h"

#include "unit.h"

static void eq_wants_length_and_bytes(void **state)
{
	(void)state;
	assert_true(slice_eq(SLICE("a\0b"), SLICE("a\0b")));
	assert_false(slice_eq(SLICE("a\0b"), SLICE("a\0c")));
	assert_false(slice_eq(SLICE("ab"), SLICE("abc")));
	assert_true(slice_eq(slice_of(NULL, 0), SLICE("")));
	assert_true(slice_eq(slice_from_cstr(NULL), SLICE("")));
}

/* Every length around those that are compared in another way, and every place of a difference. */
static void same_is_memcmp(void **state)
{
	char a[40], b[40];

	(void)state;
	for (size_t len = 0; len <= sizeof(a); len++) {
		memset(a, 'x', sizeof(a));
		memset(b, 'x', sizeof(b));
		if (len < sizeof(a))
			b[len] = 'y'; /* behind the end */
		assert_true(slice_same(a, b, len));
		for (size_t at = 0; at < len; at++) {
			b[at] ^= 1;
			assert_false(slice_same(a, b, len));
			b[at] ^= 1;
		}
	}
}

static void icase_is_for_ascii_letters_only(void **state)
{
	(void)state;
	assert_true(slice_eq_icase(SLICE("Sec-WebSocket-KEY"), SLICE("sec-websocket-key")));
	assert_false(slice_eq_icase(SLICE("ab"), SLICE("abc")));
	assert_false(slice_eq_icase(SLICE("a"), SLICE("b")));
	/* Neighbours of the letters that differ in the same bit. */
	assert_false(slice_eq_icase(SLICE("@[`{"), SLICE("`{@[")));
	assert_false(slice_eq_icase(SLICE("\xc4"), SLICE("\xe4")));
	assert_true(slice_eq_icase(slice_of(NULL, 0), SLICE("")));
}

static unsigned lower(unsigned c)
{
	return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

/* Each pair of bytes at each place of texts that are looked at in pieces. */
static void icase_is_the_same_in_long_names(void **state)
{
	char a[20], b[20];

	(void)state;
	for (size_t at = 0; at < sizeof(a); at++) {
		memset(a, 'm', sizeof(a));
		memset(b, 'M', sizeof(b));
		for (unsigned i = 0; i < 256; i++) {
			for (unsigned j = 0; j < 256; j++) {
				a[at] = (char)i;
				b[at] = (char)j;
				assert_int_equal(slice_eq_icase(slice_of(a, sizeof(a)),
								slice_of(b, sizeof(b))),
						 lower(i) == lower(j));
			}
		}
	}
}

/* A difference at each place of texts of each length is seen, and what stands behind is not. */
static void icase_looks_at_all_of_a_name_and_no_further(void **state)
{
	char a[20], b[20];

	(void)state;
	for (size_t len = 1; len < sizeof(a); len++) {
		memset(a, 'm', sizeof(a));
		memset(b, 'M', sizeof(b));
		a[len] = 'x';
		assert_true(slice_eq_icase(slice_of(a, len), slice_of(b, len)));
		for (size_t at = 0; at < len; at++) {
			b[at] = 'N';
			assert_false(slice_eq_icase(slice_of(a, len), slice_of(b, len)));
			b[at] = 'M';
		}
	}
}

static void cuts_stay_inside(void **state)
{
	(void)state;
	assert_slice(slice_from(SLICE("abc"), 1), "bc");
	assert_slice(slice_from(SLICE("abc"), 3), "");
	assert_slice(slice_from(SLICE("abc"), 9), "");
	assert_slice(slice_first(SLICE("abc"), 2), "ab");
	assert_slice(slice_first(SLICE("abc"), 9), "abc");
	assert_slice(slice_from(slice_of(NULL, 0), 0), "");
}

static void both_ends(void **state)
{
	(void)state;
	assert_true(slice_starts_with(SLICE("abc"), SLICE("ab")));
	assert_true(slice_starts_with(SLICE("abc"), SLICE("")));
	assert_false(slice_starts_with(SLICE("ab"), SLICE("abc")));
	assert_false(slice_starts_with(SLICE("abc"), SLICE("b")));
	assert_true(slice_ends_with(SLICE("abc"), SLICE("bc")));
	assert_true(slice_ends_with(SLICE("abc"), SLICE("abc")));
	assert_true(slice_ends_with(SLICE("abc"), SLICE("")));
	assert_false(slice_ends_with(SLICE("bc"), SLICE("abc")));
	assert_false(slice_ends_with(SLICE("abc"), SLICE("ab")));
}

static void index_of_a_byte(void **state)
{
	(void)state;
	assert_int_equal(slice_index(SLICE("a=b=c"), '='), 1);
	assert_int_equal(slice_index(SLICE("abc"), '='), 3);
	assert_int_equal(slice_index(slice_of(NULL, 0), '='), 0);
	assert_int_equal(slice_index(SLICE("ab\0"), '\0'), 2);
}

static void order_is_by_bytes_then_length(void **state)
{
	(void)state;
	assert_true(slice_cmp(SLICE("a"), SLICE("b")) < 0);
	assert_true(slice_cmp(SLICE("ab"), SLICE("a")) > 0);
	assert_true(slice_cmp(SLICE("a"), SLICE("ab")) < 0);
	assert_true(slice_cmp(SLICE("\xff"), SLICE("a")) > 0);
	assert_int_equal(slice_cmp(SLICE("ab"), SLICE("ab")), 0);
	assert_int_equal(slice_cmp(slice_of(NULL, 0), SLICE("")), 0);
}

static void trim_takes_spaces_and_tabs(void **state)
{
	(void)state;
	assert_slice(slice_trim(SLICE(" \t a b\t ")), "a b");
	assert_slice(slice_trim(SLICE("\n a\r")), "\n a\r");
	assert_slice(slice_trim(SLICE(" \t")), "");
	assert_slice(slice_trim(slice_of(NULL, 0)), "");
}

static void next_gives_every_part(void **state)
{
	static const struct {
		const char *says, *text, *joined;
		int parts;
	} rows[] = {
		{"three", "a,b,c", "a|b|c|", 3},
		{"an empty one", "a,,b", "a||b|", 3},
		{"at the end", "a,", "a||", 2},
		{"at the start", ",a", "|a|", 2},
		{"nothing is one empty part", "", "|", 1},
	};

	(void)state;
	EACH_ROW (at, rows) {
		struct slice rest = slice_from_cstr(at->text), part;
		char joined[32] = "";
		size_t used = 0;
		bool more = true;
		int parts = 0;
		for (; slice_next(&rest, &more, ',', &part); parts++)
			used += (size_t)snprintf(joined + used, sizeof(joined) - used, "%.*s|",
						 SLICE_ARG(part));
		ROW_CHECK(at, parts == at->parts);
		ROW_EQ(at, slice_from_cstr(joined), slice_from_cstr(at->joined));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(eq_wants_length_and_bytes),
		cmocka_unit_test(same_is_memcmp),
		cmocka_unit_test(icase_is_for_ascii_letters_only),
		cmocka_unit_test(icase_is_the_same_in_long_names),
		cmocka_unit_test(icase_looks_at_all_of_a_name_and_no_further),
		cmocka_unit_test(cuts_stay_inside),
		cmocka_unit_test(both_ends),
		cmocka_unit_test(index_of_a_byte),
		cmocka_unit_test(order_is_by_bytes_then_length),
		cmocka_unit_test(trim_takes_spaces_and_tabs),
		cmocka_unit_test(next_gives_every_part),
	};
	return cmocka_run_group_tests_name("base/slice", tests, NULL, NULL);
}
