/* SPDX-License-Identifier: Apache-2.0 */
/* Regular expressions; see regex.h. */
#include "cel/regex.h"

#include <stdint.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/num.h"

enum {
	STEPS_BASE = 10000, /* that PCRE2 may go back and try again, */
	STEPS_PER_BYTE = 4, /* and more for a long text: each place is one try */
	HEAP_KIB = 512,
	NESTED_MOST = 50,
};

struct cel_regex {
	pcre2_code *code;
};

static void *take(size_t bytes, void *arena)
{
	return arena_alloc(arena, bytes);
}

static void leave(void *memory, void *arena)
{
	(void)memory;
	(void)arena;
}

/* ---- what RE2 has */

/* `p` is behind the backslash. */
static const char *foreign_escape(struct slice p)
{
	char c = p.len ? p.data[0] : '\0';

	if (c >= '1' && c <= '9')
		return "back references are not supported";
	if (c && strchr("gkKGRXZNVHhceEloLuU", c))
		return "this escape is not supported";
	return NULL;
}

/* `p` is behind `(?`. */
static const char *foreign_group(struct slice p)
{
	size_t i = 0;

	if (slice_starts_with(p, SLICE("P<")) || slice_starts_with(p, SLICE("<"))) {
		i = p.data[0] == 'P' ? 2 : 1;
		bool named = i < p.len && p.data[i] != '=' && p.data[i] != '!';
		return named ? NULL : "looking around is not supported";
	}
	while (i < p.len && strchr("imsU-", p.data[i]))
		i++;
	if (i < p.len && (p.data[i] == ':' || p.data[i] == ')'))
		return NULL;
	return "this kind of group is not supported";
}

static bool is_repetition(struct slice pattern, size_t at)
{
	char c = pattern.data[at];

	return c == '*' || c == '+' || c == '?' || c == '}';
}

/* Behind a `[`: the place of its `]`, or the end. */
static size_t end_of_class(struct slice pattern, size_t at)
{
	size_t i = at + 1;

	if (i < pattern.len && pattern.data[i] == '^')
		i++;
	if (i < pattern.len && pattern.data[i] == ']')
		i++;
	for (; i < pattern.len && pattern.data[i] != ']'; i++) {
		if (pattern.data[i] == '\\')
			i++;
		else if (pattern.data[i] == '[' && i + 1 < pattern.len &&
			 pattern.data[i + 1] == ':')
			while (i + 1 < pattern.len && pattern.data[i + 1] != ']')
				i++;
		else
			continue;
		if (i + 1 < pattern.len && pattern.data[i] == ':' && pattern.data[i + 1] == ']')
			i++;
	}
	return i;
}

/* What is not in RE2, or NULL; *at is its place. */
static const char *foreign(struct slice pattern, size_t *at)
{
	const char *wrong = NULL;

	for (size_t i = 0; i < pattern.len && !wrong; i++) {
		*at = i;
		char c = pattern.data[i];
		if (c == '\\') {
			wrong = foreign_escape(slice_from(pattern, i + 1));
			i++;
		} else if (c == '[') {
			i = end_of_class(pattern, i);
		} else if (c == '(' && i + 1 < pattern.len && pattern.data[i + 1] == '?') {
			wrong = foreign_group(slice_from(pattern, i + 2));
			i++;
		} else if (c == '(' && i + 1 < pattern.len && pattern.data[i + 1] == '*') {
			wrong = "verbs are not supported";
		} else if (c == '+' && i && is_repetition(pattern, i - 1) &&
			   !(i > 1 && pattern.data[i - 2] == '\\')) {
			wrong = "possessive repetition is not supported";
		}
	}
	return wrong;
}

/* ---- compiling */

static struct slice message_of(int code, struct arena *a)
{
	PCRE2_UCHAR text[120];

	if (pcre2_get_error_message(code, text, sizeof(text)) < 0)
		return SLICE("the pattern is not valid");
	return arena_copy(a, slice_from_cstr((const char *)text));
}

static pcre2_code *compile(struct slice pattern, pcre2_general_context *memory, int *code,
			   size_t *at)
{
	const uint32_t options = PCRE2_UTF | PCRE2_NO_UTF_CHECK | PCRE2_DOLLAR_ENDONLY |
				 PCRE2_NEVER_BACKSLASH_C | PCRE2_NO_AUTO_CAPTURE;
	pcre2_compile_context *context = pcre2_compile_context_create(memory);

	*code = PCRE2_ERROR_NOMEMORY;
	if (!context)
		return NULL;
	pcre2_set_parens_nest_limit(context, NESTED_MOST);
	pcre2_set_newline(context, PCRE2_NEWLINE_LF);
	return pcre2_compile((PCRE2_SPTR)(pattern.data ? pattern.data : ""), pattern.len, options,
			     code, at, context);
}

const struct cel_regex *cel_regex_compile(struct slice pattern, struct arena *a,
					  struct slice *sentence, size_t *at)
{
	int code;

	*at = 0;
	*sentence = SLICE("the pattern is too long");
	if (pattern.len > CEL_PATTERN_MAX_BYTES)
		return NULL;
	*sentence = slice_from_cstr(foreign(pattern, at));
	if (sentence->data)
		return NULL;
	*sentence = SLICE("there is no memory for the pattern");
	pcre2_general_context *memory = pcre2_general_context_create(take, leave, a);
	struct cel_regex *r = memory ? arena_calloc(a, 1, sizeof(*r)) : NULL;
	if (!r)
		return NULL;
	r->code = compile(pattern, memory, &code, at);
	if (r->code)
		return r;
	*sentence = message_of(code, a);
	if (!sentence->data)
		*sentence = SLICE("the pattern is not valid");
	return NULL;
}

enum cel_regex_answer cel_regex_search(const struct cel_regex *r, struct slice text,
				       struct arena *a)
{
	pcre2_general_context *memory = pcre2_general_context_create(take, leave, a);
	pcre2_match_context *context = memory ? pcre2_match_context_create(memory) : NULL;
	/* One pair: whether, not where. */
	pcre2_match_data *data = context ? pcre2_match_data_create(1, memory) : NULL;
	uint64_t steps = STEPS_BASE + STEPS_PER_BYTE * (uint64_t)text.len;

	if (!data)
		return CEL_REGEX_ENDLESS;
	pcre2_set_match_limit(context, steps < UINT32_MAX ? (uint32_t)steps : UINT32_MAX);
	pcre2_set_heap_limit(context, HEAP_KIB);
	int found = pcre2_match(r->code, (PCRE2_SPTR)(text.data ? text.data : ""), text.len, 0,
				PCRE2_NO_UTF_CHECK, data, context);
	if (found == PCRE2_ERROR_NOMATCH)
		return CEL_REGEX_NO;
	return found >= 0 ? CEL_REGEX_YES : CEL_REGEX_ENDLESS;
}
