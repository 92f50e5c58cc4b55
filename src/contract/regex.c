/* SPDX-License-Identifier: Apache-2.0 */
/* PCRE2 under bounds; see regex.h. The patterns are read and rewritten in regex_parse.c. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "contract/regex.h"

#include <pcre2.h>

#include "base/utf8.h"
#include "contract/regex_parse.h"

enum {
	STEPS_MAX = 100000, /* of PCRE2's match(); one costs 10 to 50 ns */
	STEPS_MIN = 2000,
	STEPS_PER_BYTE = 50,
	WORK_MAX = 20000000, /* steps times bytes that a step can walk over */
	HEAP_KIB_MAX = 1024,
	TRANSLATED_PER_BYTE = 64, /* \S in a class is the longest: see regex_parse.c */
	CODE_MAX = 1 << 20,
};

struct regex {
	const pcre2_code *code;
};

struct regex_room {
	pcre2_match_data *match;
	pcre2_match_context *context;
};

/* Compiled code goes to the arena and is never freed one by one. */
static void *give_from_arena(size_t bytes, void *arena)
{
	return arena_alloc(arena, bytes);
}

static void take_nothing_back(void *memory, void *arena)
{
	(void)memory;
	(void)arena;
}

struct slice regex_translate(struct slice pattern, struct arena *arena, const char **why)
{
	struct regex_text out = {NULL, 0, 0};

	*why = "a pattern has at most 4096 bytes";
	if (pattern.len > REGEX_PATTERN_MAX)
		return slice_of(NULL, 0);
	*why = "out of memory";
	out.room = pattern.len * TRANSLATED_PER_BYTE + TRANSLATED_PER_BYTE;
	out.data = arena_alloc(arena, out.room);
	if (!out.data)
		return slice_of(NULL, 0);
	*why = regex_parse(pattern, &out);
	if (*why)
		return slice_of(NULL, 0);
	arena_resize(arena, out.data, out.len + 1);
	out.data[out.len] = '\0';
	return slice_of(out.data, out.len);
}

bool regex_valid(struct slice pattern)
{
	struct regex_text nowhere = {NULL, 0, 0};

	return pattern.len <= REGEX_PATTERN_MAX && utf8_valid(pattern) &&
	       !regex_parse(pattern, &nowhere);
}

static const char *pcre_sentence(int error, struct arena *arena)
{
	char *text = arena_alloc(arena, 128);

	if (!text || pcre2_get_error_message(error, (PCRE2_UCHAR *)text, 128) < 0)
		return "PCRE2 refuses it";
	return text;
}

static pcre2_code *compile(struct slice text, struct arena *arena, const char **why)
{
	const uint32_t options = PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_MATCH_UNSET_BACKREF |
				 PCRE2_NEVER_BACKSLASH_C;
	pcre2_general_context *general =
		pcre2_general_context_create(give_from_arena, take_nothing_back, arena);
	pcre2_compile_context *context = general ? pcre2_compile_context_create(general) : NULL;
	size_t offset;
	int error;

	if (!context)
		return NULL;
	pcre2_set_parens_nest_limit(context, REGEX_NESTING_MAX + 2);
	pcre2_code *code =
		pcre2_compile((PCRE2_SPTR)text.data, text.len, options, &error, &offset, context);
	if (!code)
		*why = pcre_sentence(error, arena);
	return code;
}

const struct regex *regex_compile(struct slice pattern, struct arena *arena, const char **why)
{
	struct slice text = regex_translate(pattern, arena, why);

	if (!text.data)
		return NULL;
	*why = "out of memory";
	struct regex *re = arena_calloc(arena, 1, sizeof(*re));
	pcre2_code *code = re ? compile(text, arena, why) : NULL;
	size_t bytes = 0;
	if (!code)
		return NULL;
	pcre2_pattern_info(code, PCRE2_INFO_SIZE, &bytes);
	if (bytes > CODE_MAX) {
		*why = "its repetitions make it too large";
		return NULL;
	}
	re->code = code;
	return re;
}

struct regex_room *regex_room_new(void)
{
	struct regex_room *room = calloc(1, sizeof(*room));

	if (!room)
		return NULL;
	/* One pair: only whether it matches is asked. */
	room->match = pcre2_match_data_create(1, NULL);
	room->context = pcre2_match_context_create(NULL);
	if (!room->match || !room->context) {
		regex_room_free(room);
		return NULL;
	}
	pcre2_set_heap_limit(room->context, HEAP_KIB_MAX);
	return room;
}

void regex_room_free(struct regex_room *room)
{
	if (!room)
		return;
	pcre2_match_data_free(room->match);
	pcre2_match_context_free(room->context);
	free(room);
}

enum regex_result regex_match(const struct regex *re, struct slice text, struct regex_room *room)
{
	size_t most = WORK_MAX / (text.len + 1), steps = STEPS_MIN + text.len * STEPS_PER_BYTE;

	most = most > STEPS_MAX ? STEPS_MAX : most < STEPS_MIN ? STEPS_MIN : most;
	steps = steps > most ? most : steps;
	pcre2_set_match_limit(room->context, (uint32_t)steps);
	pcre2_set_depth_limit(room->context, (uint32_t)steps);
	int r = pcre2_match(re->code, (PCRE2_SPTR)(text.data ? text.data : ""), text.len, 0, 0,
			    room->match, room->context);
	if (r >= 0)
		return REGEX_YES;
	return r == PCRE2_ERROR_NOMATCH ? REGEX_NO : REGEX_BOUND;
}
