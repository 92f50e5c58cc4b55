/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of JSONTestSuite (Nicolas Seriot), read from the test data. y_ must be accepted
 * unless one of our own refusals applies, n_ must be refused, and what becomes of every i_
 * and of every transform is written down here.
 */
#include <dirent.h>
#include <stdio.h>

#include "unit.h"

#include "property.h"

static const struct json_limits ordinary = JSON_LIMITS_DEFAULT;

struct decision {
	const char *file;
	enum json_fault fault;
};

/* Well-formed, but refused all the same. */
static const struct decision ours[] = {
	{"y_object_duplicated_key.json", JSON_FAULT_DUPLICATE},
	{"y_object_duplicated_key_and_value.json", JSON_FAULT_DUPLICATE},
	{"y_object_escaped_null_in_key.json", JSON_FAULT_NUL},
	{"y_string_null_escape.json", JSON_FAULT_NUL},
};

/* Left to the implementation. */
static const struct decision decided[] = {
	{"i_number_double_huge_neg_exp.json", JSON_FAULT_NUMBER},
	{"i_number_huge_exp.json", JSON_FAULT_NUMBER},
	{"i_number_neg_int_huge_exp.json", JSON_FAULT_NUMBER},
	{"i_number_pos_double_huge_exp.json", JSON_FAULT_NUMBER},
	{"i_number_real_neg_overflow.json", JSON_FAULT_NUMBER},
	{"i_number_real_pos_overflow.json", JSON_FAULT_NUMBER},
	{"i_number_real_underflow.json", JSON_FAULT_NUMBER},
	{"i_number_too_big_neg_int.json", JSON_FAULT_NUMBER},
	{"i_number_too_big_pos_int.json", JSON_FAULT_NUMBER},
	{"i_number_very_big_negative_int.json", JSON_FAULT_NUMBER},
	{"i_object_key_lone_2nd_surrogate.json", JSON_FAULT_SURROGATE},
	{"i_string_1st_surrogate_but_2nd_missing.json", JSON_FAULT_SURROGATE},
	{"i_string_1st_valid_surrogate_2nd_invalid.json", JSON_FAULT_SURROGATE},
	{"i_string_UTF-16LE_with_BOM.json", JSON_FAULT_SYNTAX},
	{"i_string_UTF-8_invalid_sequence.json", JSON_FAULT_UTF8},
	{"i_string_incomplete_surrogate_pair.json", JSON_FAULT_SURROGATE},
	{"i_string_incomplete_surrogates_escape_valid.json", JSON_FAULT_SURROGATE},
	{"i_string_invalid_lonely_surrogate.json", JSON_FAULT_SURROGATE},
	{"i_string_invalid_surrogate.json", JSON_FAULT_SURROGATE},
	{"i_string_invalid_utf-8.json", JSON_FAULT_UTF8},
	{"i_string_inverted_surrogates_U+1D11E.json", JSON_FAULT_SURROGATE},
	{"i_string_iso_latin_1.json", JSON_FAULT_UTF8},
	{"i_string_lone_second_surrogate.json", JSON_FAULT_SURROGATE},
	{"i_string_lone_utf8_continuation_byte.json", JSON_FAULT_UTF8},
	{"i_string_not_in_unicode_range.json", JSON_FAULT_UTF8},
	{"i_string_overlong_sequence_2_bytes.json", JSON_FAULT_UTF8},
	{"i_string_overlong_sequence_6_bytes.json", JSON_FAULT_UTF8},
	{"i_string_overlong_sequence_6_bytes_null.json", JSON_FAULT_UTF8},
	{"i_string_truncated-utf-8.json", JSON_FAULT_UTF8},
	{"i_string_utf16BE_no_BOM.json", JSON_FAULT_SYNTAX},
	{"i_string_utf16LE_no_BOM.json", JSON_FAULT_SYNTAX},
	{"i_structure_500_nested_arrays.json", JSON_FAULT_DEPTH},
	{"i_structure_UTF-8_BOM_empty_object.json", JSON_FAULT_BOM},
	/* Documents whose meaning differs between parsers: */
	{"number_-9223372036854775808.json", JSON_FAULT_NUMBER},
	{"number_-9223372036854775809.json", JSON_FAULT_NUMBER},
	{"number_1.0.json", JSON_FAULT_NONE},
	{"number_1.000000000000000005.json", JSON_FAULT_NONE},
	{"number_1000000000000000.json", JSON_FAULT_NONE},
	{"number_10000000000000000999.json", JSON_FAULT_NUMBER},
	{"number_1e-999.json", JSON_FAULT_NUMBER},
	{"number_1e6.json", JSON_FAULT_NONE},
	{"number_9223372036854775807.json", JSON_FAULT_NUMBER},
	{"number_9223372036854775808.json", JSON_FAULT_NUMBER},
	{"object_key_nfc_nfd.json", JSON_FAULT_NONE},
	{"object_key_nfd_nfc.json", JSON_FAULT_NONE},
	{"object_same_key_different_values.json", JSON_FAULT_DUPLICATE},
	{"object_same_key_same_value.json", JSON_FAULT_DUPLICATE},
	{"object_same_key_unclear_values.json", JSON_FAULT_DUPLICATE},
	{"string_1_escaped_invalid_codepoint.json", JSON_FAULT_SURROGATE},
	{"string_1_invalid_codepoint.json", JSON_FAULT_UTF8},
	{"string_2_escaped_invalid_codepoints.json", JSON_FAULT_SURROGATE},
	{"string_2_invalid_codepoints.json", JSON_FAULT_UTF8},
	{"string_3_escaped_invalid_codepoints.json", JSON_FAULT_SURROGATE},
	{"string_3_invalid_codepoints.json", JSON_FAULT_UTF8},
	{"string_with_escaped_NULL.json", JSON_FAULT_NUL},
};

