/* SPDX-License-Identifier: Apache-2.0 */
#include "net/resolve.h"

#include <errno.h>

#include "unit.h"

static void literals_and_localhost(void **state)
{
	static const struct {
		const char *says, *name;
		int wanted;
		const char *first; /* NULL: whatever */
	} rows[] = {
		/* clang-format off */
		{"an address", "192.0.2.1", 0, "192.0.2.1:8080"},
		{"an IPv6 address", "2001:db8::1", 0, "[2001:db8::1]:8080"},
		{"localhost", "localhost", 0, NULL},
		{"nothing", "", -ENAMETOOLONG, NULL},
		/* RFC 6761 section 6.4: never exists; without a network it is "later". */
		{"a name that cannot be", "no-such-host.invalid", -ENOENT, NULL},
		/* clang-format on */
	};
	struct address found[4];
	char text[ADDRESS_TEXT_BYTES], longest[300];
	size_t count;

	(void)state;
	EACH_ROW (row, rows) {
		int r = resolve_now(slice_from_cstr(row->name), 8080, found, COUNT(found), &count);

		if (r == -EAGAIN && row->wanted == -ENOENT)
			continue;
		ROW_CHECK(row, r == row->wanted);
		ROW_CHECK(row, (count > 0) == (r == 0));
		if (row->first)
			ROW_EQ(row, address_format_with_port(&found[0], text),
			       slice_from_cstr(row->first));
		for (size_t i = 0; i < count; i++)
			ROW_CHECK(row, found[i].port == 8080);
		for (size_t i = 1; i < count; i++)
			ROW_CHECK(row, !address_eq(&found[0], &found[i]));
	}
	memset(longest, 'a', sizeof(longest));
	assert_int_equal(resolve_now(slice_of(longest, sizeof(longest)), 1, found, 4, &count),
			 -ENAMETOOLONG);
	assert_int_equal(resolve_now(slice_of("a\0b", 3), 1, found, 4, &count), -ENAMETOOLONG);
	assert_int_equal(resolve_now(SLICE("localhost"), 1, found, 1, &count), 0);
	assert_int_equal(count, 1);
	assert_true(address_is_loopback(&found[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(literals_and_localhost),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
