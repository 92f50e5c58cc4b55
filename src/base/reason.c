/* SPDX-License-Identifier: Apache-2.0 */
/* The table of reasons, laid out; see reason.tbl.h. */
#include "base/reason.h"

struct row {
	const char *word, *sentence;
	uint16_t close_code;
	int status;
};

static const struct row rows[REASON_COUNT] = {
	[REASON_NONE] = {"none", "Nothing was refused", 0, 0},
#define REASON(id, word, close, http, sentence) [REASON_##id] = {word, sentence, close, http},
#include "base/reason.tbl.h"
#undef REASON
};

static const struct row *row_of(enum reason r)
{
	return &rows[r > REASON_NONE && r < REASON_COUNT ? r : REASON_INTERNAL];
}

const char *reason_word(enum reason r)
{
	return r == REASON_NONE ? rows[0].word : row_of(r)->word;
}

const char *reason_sentence(enum reason r)
{
	return r == REASON_NONE ? rows[0].sentence : row_of(r)->sentence;
}

uint16_t reason_close_code(enum reason r)
{
	uint16_t code = row_of(r)->close_code;
	return code ? code : 1011;
}

int reason_status(enum reason r)
{
	int status = row_of(r)->status;
	return status ? status : 500;
}

enum reason reason_from_word(struct slice word)
{
	for (int i = REASON_NONE + 1; i < REASON_COUNT; i++)
		if (slice_eq(word, slice_from_cstr(rows[i].word)))
			return (enum reason)i;
	return REASON_NONE;
}
