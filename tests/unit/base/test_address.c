/* SPDX-License-Identifier: Apache-2.0 */
#include "base/address.h"

#include "unit.h"

static void literals(void **state)
{
	/* wanted: how it is written back; NULL = refused. */
	static const struct {
		const char *says, *text, *wanted;
	} rows[] = {
		/* clang-format off */
		{"v4", "192.0.2.1", "192.0.2.1"},
		{"v4 lowest", "0.0.0.0", "0.0.0.0"},
		{"v4 highest", "255.255.255.255", "255.255.255.255"},
		{"a part too big", "192.0.2.256", NULL},
		{"three parts", "192.0.2", NULL},
		{"five parts", "192.0.2.1.1", NULL},
		{"an empty part", "192..2.1", NULL},
		{"a dot at the end", "192.0.2.1.", NULL},
		{"octal", "192.0.2.01", NULL},
		{"hexadecimal", "0xc0.0.2.1", NULL},
		{"one number", "3221225985", NULL},
		{"space in front", " 192.0.2.1", NULL},
		{"space behind", "192.0.2.1 ", NULL},
		{"a sign", "+1.0.2.1", NULL},
		{"nothing", "", NULL},
		{"a name", "localhost", NULL},
		{"v4 with port", "192.0.2.1:80", NULL},
		{"v4 in brackets", "[192.0.2.1]", NULL},
		{"v6 in full", "2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"},
		{"v6 in short", "2001:DB8::1", "2001:db8::1"},
		{"v6 in brackets", "[2001:db8::1]", "2001:db8::1"},
		{"all zero", "::", "::"},
		{"loopback", "::1", "::1"},
		{"gap at the end", "2001:db8::", "2001:db8::"},
		{"gap for one group", "1:2:3:4::6:7:8", "1:2:3:4:0:6:7:8"},
		{"no gap", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"},
		{"the longest run is the gap", "2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
		{"the first of equal runs", "2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
		{"a single zero stays", "2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
		{"seven groups", "1:2:3:4:5:6:7", NULL},
		{"nine groups", "1:2:3:4:5:6:7:8:9", NULL},
		{"eight groups and a gap", "1:2:3:4::5:6:7:8", NULL},
		{"a gap of none at the end", "1:2:3:4:5:6:7:8::", NULL},
		{"two gaps", "1::2::3", NULL},
		{"three colons", ":::", NULL},
		{"one colon", ":", NULL},
		{"a colon in front", ":1:2:3:4:5:6:7", NULL},
		{"a colon behind", "1:2:3:4:5:6:7:", NULL},
		{"a group too long", "2001:00db8::1", NULL},
		{"not hexadecimal", "2001:dbg::1", NULL},
		{"a zone", "fe80::1%eth0", NULL},
		{"half a bracket", "[::1", NULL},
		{"the other half", "::1]", NULL},
		{"empty brackets", "[]", NULL},
		{"two brackets", "[[::1]]", NULL},
		{"mapped is v4", "::ffff:192.0.2.1", "192.0.2.1"},
		{"mapped in hexadecimal is v4", "::ffff:c000:201", "192.0.2.1"},
		{"mapped in full is v4", "0:0:0:0:0:ffff:192.0.2.1", "192.0.2.1"},
		{"dotted end that is not mapped", "64:ff9b::192.0.2.1", "64:ff9b::c000:201"},
		{"compatible is not mapped", "::192.0.2.1", "::c000:201"},
		{"dotted in the middle", "::192.0.2.1:1", NULL},
		{"dotted before the gap", "1.2.3.4::", NULL},
		{"dotted without room", "1:2:3:4:5:6:7:1.2.3.4", NULL},
		{"dotted behind eight groups", "1:2:3:4:5:6:7:8:1.2.3.4", NULL},
		/* clang-format on */
	};

	(void)state;
	EACH_ROW (at, rows) {
		struct address a = {.family = 99};
		char text[ADDRESS_TEXT_BYTES];
		bool ok = address_parse(slice_from_cstr(at->text), &a);
		ROW_CHECK(at, ok == (at->wanted != NULL));
		if (ok) {
			struct slice s = address_format(&a, text);
			ROW_EQ(at, s, slice_from_cstr(at->wanted));
			ROW_CHECK(at, text[s.len] == '\0');
			ROW_CHECK(at, a.port == 0);
		} else {
			ROW_CHECK(at, a.family == 99);
		}
	}
	/* A NUL inside is a byte like others. */
	struct address a;
	assert_false(address_parse(slice_of("1.2.3.4\0", 8), &a));
}

static void with_port(void **state)
{
	static const struct {
		const char *says, *text;
		bool ok;
	} rows[] = {
		{"v4", "192.0.2.1:443", true},
		{"v6", "[2001:db8::1]:443", true},
		{"highest port", "192.0.2.1:65535", true},
		{"port zero", "127.0.0.1:0", true},
		{"port too big", "192.0.2.1:65536", false},
		{"leading zero", "192.0.2.1:0443", false},
		{"no port", "192.0.2.1", false},
		{"empty port", "192.0.2.1:", false},
		{"v6 without brackets", "2001:db8::1:443", false},
		{"v6 without brackets but with port", "::1:443", false},
		{"brackets without port", "[::1]", false},
		{"something between", "[::1]x:443", false},
		{"only a port", ":443", false},
	};

	(void)state;
	EACH_ROW (at, rows) {
		struct address a;
		char text[ADDRESS_TEXT_BYTES];
		ROW_CHECK(at, address_parse_with_port(slice_from_cstr(at->text), &a) == at->ok);
		if (at->ok)
			ROW_EQ(at, address_format_with_port(&a, text), slice_from_cstr(at->text));
	}
}

static struct address address(const char *text)
{
	struct address a = {0};

	assert_true(address_parse(slice_from_cstr(text), &a));
	return a;
}

static void prefixes(void **state)
{
	static const struct {
		const char *says, *text, *wanted;
	} rows[] = {
		/* clang-format off */
		{"v4", "10.0.0.0/8", "10.0.0.0/8"},
		{"everybody", "0.0.0.0/0", "0.0.0.0/0"},
		{"one v4 host", "192.0.2.1", "192.0.2.1/32"},
		{"one v6 host", "::1", "::1/128"},
		{"v6", "2001:db8::/32", "2001:db8::/32"},
		{"not on a byte", "10.128.0.0/9", "10.128.0.0/9"},
		{"bits behind the prefix", "10.0.0.1/8", NULL},
		{"one bit behind the prefix", "10.128.0.0/8", NULL},
		{"v6 bits behind the prefix", "2001:db8::1/64", NULL},
		{"too long for v4", "10.0.0.0/33", NULL},
		{"too long for v6", "::/129", NULL},
		{"no length", "10.0.0.0/", NULL},
		{"two lengths", "10.0.0.0/8/8", NULL},
		{"leading zero", "10.0.0.0/08", NULL},
		{"mapped", "::ffff:10.0.0.0/104", "10.0.0.0/8"},
		{"everything mapped", "::ffff:0:0/96", "0.0.0.0/0"},
		{"more than mapped", "::/0", "::/0"},
		{"in brackets", "[::]/0", NULL},
		/* clang-format on */
	};

	(void)state;
	EACH_ROW (at, rows) {
		struct prefix p;
		char text[ADDRESS_TEXT_BYTES];
		bool ok = prefix_parse(slice_from_cstr(at->text), &p);
		ROW_CHECK(at, ok == (at->wanted != NULL));
		if (ok)
			ROW_EQ(at, prefix_format(&p, text), slice_from_cstr(at->wanted));
	}
}

static void who_is_inside(void **state)
{
	static const struct {
		const char *says, *prefix, *address;
		bool inside;
	} rows[] = {
		{"inside", "10.0.0.0/8", "10.255.0.1", true},
		{"the first", "10.0.0.0/8", "10.0.0.0", true},
		{"just outside", "10.0.0.0/8", "11.0.0.0", false},
		{"odd bits inside", "192.168.64.0/18", "192.168.127.255", true},
		{"odd bits outside", "192.168.64.0/18", "192.168.128.0", false},
		{"one host", "192.0.2.1", "192.0.2.1", true},
		{"its neighbour", "192.0.2.1", "192.0.2.0", false},
		{"everybody", "0.0.0.0/0", "203.0.113.9", true},
		{"everybody is one family", "0.0.0.0/0", "2001:db8::1", false},
		{"v6 everybody is one family", "::/0", "203.0.113.9", false},
		{"v6 inside", "2001:db8::/32", "2001:db8:ffff::1", true},
		{"v6 outside", "2001:db8::/32", "2001:db9::", false},
		{"mapped counts as v4", "10.0.0.0/8", "::ffff:10.1.2.3", true},
	};
	struct prefix nobody = {0};
	struct address a = address("10.0.0.1"), none = {0};

	(void)state;
	EACH_ROW (at, rows) {
		struct prefix p;
		ROW_CHECK(at, prefix_parse(slice_from_cstr(at->prefix), &p));
		a = address(at->address);
		ROW_CHECK(at, prefix_contains(&p, &a) == at->inside);
	}
	assert_false(prefix_contains(&nobody, &a));
	assert_false(prefix_contains(&nobody, &none));
}

static void equality(void **state)
{
	struct address a, b, none = {0};

	(void)state;
	assert_true(address_parse_with_port(SLICE("192.0.2.1:1"), &a));
	assert_true(address_parse_with_port(SLICE("[::ffff:192.0.2.1]:2"), &b));
	assert_true(address_eq(&a, &b));
	assert_false(address_eq_with_port(&a, &b));
	b.port = 1;
	assert_true(address_eq_with_port(&a, &b));
	assert_false(address_eq(&none, &none));
	b = address("192.0.2.2");
	assert_false(address_eq(&a, &b));
	b = address("c000:201::");
	assert_false(address_eq(&a, &b));
}

static void networks(void **state)
{
	static const struct {
		const char *says, *address;
		unsigned bits;
		const char *network;
	} rows[] = {
		{"v4 /24", "192.0.2.77", 24, "192.0.2.0"},
		{"v4 /32", "192.0.2.77", 32, "192.0.2.77"},
		{"v4 /0", "192.0.2.77", 0, "0.0.0.0"},
		{"v4 /25", "192.0.2.200", 25, "192.0.2.128"},
		{"v4 more than it has", "192.0.2.77", 64, "192.0.2.77"},
		{"v6 /64", "2001:db8:1:2:3:4:5:6", 64, "2001:db8:1:2::"},
		{"v6 /48", "2001:db8:1:2:3:4:5:6", 48, "2001:db8:1::"},
		{"v6 /128", "2001:db8::1", 128, "2001:db8::1"},
		{"v6 much more than it has", "2001:db8::1", 4000000000, "2001:db8::1"},
	};

	(void)state;
	EACH_ROW (at, rows) {
		char text[ADDRESS_TEXT_BYTES];
		struct address a = address(at->address);
		a.port = 7;
		a = address_network(&a, at->bits);
		ROW_CHECK(at, a.port == 0);
		ROW_EQ(at, address_format(&a, text), slice_from_cstr(at->network));
	}
}

static void special_addresses(void **state)
{
	struct address a, none = {0};
	char text[ADDRESS_TEXT_BYTES];

	(void)state;
	a = address("127.0.0.1");
	assert_true(address_is_loopback(&a));
	a = address("127.255.255.254");
	assert_true(address_is_loopback(&a));
	a = address("::1");
	assert_true(address_is_loopback(&a));
	a = address("::ffff:127.0.0.1");
	assert_true(address_is_loopback(&a));
	a = address("128.0.0.1");
	assert_false(address_is_loopback(&a));
	a = address("::2");
	assert_false(address_is_loopback(&a));
	a = address("0.0.0.0");
	assert_true(address_is_unspecified(&a));
	a = address("::");
	assert_true(address_is_unspecified(&a));
	a = address("0.0.0.1");
	assert_false(address_is_unspecified(&a));
	assert_false(address_is_loopback(&none));
	assert_false(address_is_unspecified(&none));
	assert_slice(address_format(&none, text), "none");
}

static void bytes_of_the_wire(void **state)
{
	static const uint8_t mapped[16] = {[10] = 0xff, 0xff, 192, 0, 2, 1};
	char text[ADDRESS_TEXT_BYTES];
	struct address a = address_from_bytes(6, mapped, 443);

	(void)state;
	assert_slice(address_format_with_port(&a, text), "192.0.2.1:443");
	a = address_from_bytes(4, mapped + 12, 80);
	assert_slice(address_format_with_port(&a, text), "192.0.2.1:80");
	a = address_from_bytes(10, mapped, 443);
	assert_int_equal(a.family, 0);
}

static void the_longest_text_fits(void **state)
{
	static const uint8_t bytes[16] = {255, 255, 255, 255, 255, 255, 255, 255,
					  255, 255, 255, 255, 255, 255, 255, 255};
	char text[ADDRESS_TEXT_BYTES];
	struct address a = address_from_bytes(6, bytes, 65535);

	(void)state;
	assert_slice(address_format_with_port(&a, text),
		     "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(literals),
		cmocka_unit_test(with_port),
		cmocka_unit_test(prefixes),
		cmocka_unit_test(who_is_inside),
		cmocka_unit_test(equality),
		cmocka_unit_test(networks),
		cmocka_unit_test(special_addresses),
		cmocka_unit_test(bytes_of_the_wire),
		cmocka_unit_test(the_longest_text_fits),
	};
	return cmocka_run_group_tests_name("base/address", tests, NULL, NULL);
}
