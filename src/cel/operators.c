/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operators, as the language definition's "List of standard definitions" has them. Arithmetic
 * that overflows is an error, for every kind but double.
 */
#include "cel/function.h"
#include "cel/moment.h"

#define OVERFLOW_SENTENCE "the number is too large (overflow)"

#define OPERATOR(fn)                                                                               \
	static struct cel_value fn(struct cel_run *run, const struct cel_node *n,                  \
				   const struct cel_value *v)

/* ---- arithmetic */

#define CHECKED(fn, make, field, builtin)                                                          \
	OPERATOR(fn)                                                                               \
	{                                                                                          \
		struct cel_value r = make(0);                                                      \
		(void)run;                                                                         \
		if (builtin(v[0].as.field, v[1].as.field, &r.as.field))                            \
			return cel_fail(n, OVERFLOW_SENTENCE);                                     \
		return r;                                                                          \
	}

CHECKED(add_int, cel_int, integer, __builtin_add_overflow)
CHECKED(subtract_int, cel_int, integer, __builtin_sub_overflow)
CHECKED(multiply_int, cel_int, integer, __builtin_mul_overflow)
CHECKED(add_uint, cel_uint, natural, __builtin_add_overflow)
CHECKED(subtract_uint, cel_uint, natural, __builtin_sub_overflow)
CHECKED(multiply_uint, cel_uint, natural, __builtin_mul_overflow)
CHECKED(add_duration, cel_duration, integer, __builtin_add_overflow)
CHECKED(subtract_duration, cel_duration, integer, __builtin_sub_overflow)

#define REAL(fn, operator_sign)                                                                    \
	OPERATOR(fn)                                                                               \
	{                                                                                          \
		(void)run;                                                                         \
		(void)n;                                                                           \
		return cel_double(v[0].as.real operator_sign v[1].as.real);                        \
	}

REAL(add_double, +)
REAL(subtract_double, -)
REAL(multiply_double, *)
REAL(divide_double, /)

static const char *cannot_divide(const struct cel_value *v)
{
	if (v[1].as.integer == 0)
		return "division by zero";
	if (v[0].as.integer == INT64_MIN && v[1].as.integer == -1)
		return OVERFLOW_SENTENCE;
	return NULL;
}

OPERATOR(divide_int)
{
	const char *sentence = cannot_divide(v);

	(void)run;
	return sentence ? cel_fail(n, sentence) : cel_int(v[0].as.integer / v[1].as.integer);
}

OPERATOR(modulo_int)
{
	const char *sentence = cannot_divide(v);

	(void)run;
	return sentence ? cel_fail(n, sentence) : cel_int(v[0].as.integer % v[1].as.integer);
}

OPERATOR(divide_uint)
{
	(void)run;
	if (v[1].as.natural == 0)
		return cel_fail(n, "division by zero");
	return cel_uint(v[0].as.natural / v[1].as.natural);
}

OPERATOR(modulo_uint)
{
	(void)run;
	if (v[1].as.natural == 0)
		return cel_fail(n, "division by zero");
	return cel_uint(v[0].as.natural % v[1].as.natural);
}

OPERATOR(negate_int)
{
	(void)run;
	if (v[0].as.integer == INT64_MIN)
		return cel_fail(n, OVERFLOW_SENTENCE);
	return cel_int(-v[0].as.integer);
}

OPERATOR(negate_double)
{
	(void)run;
	(void)n;
	return cel_double(-v[0].as.real);
}

OPERATOR(not_bool)
{
	(void)run;
	(void)n;
	return cel_bool(!v[0].as.truth);
}

/* ---- time */

static struct cel_value moment_or_error(const struct cel_node *n, struct cel_value moment)
{
	return moment.kind == CEL_ERROR ? cel_fail(n, "the time is beyond the years 1 to 9999")
					: moment;
}

OPERATOR(add_to_timestamp)
{
	(void)run;
	return moment_or_error(n, moment_add(&v[0], v[1].as.integer));
}

OPERATOR(add_timestamp_to)
{
	(void)run;
	return moment_or_error(n, moment_add(&v[1], v[0].as.integer));
}

OPERATOR(subtract_from_timestamp)
{
	(void)run;
	/* The least duration has no opposite. */
	if (v[1].as.integer == INT64_MIN)
		return cel_fail(n, OVERFLOW_SENTENCE);
	return moment_or_error(n, moment_add(&v[0], -v[1].as.integer));
}

