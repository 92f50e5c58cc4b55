/* SPDX-License-Identifier: Apache-2.0 */
/* The math extension. math.greatest and math.least always come with one list: the check makes
 * one of several arguments. */
#include <math.h>

#include "cel/function.h"

#define MATH(fn)                                                                                   \
	static struct cel_value fn(struct cel_run *run, const struct cel_node *n,                  \
				   const struct cel_value *v)

#define OF_DOUBLE(fn, make, expression)                                                            \
	MATH(fn)                                                                                   \
	{                                                                                          \
		double d = v[0].as.real;                                                           \
		(void)run;                                                                         \
		(void)n;                                                                           \
		return make(expression);                                                           \
	}

OF_DOUBLE(ceiling, cel_double, ceil(d))
OF_DOUBLE(floor_of, cel_double, floor(d))
OF_DOUBLE(rounded, cel_double, round(d))
OF_DOUBLE(truncated, cel_double, trunc(d))
OF_DOUBLE(root_of_double, cel_double, sqrt(d))
OF_DOUBLE(abs_double, cel_double, fabs(d))
OF_DOUBLE(sign_double, cel_double, isnan(d) ? d : (double)((d > 0) - (d < 0)))
OF_DOUBLE(is_nan, cel_bool, isnan(d))
OF_DOUBLE(is_inf, cel_bool, isinf(d))
OF_DOUBLE(is_finite, cel_bool, isfinite(d))

MATH(root_of_int)
{
	(void)run;
	(void)n;
	return cel_double(sqrt((double)v[0].as.integer));
}

MATH(root_of_uint)
{
	(void)run;
	(void)n;
	return cel_double(sqrt((double)v[0].as.natural));
}

MATH(as_it_is)
{
	(void)run;
	(void)n;
	return v[0];
}

MATH(abs_int)
{
	(void)run;
	if (v[0].as.integer == INT64_MIN)
		return cel_fail(n, "the number is too large (overflow)");
	return v[0].as.integer < 0 ? cel_int(-v[0].as.integer) : v[0];
}

MATH(sign_int)
{
	(void)run;
	(void)n;
	return cel_int((v[0].as.integer > 0) - (v[0].as.integer < 0));
}

MATH(sign_uint)
{
	(void)run;
	(void)n;
	return cel_uint(v[0].as.natural > 0);
}

/* ---- bits: the same for both kinds, a shift to the right brings in zeros */

#define BITS(fn, expression)                                                                       \
	MATH(fn)                                                                                   \
	{                                                                                          \
		struct cel_value r = v[0];                                                         \
		uint64_t a = v[0].as.natural, b = v[n->count - 1].as.natural;                      \
		(void)run;                                                                         \
		(void)b;                                                                           \
		r.flags = 0;                                                                       \
		r.as.natural = (expression);                                                       \
		return r;                                                                          \
	}

BITS(bit_and, a &b)
BITS(bit_or, a | b)
BITS(bit_xor, a ^ b)
BITS(bit_not, ~a)
BITS(shift_left_bits, b > 63 ? 0 : a << b)
BITS(shift_right_bits, b > 63 ? 0 : a >> b)

MATH(shift_left)
{
	return v[1].as.integer < 0 ? cel_fail(n, "a shift by less than nothing")
				   : shift_left_bits(run, n, v);
}

MATH(shift_right)
{
	return v[1].as.integer < 0 ? cel_fail(n, "a shift by less than nothing")
				   : shift_right_bits(run, n, v);
}

/* ---- of a list */

static struct cel_value extreme(struct cel_run *run, const struct cel_node *n,
				const struct cel_value *list, int wanted)
{
	struct cel_walk w = cel_walk(list);
	struct cel_value item, best;

	if (!cel_walk_next(&w, NULL, &best))
		return cel_fail(n, "the list is empty");
	if (!cel_take(run, list->count))
		return cel_too_long(run, n);
	if (!cel_is_number(&best))
		return cel_no_overload(n);
	while (cel_walk_next(&w, NULL, &item)) {
		if (!cel_is_number(&item))
			return cel_no_overload(n);
		if (cel_number_order(&item, &best) == wanted)
			best = item;
	}
	return best;
}

MATH(greatest)
{
	return extreme(run, n, &v[0], 1);
}

MATH(least)
{
	return extreme(run, n, &v[0], -1);
}

/* clang-format off */
#define ONE(name, to, fn, from) CEL_FN("math." name, false, 1, CEL_T(to), fn, 1, CEL_T(from))
#define TWO(name, kind, fn) \
	CEL_FN("math." name, false, 2, CEL_T(kind), fn, 1, CEL_T(kind), CEL_T(kind))
#define SHIFT(name, kind, fn) \
	CEL_FN("math." name, false, 2, CEL_T(kind), fn, 1, CEL_T(kind), CEL_T(INT))

static const struct cel_function rows[] = {
	CEL_FN("math.greatest", false, 1, &cel_a, greatest, 10, &cel_list_of_a),
	CEL_FN("math.least", false, 1, &cel_a, least, 10, &cel_list_of_a),
	ONE("abs", INT, abs_int, INT),
	ONE("abs", DOUBLE, abs_double, DOUBLE),
	ONE("abs", UINT, as_it_is, UINT),
	ONE("sign", INT, sign_int, INT),
	ONE("sign", DOUBLE, sign_double, DOUBLE),
	ONE("sign", UINT, sign_uint, UINT),
	ONE("ceil", DOUBLE, ceiling, DOUBLE),
	ONE("floor", DOUBLE, floor_of, DOUBLE),
	ONE("round", DOUBLE, rounded, DOUBLE),
	ONE("trunc", DOUBLE, truncated, DOUBLE),
	ONE("sqrt", DOUBLE, root_of_double, DOUBLE),
	ONE("sqrt", DOUBLE, root_of_int, INT),
	ONE("sqrt", DOUBLE, root_of_uint, UINT),
	ONE("isNaN", BOOL, is_nan, DOUBLE),
	ONE("isInf", BOOL, is_inf, DOUBLE),
	ONE("isFinite", BOOL, is_finite, DOUBLE),
	TWO("bitAnd", INT, bit_and),
	TWO("bitAnd", UINT, bit_and),
	TWO("bitOr", INT, bit_or),
	TWO("bitOr", UINT, bit_or),
	TWO("bitXor", INT, bit_xor),
	TWO("bitXor", UINT, bit_xor),
	ONE("bitNot", INT, bit_not, INT),
	ONE("bitNot", UINT, bit_not, UINT),
	SHIFT("bitShiftLeft", INT, shift_left),
	SHIFT("bitShiftLeft", UINT, shift_left),
	SHIFT("bitShiftRight", INT, shift_right),
	SHIFT("bitShiftRight", UINT, shift_right),
};
/* clang-format on */

const struct cel_functions cel_math_functions = {rows, sizeof(rows) / sizeof(rows[0])};
