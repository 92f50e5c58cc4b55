/* SPDX-License-Identifier: Apache-2.0 */
#include "json/number.h"

#include <stdlib.h>

#include "unit.h"

#include "json/read.h"
#include "json/scan.h"

static struct arena arena;

/* The digits before an exponent. Valid until the next call. */
static const char *digits_of(const char *text)
{
	static char mantissa[4096];

	snprintf(mantissa, sizeof(mantissa), "%.*s", (int)strcspn(text, "eE"), text);
	return mantissa;
}

/* The number as the reader sees it; fails where strtod says otherwise. */
static void check(const char *text)
{
	const struct json_limits limits = JSON_LIMITS_DEFAULT;
	struct json_doc doc;
	double wanted = strtod(text, NULL);

	arena_reset(&arena);
	enum reason r = json_read(slice_from_cstr(text), &limits, &arena, &doc);
	bool lost = wanted == 0 && strpbrk(digits_of(text), "123456789");
	if (lost || wanted > 1.7976931348623157e308 || wanted < -1.7976931348623157e308) {
		if (r != REASON_JSON_NUMBER)
			fail_msg("%s is not refused", text);
		return;
	}
	if (r)
		fail_msg("%s is refused", text);
	double got = json_double(doc.root);
	if (memcmp(&got, &wanted, sizeof(got)) != 0)
		fail_msg("%s: got %.17g, wanted %.17g", text, got, wanted);
}