static const struct decision *decision_about(const char *file)
{
	EACH_ROW (at, ours)
		if (strcmp(at->file, file) == 0)
			return at;
	EACH_ROW (at, decided)
		if (strcmp(at->file, file) == 0)
			return at;
	return NULL;
}

/* The whole file in memory of its own size; the caller frees data. */
static struct slice load(const char *folder, const char *file)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", folder, file);
	FILE *f = fopen(path, "rb");
	assert_non_null(f);
	fseek(f, 0, SEEK_END);
	size_t len = (size_t)ftell(f);
	rewind(f);
	char *data = malloc(len + !len);
	assert_int_equal(fread(data, 1, len, f), len);
	fclose(f);
	return slice_of(data, len);
}

static void judge(const char *file, struct slice text)
{
	struct arena arena;
	struct json_doc doc;
	const struct decision *decision = decision_about(file);

	arena_init(&arena, 4096, (size_t)64 << 20);
	enum reason r = json_read(text, &ordinary, &arena, &doc);
	const char *verdict = json_fault_word(doc.fault);
	arena_deinit(&arena);
	if (decision) {
		if (doc.fault != decision->fault)
			fail_msg("%s: %s", file, verdict);
	} else if (file[0] == 'y' && r) {
		fail_msg("%s is refused: %s at %zu", file, verdict, doc.at);
	} else if (file[0] == 'n' && r != REASON_JSON_MALFORMED) {
		/* The reader stops at the depth before it could see that an end is missing. */
		if (doc.fault != JSON_FAULT_DEPTH || text.len < 100000)
			fail_msg("%s: %s", file, reason_word(r));
	} else if (file[0] != 'y' && file[0] != 'n') {
		fail_msg("%s: nothing is decided about it", file);
	}
	/* The naive one would need a deep stack for the two large files. */
	const char *broken = text.len < 100000 ? property_of_text(text, &ordinary) : NULL;
	if (broken)
		fail_msg("%s: %s", file, broken);
}

static void judge_folder(const char *name)
{
	const char *data = getenv("SALLYPORT_TESTDATA");
	char folder[2048];
	int files = 0;

	snprintf(folder, sizeof(folder), "%s/json-test-suite/%s", data ? data : "", name);
	DIR *d = data ? opendir(folder) : NULL;
	if (!d)
		skip();
	for (struct dirent *entry; (entry = readdir(d));) {
		if (entry->d_name[0] == '.')
			continue;
		struct slice text = load(folder, entry->d_name);
		judge(entry->d_name, text);
		free((char *)(uintptr_t)text.data);
		files++;
	}
	closedir(d);
	assert_true(files > 10);
}

static void parsing(void **state)
{
	(void)state;
	judge_folder("test_parsing");
}

static void transforms(void **state)
{
	(void)state;
	judge_folder("test_transform");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parsing),
		cmocka_unit_test(transforms),
	};
	return cmocka_run_group_tests_name("json/suite", tests, NULL, NULL);
}
