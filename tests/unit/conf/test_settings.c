/* SPDX-License-Identifier: Apache-2.0 */
/* The settings table against itself: a row that contradicts itself would be a lie in the manual. */
#include "conf/settings.h"

#include "base/num.h"
#include "conf/load_priv.h"
#include "unit.h"

/* Rows lie side by side, from the first id on. */
#define EACH_SETTING(row)                                                                     \
	for (const struct setting *row = setting_of(SETTING_NONE + 1);                        \
	     row < setting_of(SETTING_NONE + 1) + SETTING_COUNT - 1; row++)

static bool is_number(const struct setting *row)
{
	return row->type == SETTING_DURATION || row->type == SETTING_SIZE ||
	       row->type == SETTING_COUNT_OF;
}

static void keys_are_unique(void **state)
{
	(void)state;
	EACH_SETTING (row) {
		assert_true(row->id > SETTING_NONE && row->section > SECTION_NONE);
		assert_ptr_equal(setting_find(row->section, slice_from_cstr(row->key)), row);
	}
}

/* Position of ".." in the range, or 0. */
static size_t dots(const char *range)
{
	const char *at = strstr(range, "..");
	return at ? (size_t)(at - range) : 0;
}

static void defaults_are_in_range(void **state)
{
	(void)state;
	EACH_SETTING (row) {
		struct slice range = slice_from_cstr(row->range);
		size_t at = dots(row->range);
		uint64_t low, high, value;
		if (!is_number(row))
			continue;
		if (at == 0) {
			assert_true(row->flags & SETTING_NOT_YET || row->section == SECTION_JWT);
			continue;
		}
		assert_true(load_number(row, slice_first(range, at), &low));
		assert_true(load_number(row, slice_from(range, at + 2), &high));
		assert_true(low < high);
		if (!*row->standard)
			continue;
		assert_true(load_number(row, slice_from_cstr(row->standard), &value));
		assert_true(value >= low && value <= high);
		assert_true(value > 0);
	}
}

static void rates_and_words(void **state)
{
	(void)state;
	EACH_SETTING (row) {
		struct rate rate;
		struct slice standard = slice_from_cstr(row->standard);
		if (row->type == SETTING_RATE && standard.len)
			assert_true(num_parse_rate(standard, &rate) && !rate.unlimited);
		if (row->type == SETTING_BYTE_RATE)
			assert_true(num_parse_byte_rate(standard, &rate) && !rate.unlimited);
		if (row->type == SETTING_WORD && standard.len)
			assert_non_null(strstr(row->range, row->standard));
		if (row->type == SETTING_WORD || row->type == SETTING_WORDS)
			assert_true(*row->range);
	}
}

static void unlimited_stands_only_for_rates_and_counts(void **state)
{
	(void)state;
	EACH_SETTING (row) {
		if (row->flags & SETTING_UNLIMITED)
			assert_true(row->type == SETTING_RATE || row->type == SETTING_BYTE_RATE ||
				    row->type == SETTING_COUNT_OF);
	}
}

static void fields_fit_their_types(void **state)
{
	(void)state;
	EACH_SETTING (row) {
		bool rate = row->type == SETTING_RATE || row->type == SETTING_BYTE_RATE;
		if (!row->field.bytes)
			continue;
		assert_true(rate || is_number(row));
		if (rate)
			assert_int_equal(row->field.bytes, sizeof(struct rate));
		else
			assert_true(row->field.bytes == 4 || row->field.bytes == 8);
	}
}

/* Every limit must reach the snapshot, or say why not. */
static void limits_have_fields(void **state)
{
	(void)state;
	EACH_SETTING (row) {
		if (row->section == SECTION_LIMITS || row->section == SECTION_ROUTE_LIMITS ||
		    row->section == SECTION_JSON_LIMITS)
			assert_true(row->field.bytes || row->flags & SETTING_NOT_YET ||
				    row->type == SETTING_MAP);
	}
}

static void maps_name_their_section(void **state)
{
	bool used[SECTION_COUNT] = {[SECTION_FILE] = true};

	(void)state;
	EACH_SETTING (row) {
		bool map = row->type == SETTING_MAP || row->type == SETTING_LIST ||
			   row->type == SETTING_NAMED;
		assert_int_equal(map, row->of != SECTION_NONE);
		used[row->of] = true;
	}
	for (int i = SECTION_NONE + 1; i < SECTION_COUNT; i++)
		assert_true(used[i]);
}

static void sentences(void **state)
{
	(void)state;
	EACH_SETTING (row) {
		size_t len = strlen(row->help);
		assert_true(len > 3 && row->help[len - 1] != '.');
		assert_true(*setting_type_word(row->type));
	}
	for (int i = SECTION_NONE + 1; i < SECTION_COUNT; i++)
		assert_true(strlen(section_info_of((enum section)i)->help) > 3);
}

static void near_and_elsewhere(void **state)
{
	(void)state;
	assert_int_equal(setting_nearest(SECTION_FILE, SLICE("lisen"))->id, SET_LISTEN);
	assert_null(setting_nearest(SECTION_FILE, SLICE("zzzzzzzzz")));
	assert_int_equal(setting_elsewhere(SECTION_FILE, SLICE("message_size"))->id,
			 SET_MESSAGE_SIZE);
	assert_null(setting_elsewhere(SECTION_FILE, SLICE("hosts")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_unique),
		cmocka_unit_test(defaults_are_in_range),
		cmocka_unit_test(rates_and_words),
		cmocka_unit_test(unlimited_stands_only_for_rates_and_counts),
		cmocka_unit_test(fields_fit_their_types),
		cmocka_unit_test(limits_have_fields),
		cmocka_unit_test(maps_name_their_section),
		cmocka_unit_test(sentences),
		cmocka_unit_test(near_and_elsewhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
