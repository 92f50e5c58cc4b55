/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ct.h"

#include "unit.h"

static void every_bit_counts(void **state)
{
	unsigned char a[40], b[40];

	(void)state;
	for (size_t i = 0; i < sizeof(a); i++)
		a[i] = b[i] = (unsigned char)(i * 7);
	assert_true(ct_eq(a, b, sizeof(a)));
	for (size_t bit = 0; bit < sizeof(a) * 8; bit++) {
		b[bit / 8] ^= (unsigned char)(1u << bit % 8);
		assert_false(ct_eq(a, b, sizeof(a)));
		b[bit / 8] ^= (unsigned char)(1u << bit % 8);
	}
	/* Two differences that would cancel out in a sum. */
	b[0] ^= 1;
	b[1] ^= 1;
	assert_false(ct_eq(a, b, sizeof(a)));
	assert_true(ct_eq(NULL, NULL, 0));
}

static void slices(void **state)
{
	(void)state;
	assert_true(ct_slice_eq(SLICE("secret"), SLICE("secret")));
	assert_false(ct_slice_eq(SLICE("secret"), SLICE("secreT")));
	assert_false(ct_slice_eq(SLICE("secret"), SLICE("secre")));
	assert_false(ct_slice_eq(slice_of("secret", 5), slice_of("secret", 6)));
	assert_false(ct_slice_eq(slice_of("secret", 6), slice_of("secret", 5)));
	assert_true(ct_slice_eq(slice_of(NULL, 0), SLICE("")));
}

static void wiping(void **state)
{
	char secret[] = "0123456789";

	(void)state;
	ct_wipe(secret, 5);
	assert_memory_equal(secret, "\0\0\0\0\0"
				    "56789",
			    11);
	ct_wipe(NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_bit_counts),
		cmocka_unit_test(slices),
		cmocka_unit_test(wiping),
	};
	return cmocka_run_group_tests_name("base/ct", tests, NULL, NULL);
}
