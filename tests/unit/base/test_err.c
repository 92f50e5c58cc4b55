/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include "unit.h"

static void raising_remembers_and_returns_minus_errno(void **state)
{
	(void)state;
	assert_non_null(err_text());
	assert_int_equal(err_raise(ENOENT, "cannot read %s", "x.yaml"), -ENOENT);
	assert_string_equal(err_sentence(), "cannot read x.yaml: No such file or directory");
	assert_non_null(strstr(err_text(), "cannot read x.yaml: No such file or directory ("));
	assert_non_null(strstr(err_text(), "test_err.c:"));
	assert_int_equal(err_raise(-EINVAL, "again"), -EINVAL);
	assert_string_equal(err_sentence(), "again: Invalid argument");
}

static void a_long_sentence_is_cut(void **state)
{
	char long_text[2000];

	(void)state;
	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	assert_int_equal(err_raise(ENOMEM, "%s", long_text), -ENOMEM);
	assert_true(strlen(err_sentence()) < 600);
	assert_true(strlen(err_text()) < 700);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(raising_remembers_and_returns_minus_errno),
		cmocka_unit_test(a_long_sentence_is_cut),
	};
	return cmocka_run_group_tests_name("base/err", tests, NULL, NULL);
}
