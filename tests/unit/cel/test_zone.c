/* SPDX-License-Identifier: Apache-2.0 */
/* Time zone files, good and bad. */
#include "unit.h"

#include "cel/zone.h"

/* A file of version 2 with two changes, at 100 and 200 seconds: first 1 h, then 2 h ahead;
 * before them half an hour. */
#define EMPTY_HEADER                                                                               \
	"TZif2"                                                                                    \
	"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"                                                           \
	"\0\0\0\0"                                                                                 \
	"\0\0\0\0"                                                                                 \
	"\0\0\0\0"                                                                                 \
	"\0\0\0\0"                                                                                 \
	"\0\0\0\1"                                                                                 \
	"\0\0\0\0"
static const char good[] = EMPTY_HEADER "\0\0\0\0\0\0"
					"TZif2"
					"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
					"\0\0\0\0"
					"\0\0\0\0"
					"\0\0\0\0"
					"\0\0\0\2"
					"\0\0\0\3"
					"\0\0\0\0"
					"\0\0\0\0\0\0\0\x64"
					"\0\0\0\0\0\0\0\xc8"
					"\1"
					"\2"
					"\0\0\x07\x08\0\0"
					"\0\0\x0e\x10\0\0"
					"\0\0\x1c\x20\0\0";

static void reads(void **state)
{
	static const struct {
		const char *says;
		int64_t at;
		int32_t wanted;
	} rows[] = {
		{"before the first change", 99, 1800}, {"at it", 100, 3600},
		{"right before the next", 199, 3600},  {"at that", 200, 7200},
		{"long after", INT64_MAX, 7200},       {"long before", INT64_MIN, 1800},
	};

	(void)state;
	EACH_ROW (at, rows) {
		int32_t ahead = -1;
		ROW_CHECK(at, cel_zone_offset(slice_of(good, sizeof(good) - 1), at->at, &ahead));
		ROW_CHECK(at, ahead == at->wanted);
	}
}

/* Cut off anywhere; then with any byte changed: no harm. */
static void survives_bad_files(void **state)
{
	char copy[sizeof(good) - 1];
	int32_t ahead;

	(void)state;
	for (size_t len = 0; len < sizeof(copy); len++) {
		char *cut = malloc(len + !len);
		memcpy(cut, good, len);
		assert_false(cel_zone_offset(slice_of(cut, len), 150, &ahead));
		free(cut);
	}
	for (size_t i = 0; i < sizeof(copy); i++)
		for (int bit = 0; bit < 8; bit++) {
			char *changed = malloc(sizeof(copy));
			memcpy(changed, good, sizeof(copy));
			changed[i] = (char)(changed[i] ^ 1 << bit);
			(void)!cel_zone_offset(slice_of(changed, sizeof(copy)), 150, &ahead);
			free(changed);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads),
		cmocka_unit_test(survives_bad_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
