/* SPDX-License-Identifier: Apache-2.0 */
#include "base/num.h"

#include "unit.h"

enum { NOT = 1 }; /* a row's `no`: the text is refused */

static void plain_numbers(void **state)
{
	static const struct {
		const char *says, *text;
		uint64_t max;
		bool ok, with_zeros_ok;
		uint64_t wanted;
	} rows[] = {
		/* clang-format off */
		{"zero", "0", 10, true, true, 0},
		{"one digit", "7", 10, true, true, 7},
		{"the maximum", "10", 10, true, true, 10},
		{"above the maximum", "11", 10, false, false, 0},
		{"the largest", "18446744073709551615", UINT64_MAX, true, true, UINT64_MAX},
		{"one more", "18446744073709551616", UINT64_MAX, false, false, 0},
		{"ten times", "184467440737095516150", UINT64_MAX, false, false, 0},
		{"would wrap to a small one", "36893488147419103233", 10, false, false, 0},
		{"leading zero", "07", 10, false, true, 7},
		{"zeros only", "00", 10, false, true, 0},
		{"many zeros", "000000000000000000000000000000007", 10, false, true, 7},
		{"nothing", "", 10, false, false, 0},
		{"plus", "+7", 10, false, false, 0},
		{"minus", "-7", 10, false, false, 0},
		{"space in front", " 7", 10, false, false, 0},
		{"space behind", "7 ", 10, false, false, 0},
		{"hexadecimal", "0x7", 10, false, false, 0},
		{"fraction", "7.0", 10, false, false, 0},
		{"below 0", "/", 10, false, false, 0},
		{"above 9", ":", 10, false, false, 0},
		{"other digits", "\xd9\xa7", 10, false, false, 0},
		/* clang-format on */
	};

	(void)state;
	EACH_ROW (at, rows) {
		uint64_t n = 99;
		ROW_CHECK(at, num_parse_u64(slice_from_cstr(at->text), at->max, &n) == at->ok);
		ROW_CHECK(at, n == (at->ok ? at->wanted : 99));
		n = 99;
		ROW_CHECK(at, num_parse_u64_zeros(slice_from_cstr(at->text), at->max, &n) ==
				      at->with_zeros_ok);
		ROW_CHECK(at, n == (at->with_zeros_ok ? at->wanted : 99));
	}
}

static void numbers_are_written(void **state)
{
	char text[NUM_TEXT_BYTES];

	(void)state;
	assert_slice(num_format_u64(0, text), "0");
	assert_slice(num_format_u64(7, text), "7");
	assert_slice(num_format_u64(1024, text), "1024");
	assert_slice(num_format_u64(UINT64_MAX, text), "18446744073709551615");
}

