/* SPDX-License-Identifier: Apache-2.0 */
/* Strings in the standard library: size, contains, startsWith, endsWith, matches. */
#include "cel/function.h"
#include "cel/regex.h"
#include "cel/text.h"

#define STRING_FUNCTION(fn)                                                                        \
	static struct cel_value fn(struct cel_run *run, const struct cel_node *n,                  \
				   const struct cel_value *v)

/* Steps that a search takes beyond its length. */
enum { REGEX_STEPS = 500 };

STRING_FUNCTION(size_of_string)
{
	if (!cel_take_bytes(run, v[0].as.text.len))
		return cel_too_long(run, n);
	return cel_int((int64_t)cel_characters(v[0].as.text));
}

STRING_FUNCTION(size_of_bytes)
{
	(void)run;
	(void)n;
	return cel_int((int64_t)v[0].as.text.len);
}

STRING_FUNCTION(size_of_items)
{
	(void)run;
	(void)n;
	return cel_int(v[0].count);
}

STRING_FUNCTION(contains)
{
	struct slice s = v[0].as.text, part = v[1].as.text;

	if (!cel_take_bytes(run, s.len + part.len))
		return cel_too_long(run, n);
	if (part.len == 0 || part.len > s.len)
		return cel_bool(part.len == 0);
	return cel_bool(memmem(s.data, s.len, part.data, part.len));
}

STRING_FUNCTION(starts_with)
{
	if (!cel_take_bytes(run, v[1].as.text.len))
		return cel_too_long(run, n);
	return cel_bool(slice_starts_with(v[0].as.text, v[1].as.text));
}

STRING_FUNCTION(ends_with)
{
	if (!cel_take_bytes(run, v[1].as.text.len))
		return cel_too_long(run, n);
	return cel_bool(slice_ends_with(v[0].as.text, v[1].as.text));
}

/* A constant pattern was compiled with the program. */
STRING_FUNCTION(matches)
{
	const struct cel_regex *r = n->regex;
	struct slice sentence;
	size_t at;

	if (!cel_take(run, REGEX_STEPS + v[0].as.text.len / 8))
		return cel_too_long(run, n);
	if (!r)
		r = cel_regex_compile(v[1].as.text, run->arena, &sentence, &at);
	if (!r)
		return run->arena->overflow ? cel_no_memory(run, n)
					    : cel_fail(n, "the pattern is not valid");
	enum cel_regex_answer answer = cel_regex_search(r, v[0].as.text, run->arena);
	if (answer == CEL_REGEX_ENDLESS)
		return cel_fatal(run, n, "the search for the pattern takes too long");
	return cel_bool(answer == CEL_REGEX_YES);
}

/* clang-format off */
#define SIZE(receiver, type, fn) CEL_FN("size", receiver, 1, CEL_T(INT), fn, 10, type)
#define TEST(name, fn) \
	CEL_FN(name, true, 2, CEL_T(BOOL), fn, 10, CEL_T(STRING), CEL_T(STRING))

static const struct cel_function rows[] = {
	SIZE(false, CEL_T(STRING), size_of_string),
	SIZE(false, &cel_list_of_a, size_of_items),
	SIZE(false, &cel_map_of_ab, size_of_items),
	SIZE(false, CEL_T(BYTES), size_of_bytes),
	SIZE(true, CEL_T(STRING), size_of_string),
	SIZE(true, &cel_list_of_a, size_of_items),
	SIZE(true, &cel_map_of_ab, size_of_items),
	SIZE(true, CEL_T(BYTES), size_of_bytes),
	TEST("contains", contains),
	TEST("startsWith", starts_with),
	TEST("endsWith", ends_with),
	CEL_FN("matches", true, 2, CEL_T(BOOL), matches, REGEX_STEPS, CEL_T(STRING), CEL_T(STRING)),
	CEL_FN("matches", false, 2, CEL_T(BOOL), matches, REGEX_STEPS, CEL_T(STRING), CEL_T(STRING)),
};
/* clang-format on */

const struct cel_functions cel_string_functions = {rows, sizeof(rows) / sizeof(rows[0])};
