/* SPDX-License-Identifier: Apache-2.0 */
#include "base/jsonout.h"

#include <math.h>

#include "unit.h"

static void strings(void **state)
{
	static const struct {
		const char *says;
		struct slice text;
		const char *wanted;
	} rows[] = {
		/* clang-format off */
		{"plain", {"hello", 5}, "\"hello\""},
		{"empty", {"", 0}, "\"\""},
		{"quote and backslash", {"a\"b\\c", 5}, "\"a\\\"b\\\\c\""},
		{"line end, return, tab", {"\n\r\t", 3}, "\"\\n\\r\\t\""},
		{"NUL", {"a\0b", 3}, "\"a\\u0000b\""},
		{"escape", {"\x1b[31m", 5}, "\"\\u001b[31m\""},
		{"DEL", {"\x7f", 1}, "\"\\u007f\""},
		{"C1 control", {"\xc2\x9b", 2}, "\"\\u009b\""},
		{"the first behind C1", {"\xc2\xa0", 2}, "\"\xc2\xa0\""},
		{"script end", {"</script>", 9}, "\"\\u003c/script\\u003e\""},
		{"ampersand", {"&", 1}, "\"\\u0026\""},
		{"line separator", {"\xe2\x80\xa8", 3}, "\"\\u2028\""},
		{"paragraph separator", {"\xe2\x80\xa9", 3}, "\"\\u2029\""},
		{"their neighbour", {"\xe2\x80\xaa", 3}, "\"\xe2\x80\xaa\""},
		{"accents", {"\xc3\xa9", 2}, "\"\xc3\xa9\""},
		{"four bytes", {"\xf0\x9f\x98\x80", 4}, "\"\xf0\x9f\x98\x80\""},
		{"a lone continuation", {"a\x80z", 3}, "\"a\xef\xbf\xbdz\""},
		{"half a character", {"\xe2\x80", 2}, "\"\xef\xbf\xbd\xef\xbf\xbd\""},
		{"surrogate", {"\xed\xa0\x80", 3}, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
		{"overlong <", {"\xc0\xbc", 2}, "\"\xef\xbf\xbd\xef\xbf\xbd\""},
		/* clang-format on */
	};

	(void)state;
	EACH_ROW (at, rows) {
		struct jsonout j;
		struct buf b;
		buf_init(&b, 100);
		jsonout_init(&j, &b);
		jsonout_string(&j, at->text);
		ROW_CHECK(at, j.ok);
		ROW_EQ(at, buf_slice(&b), slice_from_cstr(at->wanted));
		buf_deinit(&b);
	}
}

static void commas_come_by_themselves(void **state)
{
	struct jsonout j;
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	jsonout_init(&j, &b);
	jsonout_object_open(&j);
	jsonout_member(&j, "s", SLICE("x"));
	jsonout_key(&j, "empty");
	jsonout_object_open(&j);
	jsonout_object_close(&j);
	jsonout_key(&j, "list");
	jsonout_array_open(&j);
	jsonout_array_open(&j);
	jsonout_array_close(&j);
	jsonout_u64(&j, UINT64_MAX);
	jsonout_i64(&j, INT64_MIN);
	jsonout_bool(&j, true);
	jsonout_null(&j);
	jsonout_object_open(&j);
	jsonout_member_u64(&j, "n", 0);
	jsonout_member_bool(&j, "b", false);
	jsonout_member_cstring(&j, "c", NULL);
	jsonout_object_close(&j);
	jsonout_array_close(&j);
	jsonout_key_slice(&j, SLICE("k\n"));
	jsonout_raw(&j, SLICE("[1]"));
	jsonout_object_close(&j);
	assert_true(j.ok);
	assert_slice(buf_slice(&b),
		     "{\"s\":\"x\",\"empty\":{},\"list\":[[],18446744073709551615,"
		     "-9223372036854775808,true,null,{\"n\":0,\"b\":false,\"c\":null}],"
		     "\"k\\n\":[1]}");
	buf_deinit(&b);
}

static void doubles_read_back(void **state)
{
	static const struct {
		const char *says;
		double n;
		const char *wanted;
	} rows[] = {
		{"whole", 3, "3"},
		{"tenth", 0.1, "0.1"},
		{"a sum of tenths", 0.1 + 0.2, "0.30000000000000004"},
		{"negative zero", -0.0, "-0"},
		{"large", 1e300, "1e+300"},
		{"the smallest", 5e-324, "4.94065645841247e-324"},
		{"infinite", INFINITY, "null"},
		{"not a number", NAN, "null"},
	};

	(void)state;
	EACH_ROW (at, rows) {
		struct jsonout j;
		struct buf b;
		buf_init(&b, 100);
		jsonout_init(&j, &b);
		jsonout_double(&j, at->n);
		ROW_EQ(at, buf_slice(&b), slice_from_cstr(at->wanted));
		buf_deinit(&b);
	}
}

static void what_does_not_fit_is_remembered(void **state)
{
	static const char whole[] = "[\"abc\\u003c\",123,true]";
	struct jsonout j;
	struct buf b;

	(void)state;
	for (size_t max = 0; max < 24; max++) {
		buf_init(&b, max);
		jsonout_init(&j, &b);
		jsonout_array_open(&j);
		jsonout_string(&j, SLICE("abc<"));
		jsonout_u64(&j, 123);
		jsonout_bool(&j, true);
		jsonout_array_close(&j);
		assert_int_equal(j.ok, max >= sizeof(whole) - 1);
		/* Nothing is written behind what did not fit. */
		assert_true(slice_starts_with(slice_from_cstr(whole), buf_slice(&b)));
		buf_deinit(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strings),
		cmocka_unit_test(commas_come_by_themselves),
		cmocka_unit_test(doubles_read_back),
		cmocka_unit_test(what_does_not_fit_is_remembered),
	};
	return cmocka_run_group_tests_name("base/jsonout", tests, NULL, NULL);
}