OPERATOR(subtract_timestamps)
{
	int64_t ns;

	(void)run;
	if (__builtin_sub_overflow(v[0].as.integer, v[1].as.integer, &ns) ||
	    __builtin_mul_overflow(ns, MOMENT_NS_PER_S, &ns) ||
	    __builtin_add_overflow(ns, (int64_t)v[0].count - (int64_t)v[1].count, &ns))
		return cel_fail(n, "the times are too far apart for a duration");
	return cel_duration(ns);
}

/* ---- joining */

OPERATOR(concatenate)
{
	struct slice a = v[0].as.text, b = v[1].as.text;
	struct cel_value r = v[0];

	if (a.len == 0 || b.len == 0)
		return v[a.len == 0];
	char *bytes = cel_new_bytes(run, n, (uint64_t)a.len + b.len, &r);
	if (!bytes)
		return r;
	memcpy(bytes, a.data, a.len);
	memcpy(bytes + a.len, b.data, b.len);
	r.as.text = slice_of(bytes, a.len + b.len);
	return r;
}

OPERATOR(concatenate_lists)
{
	struct cel_value r;

	if (v[0].count == 0 || v[1].count == 0)
		return v[v[0].count == 0];
	uint64_t count = (uint64_t)v[0].count + v[1].count;
	struct cel_value *items = cel_new_items(run, n, count, &r), *at = items;
	if (!items)
		return r;
	for (int i = 0; i < 2; i++)
		for (struct cel_walk w = cel_walk(&v[i]); cel_walk_next(&w, NULL, at);)
			at++;
	return cel_list(items, (uint32_t)count);
}

/* ---- comparing */

/* Of two values of one ordered kind, or two numbers: as cel_number_cmp. */
static int order_of(const struct cel_value *a, const struct cel_value *b)
{
	if (a->kind == CEL_STRING || a->kind == CEL_BYTES) {
		int cmp = slice_cmp(a->as.text, b->as.text);
		return cmp < 0 ? -1 : cmp > 0;
	}
	if (a->kind == CEL_BOOL)
		return a->as.truth - b->as.truth;
	if (cel_is_number(a))
		return cel_number_order(a, b);
	if (a->as.integer != b->as.integer)
		return a->as.integer < b->as.integer ? -1 : 1;
	return a->count < b->count ? -1 : a->count > b->count;
}

#define COMPARISON(fn, holds)                                                                      \
	OPERATOR(fn)                                                                               \
	{                                                                                          \
		bool text = v[0].kind == CEL_STRING || v[0].kind == CEL_BYTES;                     \
		if (text && !cel_take_bytes(run, v[0].as.text.len))                                \
			return cel_too_long(run, n);                                               \
		int cmp = order_of(&v[0], &v[1]);                                                  \
		return cel_bool(holds);                                                            \
	}

/* What is unordered is neither. */
COMPARISON(less, cmp == -1)
COMPARISON(less_or_equal, cmp == -1 || cmp == 0)
COMPARISON(greater, cmp == 1)
COMPARISON(greater_or_equal, cmp == 1 || cmp == 0)

OPERATOR(equal)
{
	bool same = cel_equal(&v[0], &v[1], &run->steps);

	return run->steps ? cel_bool(same) : cel_too_long(run, n);
}

OPERATOR(not_equal)
{
	struct cel_value r = equal(run, n, v);

	if (r.kind == CEL_BOOL)
		r.as.truth = !r.as.truth;
	return r;
}

/* ---- looking inside */

OPERATOR(in_list)
{
	struct cel_walk w = cel_walk(&v[1]);
	struct cel_value item;
	bool found = false;

	while (!found && run->steps && cel_walk_next(&w, NULL, &item))
		found = cel_equal(&v[0], &item, &run->steps);
	return run->steps ? cel_bool(found) : cel_too_long(run, n);
}

OPERATOR(in_map)
{
	struct cel_value found = cel_map_find(&v[1], &v[0], &run->steps);

	return run->steps ? cel_bool(found.kind != CEL_ERROR) : cel_too_long(run, n);
}

OPERATOR(index_list)
{
	struct cel_value r = {0};
	uint64_t index = v[1].as.natural;

	if (v[1].kind == CEL_DOUBLE) {
		double d = v[1].as.real;
		bool whole = d >= 0 && d <= UINT32_MAX && (double)(uint64_t)d == d;
		index = whole ? (uint64_t)d : UINT64_MAX;
	}
	/* An item of a JSON array is found by walking there. */
	if (v[0].flags & CEL_FROM_JSON && index < v[0].count && !cel_take(run, index / 8))
		return cel_too_long(run, n);
	r = cel_list_item(&v[0], index); /* a negative int is a huge one here */
	return r.kind == CEL_ERROR ? cel_fail(n, "the list has no such item") : r;
}