static void hexadecimal(void **state)
{
	static const struct {
		const char *says, *text;
		bool ok;
		uint64_t wanted;
	} rows[] = {
		{"both cases", "aF09", true, 0xaf09},
		{"leading zeros", "000f", true, 15},
		{"the largest", "ffffffffffffffff", true, UINT64_MAX},
		{"17 digits", "00000000000000000", false, 0},
		{"nothing", "", false, 0},
		{"with 0x", "0xf", false, 0},
		{"g", "fg", false, 0},
		{"below a", "`", false, 0},
		{"below A", "@", false, 0},
	};
	uint64_t n;

	(void)state;
	EACH_ROW (at, rows) {
		n = 99;
		ROW_CHECK(at, num_parse_hex(slice_from_cstr(at->text), UINT64_MAX, &n) == at->ok);
		ROW_CHECK(at, n == (at->ok ? at->wanted : 99));
	}
	assert_false(num_parse_hex(SLICE("100"), 0xff, &n));
	assert_true(num_parse_hex(SLICE("ff"), 0xff, &n));
	for (int c = 0; c < 256; c++) {
		const char *at = c ? strchr("0123456789abcdef", c | 0x20) : NULL;
		bool digit =
			(c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
		assert_int_equal(num_hex_digit((char)c),
				 digit ? (c <= '9' ? c - '0' : at - "0123456789abcdef") : -1);
	}
}

static void durations(void **state)
{
	/* written: how it is written back; NULL = as it came. */
	static const struct {
		const char *says, *text;
		int no;
		uint64_t ms;
		const char *written;
	} rows[] = {
		/* clang-format off */
		{"milliseconds", "500ms", 0, 500, NULL},
		{"seconds", "30s", 0, 30000, NULL},
		{"minutes", "5m", 0, 300000, NULL},
		{"hours", "12h", 0, 43200000, NULL},
		{"days", "7d", 0, 604800000, NULL},
		{"zero", "0s", 0, 0, NULL},
		{"better in seconds", "90000ms", 0, 90000, "90s"},
		{"better in hours", "3600s", 0, 3600000, "1h"},
		{"no unit", "30", NOT, 0, NULL},
		{"no number", "s", NOT, 0, NULL},
		{"nothing", "", NOT, 0, NULL},
		{"space between", "30 s", NOT, 0, NULL},
		{"upper case", "30S", NOT, 0, NULL},
		{"unknown unit", "30w", NOT, 0, NULL},
		{"microseconds", "30us", NOT, 0, NULL},
		{"more behind", "30sx", NOT, 0, NULL},
		{"two of them", "1h30m", NOT, 0, NULL},
		{"fraction", "1.5s", NOT, 0, NULL},
		{"negative", "-1s", NOT, 0, NULL},
		{"leading zero", "030s", NOT, 0, NULL},
		{"the largest", "18446744073709551615ms", 0, UINT64_MAX, NULL},
		{"overflow in the number", "18446744073709551616ms", NOT, 0, NULL},
		{"overflow by the unit", "18446744073709552s", NOT, 0, NULL},
		/* clang-format on */
	};

	(void)state;
	EACH_ROW (at, rows) {
		char text[NUM_TEXT_BYTES];
		uint64_t ms = 99;
		bool ok = num_parse_duration_ms(slice_from_cstr(at->text), &ms);
		ROW_CHECK(at, ok == !at->no);
		ROW_CHECK(at, ms == (ok ? at->ms : 99));
		if (ok)
			ROW_EQ(at, num_format_duration_ms(ms, text),
			       slice_from_cstr(at->written ? at->written : at->text));
	}
}

static void sizes(void **state)
{
	static const struct {
		const char *says, *text;
		int no;
		uint64_t bytes;
		const char *written;
	} rows[] = {
		/* clang-format off */
		{"bytes", "512B", 0, 512, NULL},
		{"kibibytes", "64KiB", 0, 65536, NULL},
		{"mebibytes", "1MiB", 0, 1048576, NULL},
		{"gibibytes", "1GiB", 0, 1073741824, NULL},
		{"zero", "0B", 0, 0, NULL},
		{"better in KiB", "2048B", 0, 2048, "2KiB"},
		{"odd", "1025B", 0, 1025, NULL},
		{"no unit", "512", NOT, 0, NULL},
		{"decimal unit", "64KB", NOT, 0, NULL},
		{"short unit", "64K", NOT, 0, NULL},
		{"lower case", "64kib", NOT, 0, NULL},
		{"space between", "64 KiB", NOT, 0, NULL},
		{"fraction", "1.5MiB", NOT, 0, NULL},
		{"the largest", "17179869183GiB", 0, UINT64_C(17179869183) << 30, NULL},
		{"overflow", "17179869184GiB", NOT, 0, NULL},
		/* clang-format on */
	};

	(void)state;
	EACH_ROW (at, rows) {
		char text[NUM_TEXT_BYTES];
		uint64_t bytes = 99;
		bool ok = num_parse_size(slice_from_cstr(at->text), &bytes);
		ROW_CHECK(at, ok == !at->no);
		ROW_CHECK(at, bytes == (ok ? at->bytes : 99));
		if (ok)
			ROW_EQ(at, num_format_size(bytes, text),
			       slice_from_cstr(at->written ? at->written : at->text));
	}
}

static void rates(void **state)
{
	static const struct {
		const char *says, *text;
		int no;
		struct rate wanted;
		const char *written;
	} rows[] = {
		/* clang-format off */
		{"per second", "5/s", 0, {5, 1000, 5, false}, NULL},
		{"per minute", "100/m", 0, {100, 60000, 100, false}, NULL},
		{"per hour", "20/h", 0, {20, 3600000, 20, false}, NULL},
		{"burst", "5/s burst 10", 0, {5, 1000, 10, false}, NULL},
		{"burst below count", "50/s burst 1", 0, {50, 1000, 1, false}, NULL},
		{"burst said twice", "5/s burst 5", 0, {5, 1000, 5, false}, "5/s"},
		{"unlimited", "unlimited", 0, {0, 0, 0, true}, NULL},
		{"the largest", "4294967295/s", 0, {UINT32_MAX, 1000, UINT32_MAX, false}, NULL},
		{"too large", "4294967296/s", NOT, {0}, NULL},
		{"burst too large", "1/s burst 4294967296", NOT, {0}, NULL},
		{"zero", "0/s", NOT, {0}, NULL},
		{"burst of zero", "5/s burst 0", NOT, {0}, NULL},
		{"no period", "5", NOT, {0}, NULL},
		{"empty period", "5/", NOT, {0}, NULL},
		{"unknown period", "5/d", NOT, {0}, NULL},
		{"period in full", "5/sec", NOT, {0}, NULL},
		{"no count", "/s", NOT, {0}, NULL},
		{"nothing", "", NOT, {0}, NULL},
		{"two spaces", "5/s  burst 10", NOT, {0}, NULL},
		{"two more spaces", "5/s burst  10", NOT, {0}, NULL},
		{"burst without number", "5/s burst ", NOT, {0}, NULL},
		{"burst without space", "5/s burst10", NOT, {0}, NULL},
		{"burst alone", "5/s burst", NOT, {0}, NULL},
		{"space behind", "5/s ", NOT, {0}, NULL},
		{"more behind", "5/s burst 10 x", NOT, {0}, NULL},
		{"burst of unlimited", "unlimited burst 5", NOT, {0}, NULL},
		{"in capitals", "Unlimited", NOT, {0}, NULL},
		{"bytes", "256KiB/s", NOT, {0}, NULL},
		{"negative", "-5/s", NOT, {0}, NULL},
		/* clang-format on */
	};

	(void)state;
	EACH_ROW (at, rows) {
		char text[NUM_TEXT_BYTES];
		struct rate r = {.count = 99};
		bool ok = num_parse_rate(slice_from_cstr(at->text), &r);
		ROW_CHECK(at, ok == !at->no);
		if (!ok) {
			ROW_CHECK(at, r.count == 99);
			continue;
		}
		ROW_CHECK(at, r.count == at->wanted.count && r.per_ms == at->wanted.per_ms);
		ROW_CHECK(at, r.burst == at->wanted.burst && r.unlimited == at->wanted.unlimited);
		ROW_EQ(at, num_format_rate(&r, text),
		       slice_from_cstr(at->written ? at->written : at->text));
	}
}

static void byte_rates(void **state)
{
	static const struct {
		const char *says, *text;
		int no;
		struct rate wanted;
	} rows[] = {
		/* clang-format off */
		{"with burst", "256KiB/s burst 1MiB", 0, {262144, 1000, 1048576, false}},
		{"without", "1MiB/m", 0, {1048576, 60000, 1048576, false}},
		{"bytes", "512B/s", 0, {512, 1000, 512, false}},
		{"unlimited", "unlimited", 0, {0, 0, 0, true}},
		{"4GiB is one too many", "4GiB/s", NOT, {0}},
		{"no unit", "256/s", NOT, {0}},
		{"no unit in the burst", "256KiB/s burst 5", NOT, {0}},
		{"zero", "0B/s", NOT, {0}},
		/* clang-format on */
	};

	(void)state;
	EACH_ROW (at, rows) {
		char text[NUM_TEXT_BYTES];
		struct rate r = {.count = 99};
		bool ok = num_parse_byte_rate(slice_from_cstr(at->text), &r);
		ROW_CHECK(at, ok == !at->no);
		if (!ok)
			continue;
		ROW_CHECK(at, r.count == at->wanted.count && r.per_ms == at->wanted.per_ms);
		ROW_CHECK(at, r.burst == at->wanted.burst && r.unlimited == at->wanted.unlimited);
		ROW_EQ(at, num_format_byte_rate(&r, text), slice_from_cstr(at->text));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_numbers), cmocka_unit_test(numbers_are_written),
		cmocka_unit_test(hexadecimal),   cmocka_unit_test(durations),
		cmocka_unit_test(sizes),         cmocka_unit_test(rates),
		cmocka_unit_test(byte_rates),
	};
	return cmocka_run_group_tests_name("base/num", tests, NULL, NULL);
}
