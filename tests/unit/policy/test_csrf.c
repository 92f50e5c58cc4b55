/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/csrf.h"

#include "policy_unit.h"

static void a_token_belongs_to_one_cookie(void **state)
{
	static const struct {
		const char *says;
		const char *cookie;
		enum reason wanted;
	} rows[] = {
		{"the same", "good", REASON_NONE},
		{"another session", "evil", REASON_CSRF_INVALID},
		{"a longer one", "good2", REASON_CSRF_INVALID},
		{"a shorter one", "goo", REASON_CSRF_INVALID},
		{"none", "", REASON_CSRF_INVALID},
		{"another case", "Good", REASON_CSRF_INVALID},
	};
	(void)state;
	EACH_ROW (at, rows) {
		enum reason r = csrf_check(unit_keys(), slice_from_cstr(at->cookie), unit_csrf("good"));
		ROW_CHECK(at, r == at->wanted);
	}
}

static void no_other_text_is_genuine(void **state)
{
	char text[CSRF_CHARS];
	struct slice t = slice_of(text, sizeof(text));
	(void)state;
	memcpy(text, unit_csrf("good").data, sizeof(text));
	for (size_t i = 0; i < sizeof(text); i++) {
		char was = text[i];
		text[i] = was == 'A' ? 'B' : 'A';
		assert_int_equal(csrf_check(unit_keys(), SLICE("good"), t), REASON_CSRF_INVALID);
		text[i] = was;
		assert_int_equal(csrf_check(unit_keys(), SLICE("good"), slice_first(t, i)),
				 REASON_CSRF_INVALID);
	}
	assert_int_equal(csrf_check(unit_keys(), SLICE("good"), t), REASON_NONE);
	assert_int_equal(csrf_check(NULL, SLICE("good"), t), REASON_CSRF_INVALID);
	assert_int_equal(csrf_check(&(struct keyset){0}, SLICE("good"), t), REASON_CSRF_INVALID);
}

static void the_old_key_still_checks(void **state)
{
	static const uint8_t random[CSRF_RANDOM_BYTES] = {1};
	struct keyset old = {0}, other = {0};
	char token[CSRF_CHARS];
	struct slice t = slice_of(token, sizeof(token));
	(void)state;
	assert_int_equal(keyset_add(&old, SLICE(KEY_A)), 0);
	assert_int_equal(keyset_add(&other, SLICE(KEY_B)), 0);
	assert_int_equal(csrf_make(&old, SLICE("good"), random, token), 0);
	assert_int_equal(csrf_check(unit_keys(), SLICE("good"), t), REASON_NONE);
	assert_int_equal(csrf_check(&other, SLICE("good"), t), REASON_CSRF_INVALID);
	assert_true(csrf_make(&(struct keyset){0}, SLICE("good"), random, token) < 0);

	/* the newest makes, with the key for this purpose and no other */
	struct keyset both = *unit_keys();
	assert_int_equal(csrf_make(&both, SLICE("good"), random, token), 0);
	assert_int_equal(csrf_check(&other, SLICE("good"), t), REASON_NONE);
	assert_int_equal(csrf_check(&old, SLICE("good"), t), REASON_CSRF_INVALID);
	memset(both.keys[1].derived[KEY_TICKET], 0, KEYS_DERIVED_BYTES);
	assert_int_equal(csrf_check(&both, SLICE("good"), t), REASON_NONE);
	both.keys[1].derived[KEY_CSRF][0] ^= 1;
	assert_int_equal(csrf_check(&both, SLICE("good"), t), REASON_CSRF_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_token_belongs_to_one_cookie),
		cmocka_unit_test(no_other_text_is_genuine),
		cmocka_unit_test(the_old_key_still_checks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
