/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/keys.h"

#include "unit.h"

#define GOOD "0123456789abcdef0123456789abcdef"

static void files_that_are_no_keys_are_refused(void **state)
{
	static char zeros[64], longest[KEYS_FILE_MAX + 1];
	for (size_t i = 0; i < sizeof(longest); i++)
		longest[i] = (char)i;
	const struct {
		const char *says;
		struct slice contents;
		int wanted;
	} rows[] = {
		{"an empty file", {NULL, 0}, KEYS_SHORT},
		{"31 bytes", {GOOD, 31}, KEYS_SHORT},
		{"32 bytes", {GOOD, 32}, 0},
		{"a line", {GOOD "\n", 33}, 0},
		{"zeros", {zeros, 64}, KEYS_WEAK},
		{"seven different bytes", {"abcdefgabcdefgabcdefgabcdefgabcdefg", 35}, KEYS_WEAK},
		{"eight different bytes", {"abcdefghabcdefghabcdefghabcdefgh", 32}, 0},
		{"4096 bytes", {longest, KEYS_FILE_MAX}, 0},
		{"4097 bytes", {longest, KEYS_FILE_MAX + 1}, KEYS_LONG},
	};
	(void)state;
	EACH_ROW (at, rows) {
		struct keyset k = {0};
		ROW_CHECK(at, keyset_add(&k, at->contents) == at->wanted);
		ROW_CHECK(at, k.count == (at->wanted ? 0 : 1));
		ROW_CHECK(at, strlen(keyset_complaint(at->wanted)) > 10);
		keyset_deinit(&k);
		ROW_CHECK(at, k.count == 0);
	}
}

static void the_folder_has_an_end_and_no_doubles(void **state)
{
	struct keyset k = {0};
	char contents[] = GOOD;
	(void)state;
	for (int i = 0; i < KEYS_MAX; i++) {
		contents[0] = (char)('A' + i);
		assert_int_equal(keyset_add(&k, SLICE(contents)), 0);
	}
	contents[0] = 'z';
	assert_int_equal(keyset_add(&k, SLICE(contents)), KEYS_FULL);
	k.count = 3;
	contents[0] = 'B';
	assert_int_equal(keyset_add(&k, SLICE(contents)), KEYS_TWICE);
	assert_int_equal(k.count, 3);
}

static void purposes_and_files_have_keys_of_their_own(void **state)
{
	struct keyset k = {0};
	(void)state;
	assert_int_equal(keyset_add(&k, SLICE(GOOD)), 0);
	assert_int_equal(keyset_add(&k, SLICE(GOOD "\n")), 0);
	assert_memory_not_equal(k.keys[0].derived[KEY_TICKET], k.keys[0].derived[KEY_CSRF],
				KEYS_DERIVED_BYTES);
	assert_memory_not_equal(k.keys[0].derived[KEY_TICKET], k.keys[1].derived[KEY_TICKET],
				KEYS_DERIVED_BYTES);
	assert_memory_not_equal(k.keys[0].id, k.keys[0].derived[KEY_TICKET], KEYS_ID_BYTES);
	assert_memory_not_equal(k.keys[0].id, k.keys[1].id, KEYS_ID_BYTES);
}

/* RFC 4231 section 4.3 (test case 2). */
static void the_hash_is_hmac_sha_256(void **state)
{
	static const uint8_t wanted[KEYS_DERIVED_BYTES] = {
		0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e, 0x6a, 0x04, 0x24,
		0x26, 0x08, 0x95, 0x75, 0xc7, 0x5a, 0x00, 0x3f, 0x08, 0x9d, 0x27,
		0x39, 0x83, 0x9d, 0xec, 0x58, 0xb9, 0x64, 0xec, 0x38, 0x43};
	const struct slice parts[] = {SLICE("what do ya "), {NULL, 0}, SLICE("want for nothing?")};
	uint8_t tag[KEYS_DERIVED_BYTES];
	(void)state;
	assert_int_equal(keys_hmac(SLICE("Jefe"), parts, 3, tag), 0);
	assert_memory_equal(tag, wanted, sizeof(tag));
}

/* RFC 4231 sections 4.3 and 4.7 (a key longer than a block) in turn: nothing of one is left for
 * the other. */
static void every_key_starts_anew(void **state)
{
	static const uint8_t long_wanted[KEYS_DERIVED_BYTES] = {
		0x60, 0xe4, 0x31, 0x59, 0x1e, 0xe0, 0xb6, 0x7f, 0x0d, 0x8a, 0x26,
		0xaa, 0xcb, 0xf5, 0xb7, 0x7f, 0x8e, 0x0b, 0xc6, 0x21, 0x37, 0x28,
		0xc5, 0x14, 0x05, 0x46, 0x04, 0x0f, 0x0e, 0xe3, 0x7f, 0x54};
	const struct slice short_part = SLICE("what do ya want for nothing?");
	const struct slice long_part =
		SLICE("Test Using Larger Than Block-Size Key - Hash Key First");
	const uint8_t zeros[KEYS_DERIVED_BYTES] = {0};
	uint8_t first[KEYS_DERIVED_BYTES], tag[KEYS_DERIVED_BYTES];
	char key[131];
	(void)state;
	memset(key, 0xaa, sizeof(key));
	assert_int_equal(keys_hmac(SLICE("Jefe"), &short_part, 1, first), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(keys_hmac(SLICE(GOOD), &short_part, 1, tag), 0);
		assert_memory_not_equal(tag, first, sizeof(tag));
		assert_int_equal(keys_hmac(slice_of(key, sizeof(key)), &long_part, 1, tag), 0);
		assert_memory_equal(tag, long_wanted, sizeof(tag));
		assert_int_equal(keys_hmac(SLICE("Jefe"), &short_part, 1, tag), 0);
		assert_memory_equal(tag, first, sizeof(tag));
	}
	/* No key is an error, not the key before. */
	assert_true(keys_hmac(slice_of(NULL, 0), &short_part, 1, tag) < 0);
	assert_memory_equal(tag, zeros, sizeof(tag));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_that_are_no_keys_are_refused),
		cmocka_unit_test(the_folder_has_an_end_and_no_doubles),
		cmocka_unit_test(purposes_and_files_have_keys_of_their_own),
		cmocka_unit_test(the_hash_is_hmac_sha_256),
		cmocka_unit_test(every_key_starts_anew),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