OPERATOR(index_map)
{
	struct cel_value r = cel_map_find(&v[0], &v[1], &run->steps);

	if (!run->steps)
		return cel_too_long(run, n);
	return r.kind == CEL_ERROR ? cel_fail(n, "no such key") : r;
}

/* clang-format off */
#define ROW(name, result, fn, ...) CEL_FN(name, false, 2, result, fn, 1, __VA_ARGS__)
#define SAME(name, kind, fn) ROW(name, CEL_T(kind), fn, CEL_T(kind), CEL_T(kind))
#define ORDER(name, fn) \
	ROW(name, CEL_T(BOOL), fn, &cel_number, &cel_number), \
	ROW(name, CEL_T(BOOL), fn, CEL_T(STRING), CEL_T(STRING)), \
	ROW(name, CEL_T(BOOL), fn, CEL_T(TIMESTAMP), CEL_T(TIMESTAMP)), \
	ROW(name, CEL_T(BOOL), fn, CEL_T(DURATION), CEL_T(DURATION)), \
	ROW(name, CEL_T(BOOL), fn, CEL_T(BOOL), CEL_T(BOOL)), \
	ROW(name, CEL_T(BOOL), fn, CEL_T(BYTES), CEL_T(BYTES))

static const struct cel_function rows[] = {
	ROW("_==_", CEL_T(BOOL), equal, &cel_a, &cel_a),
	ROW("_!=_", CEL_T(BOOL), not_equal, &cel_a, &cel_a),
	ORDER("_<_", less),
	ORDER("_<=_", less_or_equal),
	ORDER("_>_", greater),
	ORDER("_>=_", greater_or_equal),
	SAME("_+_", INT, add_int),
	SAME("_+_", DOUBLE, add_double),
	SAME("_+_", STRING, concatenate),
	SAME("_+_", UINT, add_uint),
	SAME("_+_", BYTES, concatenate),
	ROW("_+_", &cel_list_of_a, concatenate_lists, &cel_list_of_a, &cel_list_of_a),
	ROW("_+_", CEL_T(TIMESTAMP), add_to_timestamp, CEL_T(TIMESTAMP), CEL_T(DURATION)),
	ROW("_+_", CEL_T(TIMESTAMP), add_timestamp_to, CEL_T(DURATION), CEL_T(TIMESTAMP)),
	SAME("_+_", DURATION, add_duration),
	SAME("_-_", INT, subtract_int),
	SAME("_-_", DOUBLE, subtract_double),
	SAME("_-_", UINT, subtract_uint),
	ROW("_-_", CEL_T(TIMESTAMP), subtract_from_timestamp, CEL_T(TIMESTAMP), CEL_T(DURATION)),
	ROW("_-_", CEL_T(DURATION), subtract_timestamps, CEL_T(TIMESTAMP), CEL_T(TIMESTAMP)),
	SAME("_-_", DURATION, subtract_duration),
	SAME("_*_", INT, multiply_int),
	SAME("_*_", DOUBLE, multiply_double),
	SAME("_*_", UINT, multiply_uint),
	SAME("_/_", INT, divide_int),
	SAME("_/_", DOUBLE, divide_double),
	SAME("_/_", UINT, divide_uint),
	SAME("_%_", INT, modulo_int),
	SAME("_%_", UINT, modulo_uint),
	CEL_FN("-_", false, 1, CEL_T(INT), negate_int, 1, CEL_T(INT)),
	CEL_FN("-_", false, 1, CEL_T(DOUBLE), negate_double, 1, CEL_T(DOUBLE)),
	CEL_FN("!_", false, 1, CEL_T(BOOL), not_bool, 1, CEL_T(BOOL)),
	ROW("@in", CEL_T(BOOL), in_list, &cel_a, &cel_list_of_a),
	ROW("@in", CEL_T(BOOL), in_map, &cel_a, &cel_map_of_ab),
	ROW("_[_]", &cel_a, index_list, &cel_list_of_a, CEL_T(INT)),
	ROW("_[_]", &cel_b, index_map, &cel_map_of_ab, &cel_a),
	/* Only where the check knows nothing: a whole number of another kind. */
	ROW("_[_]", &cel_a, index_list, &cel_list_of_a, &cel_number),
};
/* clang-format on */

const struct cel_functions cel_operators = {rows, sizeof(rows) / sizeof(rows[0])};
