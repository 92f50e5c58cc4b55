/* SPDX-License-Identifier: Apache-2.0 */
/* The table of alerts; see alert.h. */
#include "base/alert.h"

enum { MOMENT = 0, LASTING, LEVELS };

static const struct {
	const char *word, *sentence;
	int lasts;
} rows[ALERT_COUNT] = {
	[ALERT_NONE] = {"none", "", MOMENT},
#define ALERT(id, word, lasts, sentence) [ALERT_##id] = {word, sentence, lasts},
#include "base/alert.tbl.h"
#undef ALERT
};

static enum alert_kind known(enum alert_kind kind)
{
	return kind > ALERT_NONE && kind < ALERT_COUNT ? kind : ALERT_NONE;
}

const char *alert_word(enum alert_kind kind)
{
	return rows[known(kind)].word;
}

const char *alert_sentence(enum alert_kind kind)
{
	return rows[known(kind)].sentence;
}

bool alert_lasts(enum alert_kind kind)
{
	return rows[known(kind)].lasts != MOMENT;
}

bool alert_has_levels(enum alert_kind kind)
{
	return rows[known(kind)].lasts == LEVELS;
}

enum alert_kind alert_from_word(struct slice word)
{
	for (int k = ALERT_NONE + 1; k < ALERT_COUNT; k++)
		if (slice_eq(word, slice_from_cstr(rows[k].word)))
			return (enum alert_kind)k;
	return ALERT_NONE;
}
