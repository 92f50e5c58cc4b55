/* SPDX-License-Identifier: Apache-2.0 */
/* What OpenSSL takes for every record is taken from malloc only once. */
#include "tls/memory.h"

#include <string.h>

#include <openssl/crypto.h>

#include "unit.h"

enum { RECORD = 16712, OTHER_RECORD = 16584, NOTE = 40, MANY = 100 };

static bool kept;

/* Two of the same size, one after the other. */
static bool comes_again(size_t first, size_t second)
{
	void *one = OPENSSL_malloc(first);
	assert_non_null(one);
	memset(one, 1, first);
	OPENSSL_free(one);
	void *two = OPENSSL_malloc(second);
	assert_non_null(two);
	memset(two, 2, second);
	bool same = one == two;
	OPENSSL_free(two);
	return same;
}

static void the_last_one_given_back_comes_first(void **state)
{
	(void)state;
	if (!kept)
		skip();
	assert_true(comes_again(RECORD, OTHER_RECORD));
	assert_true(comes_again(OTHER_RECORD, RECORD));
	assert_true(comes_again(NOTE, NOTE));
	assert_null(OPENSSL_malloc(0));
	OPENSSL_free(NULL);
}

/* More than are kept, of these sizes and of those beside them: all go somewhere. */
static void any_number_of_any_size(void **state)
{
	static const size_t sizes[] = {1,         24,     25,    NOTE,  56,     57,
				       16 * 1024, RECORD, 17408, 17409, 100000, 16 * 1024 - 1};
	void *pieces[MANY];

	(void)state;
	for (size_t s = 0; s < COUNT(sizes); s++) {
		for (size_t i = 0; i < MANY; i++) {
			pieces[i] = OPENSSL_zalloc(sizes[s]);
			assert_non_null(pieces[i]);
			memset(pieces[i], 0xee, sizes[s]);
		}
		for (size_t i = 0; i < MANY; i++) {
			char *more = OPENSSL_realloc(pieces[i], sizes[s] + 1);
			assert_non_null(more);
			assert_int_equal((unsigned char)more[sizes[s] - 1], 0xee);
			OPENSSL_free(more);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_one_given_back_comes_first),
		cmocka_unit_test(any_number_of_any_size),
	};

	kept = tls_memory_keep();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