/* A fixed sequence: xorshift. */
static uint64_t next_random(void)
{
	static uint64_t x = 88172645463325252u;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

static const char *const hard[] = {
	/* clang-format off */
	"0.0", "-0.0", "1e0", "1.5", "-1.5", "0.1", "0.2", "0.3", "123.456",
	/* halfway between two doubles, a little below and above */
	"9007199254740993.0", "9007199254740992.999999999", "9007199254740993.00000000000000000000000001",
	"9007199254740995.0", "9007199254740994.999999999", "9007199254740995.0000000000000000000000001",
	"1.00000000000000011102230246251565404236316680908203125",
	"1.00000000000000011102230246251565404236316680908203124",
	"1.00000000000000011102230246251565404236316680908203126",
	"0.500000000000000166533453693773481063544750213623046875",
	/* ends of the fast ways */
	"9007199254740992e22", "9007199254740993e22", "9007199254740992e23", "1e22", "1e23", "1e-22", "1e-23",
	"9999999999999999999e27", "9999999999999999999e28", "9999999999999999999e-27", "9999999999999999999e-28",
	"18446744073709551615.0", "18446744073709551616.0", "1844674407370955161.5e1", "1.8446744073709551615e-8",
	"4503599627370496.5", "4503599627370497.5", "8.5e-27", "7205759403792793e-27", "1e27", "3e27",
	/* ends of the doubles */
	"1.7976931348623157e308", "1.7976931348623158e308", "1.7976931348623159e308", "17976931348623157e292",
	"2.2250738585072014e-308", "2.2250738585072011e-308", "2.225073858507201136057409796709131975934819546351645648023426109724822222021076945516529523908135087914149158913039621106870086438694594645527657207407820621743379988141063267329253552286881372149012981122451451889849057222307285255133155755015914397476397983411801999323962548289017107081850690630666655994938275772572015763062690663332647565300009245888316433037779791869612049497390377829704905051080609940730262937128958950003583799967207254304360284078895771796150945516748243471030702609144621572289880258182545180325707018860872113128079512233426288368622321503775666622503982534335974568884423900265498198385487948292206894721689831099698365846814022854243330660339850886445804001034933970427567186443383770486037861622771738545623065874679014086723327636718751e-308",
	"4.9406564584124654e-324", "2.4703282292062328e-324", "5e-324", "3e-324",
	/* many digits and zeros */
	"0.00000000000000000000000000000000000000000000000000000000000000000000000000000000000000001",
	"1000000000000000000000000000000000000000000000000000000000000000000000000.0",
	"0.000000000000000000000000000000000000000000000123456789012345678901234567890e45",
	"123456789012345678901234567890123456789012345678901234567890e-60",
	"1e400", "-1e309", "1e00000000000000000000000000000000308", "10000000000000000000000e-22",
	"0.1e1", "0e0", "0.0e10", &"00.5"[1], "12345678.12345678", "1234567.1234567", "123456789.123456789",
	/* clang-format on */
};

static void hard_numbers(void **state)
{
	(void)state;
	EACH_ROW (at, hard)
		check(*at);
}

static void random_numbers(void **state)
{
	char text[128];

	(void)state;
	for (int i = 0; i < 100000; i++) {
		uint64_t bits = next_random();
		double value;
		memcpy(&value, &bits, sizeof(value));
		if (value != value || value - value != 0)
			continue;
		snprintf(text, sizeof(text), "%.*e", (int)(next_random() % 20), value);
		check(text);
	}
	for (int i = 0; i < 100000; i++) {
		snprintf(text, sizeof(text), "%llu.%0*llue%d",
			 (unsigned long long)(next_random() >> (next_random() % 64)),
			 (int)(next_random() % 20), (unsigned long long)(next_random() % 100000),
			 (int)(next_random() % 64) - 32);
		check(text);
		snprintf(text, sizeof(text), "-%u.%u", (unsigned)(next_random() % 2000),
			 (unsigned)(next_random() % 1000));
		check(text);
	}
}

/* Every power of ten that there is a double for, and some beyond. */
static void every_power_of_ten(void **state)
{
	static const char *const mantissas[] = {
		"1", "3", "9", "9007199254740993", "1234567890123456789", "9999999999999999999",
		"18446744073709551615", "1.2345678901234567890123456789", "0.000999999999999999999999",
		"17976931348623158", "4940656458412465441", "2225073858507201136",
	};
	char text[128];

	(void)state;
	for (int power = -400; power < 320; power++) {
		EACH_ROW (at, mantissas) {
			snprintf(text, sizeof(text), "%se%d", *at, power);
			check(text);
		}
		/* So many, because of 2048 only one notices an error in the last 64 bits. */
		for (int i = 0; i < 500; i++) {
			snprintf(text, sizeof(text), "%llue%d", (unsigned long long)next_random(),
				 power);
			check(text);
		}
	}
}

/* Just between two neighbouring doubles, written out: must go to the even one; a digit
 * more or less decides. */
static void halfway_numbers(void **state)
{
	char text[1200];

	(void)state;
	for (int i = 0; i < 3000; i++) {
		uint64_t mantissa = (next_random() >> 11) | UINT64_C(1) << 52;
		int power = (int)(next_random() % 120) - 60;
		long double half = (long double)mantissa + 0.5L;
		for (; power > 0; power--)
			half *= 2;
		for (; power < 0; power++)
			half /= 2;
		int len = snprintf(text, sizeof(text), "%.160Lf", half);
		check(text);
		text[len - 1] = '1';
		check(text);
	}
}

/* More digits than any double has, with the last one deciding. */
static void a_thousand_digits(void **state)
{
	static char text[3000];

	(void)state;
	for (int digits = 700; digits < 1200; digits += 7) {
		int len = snprintf(text, sizeof(text), "9007199254740993.%0*d1", digits, 0);
		check(text);
		text[len - 1] = '0';
		check(text);
		snprintf(text, sizeof(text), "%d%0*de-%d", 1, digits, 0, digits);
		check(text);
	}
	/* 1e-1000 with a thousand zeros in front of the exponent's effect. */
	snprintf(text, sizeof(text), "0.%01000d1e1001", 0);
	check(text);
}

static void a_locale_with_commas_has_no_say(void **state)
{
	struct json_decimal d = {
		.text = {"12345678901234567890123.5", 25}, .digits = 24, .exponent = -1};
	double got;

	(void)state;
	assert_true(json_decimal_to_double(&d, &got));
	assert_true(got == 12345678901234567890123.5);
	/* What strtod is given has no dot. */
	d = (struct json_decimal){.text = {"0.00", 4}, .exponent = -2, .negative = true};
	assert_true(json_decimal_to_double(&d, &got));
	assert_true(got == 0 && 1 / got < 0);
}

/* Every byte at every place of eight digits. */
static void eight_digits_at_once(void **state)
{
	char text[8];

	(void)state;
	for (int place = 0; place < 8; place++) {
		for (int byte = 0; byte < 256; byte++) {
			memcpy(text, "90817263", 8);
			text[place] = (char)byte;
			bool digits = byte >= '0' && byte <= '9';
			uint64_t word = json_scan_load(text), value = 0;
			uint64_t end = json_digits_end(word);
			assert_int_equal(end == 0, digits);
			if (end)
				assert_int_equal(__builtin_ctzll(end) / 8, place);
			for (int i = 0; i < 8 && digits; i++)
				value = value * 10 + (uint64_t)(text[i] - '0');
			if (digits)
				assert_int_equal(json_digits_value(word), value);
		}
	}
}

/* Both ways of scanning, every length, every place, every byte. */
static void scanning_stops_at_the_first_byte(void **state)
{
	char text[48];

	(void)state;
	for (size_t len = 0; len <= sizeof(text); len++) {
		for (size_t place = 0; place < len; place++) {
			for (int byte = 0; byte < 256; byte++) {
				memset(text, 'a', sizeof(text));
				/* Something behind it that must not be found first. */
				if (place + 1 < sizeof(text))
					text[place + 1] = '"';
				text[place] = (char)byte;
				for (int wide = 0; wide < 2; wide++) {
					bool stop = byte < 0x20 || byte == '"' || byte == '\\' ||
						    (byte >= 0x80 && !wide);
					const char *wanted =
						text + (stop ? place
							: place + 1 < len ? place + 1 : len);
					size_t from = place < len / 2 ? place : len / 2;
					assert_ptr_equal(json_scan(text, text, text + len, wide),
							 wanted);
					assert_ptr_equal(json_scan(text, text + from, text + len,
								   wide),
							 wanted);
					assert_ptr_equal(
						json_scan_by_word(text, text + len, wide), wanted);
				}
			}
		}
	}
}

/* Every length and place that the long steps can have, with what makes them stop. */
static void long_scans_stop_at_the_first_byte(void **state)
{
	static const char stops[] = {'"',        '\\', 0x1f, 0,   (char)0x80,
				     (char)0xff, ' ',  '!',  '#', 'a'};
	char text[300];

	(void)state;
	memset(text, 'a', sizeof(text));
	for (size_t len = 16; len <= sizeof(text); len++) {
		for (size_t place = 16; place < len; place++) {
			for (size_t i = 0; i < sizeof(stops); i++) {
				text[place] = stops[i];
				for (int wide = 0; wide < 2; wide++) {
					const char *wanted =
						json_scan_by_word(text + 16, text + len, wide);
					assert_ptr_equal(
						json_scan_long(text + 16, text + len, wide),
						wanted);
					assert_ptr_equal(
						json_scan_in_16(text + 16, text + len, wide),
						wanted);
				}
			}
			text[place] = 'a';
		}
	}
}

static int make_arena(void **state)
{
	(void)state;
	arena_init(&arena, 65536, 1 << 20);
	return 0;
}

static int free_arena(void **state)
{
	(void)state;
	arena_deinit(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hard_numbers),
		cmocka_unit_test(random_numbers),
		cmocka_unit_test(every_power_of_ten),
		cmocka_unit_test(halfway_numbers),
		cmocka_unit_test(a_thousand_digits),
		cmocka_unit_test(a_locale_with_commas_has_no_say),
		cmocka_unit_test(eight_digits_at_once),
		cmocka_unit_test(scanning_stops_at_the_first_byte),
		cmocka_unit_test(long_scans_stop_at_the_first_byte),
	};
	return cmocka_run_group_tests_name("json/number", tests, make_arena, free_arena);
}
