/* SPDX-License-Identifier: Apache-2.0 */
/* Conversions between kinds: bool(), bytes(), double(), duration(), dyn(), int(), string(),
 * timestamp(), type(), uint(). */
#include <math.h>

#include "base/num.h"
#include "base/utf8.h"
#include "cel/function.h"
#include "cel/lex.h"
#include "cel/moment.h"
#include "cel/text.h"

#define CONVERSION(fn)                                                                             \
	static struct cel_value fn(struct cel_run *run, const struct cel_node *n,                  \
				   const struct cel_value *v)

static const char out_of_range[] = "the number does not fit";

CONVERSION(as_it_is)
{
	(void)run;
	(void)n;
	return v[0];
}

CONVERSION(type_of)
{
	(void)run;
	(void)n;
	return cel_type_value(v[0].kind);
}

/* ---- numbers */

CONVERSION(int_of_uint)
{
	(void)run;
	return v[0].as.natural > INT64_MAX ? cel_fail(n, out_of_range)
					   : cel_int((int64_t)v[0].as.natural);
}

CONVERSION(int_of_double)
{
	double d = v[0].as.real;

	(void)run;
	/* The language leaves out both ends, where the nearest doubles are not near. */
	return fabs(d) < 9223372036854775808.0 ? cel_int((int64_t)d) : cel_fail(n, out_of_range);
}

CONVERSION(int_of_string)
{
	struct slice s = v[0].as.text;
	bool negative = s.len && s.data[0] == '-';
	uint64_t number;

	(void)run;
	if (negative || (s.len && s.data[0] == '+'))
		s = slice_from(s, 1);
	if (!num_parse_u64_zeros(s, (uint64_t)INT64_MAX + negative, &number))
		return cel_fail(n, "the text is not an int");
	return cel_int(negative ? (int64_t)(0 - number) : (int64_t)number);
}

CONVERSION(int_of_timestamp)
{
	(void)run;
	(void)n;
	return cel_int(v[0].as.integer);
}

CONVERSION(uint_of_int)
{
	(void)run;
	return v[0].as.integer < 0 ? cel_fail(n, out_of_range)
				   : cel_uint((uint64_t)v[0].as.integer);
}

CONVERSION(uint_of_double)
{
	double d = v[0].as.real;

	(void)run;
	return d >= 0 && d < 0x1p64 ? cel_uint((uint64_t)d) : cel_fail(n, out_of_range);
}

CONVERSION(uint_of_string)
{
	uint64_t number;

	(void)run;
	if (!num_parse_u64_zeros(v[0].as.text, UINT64_MAX, &number))
		return cel_fail(n, "the text is not a uint");
	return cel_uint(number);
}

CONVERSION(double_of_int)
{
	(void)run;
	(void)n;
	return cel_double((double)v[0].as.integer);
}

CONVERSION(double_of_uint)
{
	(void)run;
	(void)n;
	return cel_double((double)v[0].as.natural);
}

static bool special_double(struct slice s, double *d)
{
	bool negative = s.len && s.data[0] == '-';

	if (negative || (s.len && s.data[0] == '+'))
		s = slice_from(s, 1);
	if (slice_eq_icase(s, SLICE("nan")))
		*d = (double)NAN;
	else if (slice_eq_icase(s, SLICE("inf")) || slice_eq_icase(s, SLICE("infinity")))
		*d = negative ? -(double)INFINITY : (double)INFINITY;
	else
		return false;
	return true;
}

CONVERSION(double_of_string)
{
	double d;

	(void)run;
	if (special_double(v[0].as.text, &d))
		return cel_double(d);
	if (!cel_parse_double(v[0].as.text, &d) || isinf(d))
		return cel_fail(n, "the text is not a double");
	return cel_double(d);
}

/* ---- other things from texts */

CONVERSION(bool_of_string)
{
	static const char *const yes[] = {"1", "t", "T", "true", "TRUE", "True"};
	static const char *const no[] = {"0", "f", "F", "false", "FALSE", "False"};

	(void)run;
	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		if (slice_eq(v[0].as.text, slice_from_cstr(yes[i])))
			return cel_bool(true);
		if (slice_eq(v[0].as.text, slice_from_cstr(no[i])))
			return cel_bool(false);
	}
	return cel_fail(n, "the text is not a bool");
}

CONVERSION(bytes_of_string)
{
	(void)run;
	(void)n;
	return cel_bytes(v[0].as.text);
}

CONVERSION(timestamp_of_string)
{
	struct cel_value moment = moment_parse(v[0].as.text);

	(void)run;
	return moment.kind ? moment : cel_fail(n, "the text is not a time of the years 1 to 9999");
}

CONVERSION(timestamp_of_int)
{
	(void)run;
	if (v[0].as.integer < MOMENT_FIRST || v[0].as.integer > MOMENT_LAST)
		return cel_fail(n, "the time is beyond the years 1 to 9999");
	return cel_timestamp(v[0].as.integer, 0);
}

CONVERSION(duration_of_string)
{
	struct cel_value duration = moment_parse_duration(v[0].as.text);

	(void)run;
	return duration.kind ? duration
			     : cel_fail(n, "the text is not a duration of less than 292 years");
}

/* ---- texts */

CONVERSION(string_of_bytes)
{
	if (!cel_take_bytes(run, v[0].as.text.len))
		return cel_too_long(run, n);
	return utf8_valid(v[0].as.text) ? cel_string(v[0].as.text)
					: cel_fail(n, "the bytes are not UTF-8");
}

CONVERSION(string_of_scalar)
{
	char text[CEL_TEXT_BYTES];
	struct slice s = arena_copy(run->arena, cel_scalar_text(&v[0], text));

	return s.data ? cel_string(s) : cel_no_memory(run, n);
}

/* clang-format off */
#define ROW(name, to, fn, from) CEL_FN(name, false, 1, CEL_T(to), fn, 1, CEL_T(from))

static const struct cel_function rows[] = {
	CEL_FN("dyn", false, 1, &cel_dyn, as_it_is, 1, &cel_a),
	CEL_FN("type", false, 1, CEL_T(TYPE), type_of, 1, &cel_a),
	ROW("int", INT, as_it_is, INT),
	ROW("int", INT, int_of_uint, UINT),
	ROW("int", INT, int_of_double, DOUBLE),
	ROW("int", INT, int_of_string, STRING),
	ROW("int", INT, int_of_timestamp, TIMESTAMP),
	ROW("uint", UINT, as_it_is, UINT),
	ROW("uint", UINT, uint_of_int, INT),
	ROW("uint", UINT, uint_of_double, DOUBLE),
	ROW("uint", UINT, uint_of_string, STRING),
	ROW("double", DOUBLE, as_it_is, DOUBLE),
	ROW("double", DOUBLE, double_of_int, INT),
	ROW("double", DOUBLE, double_of_uint, UINT),
	ROW("double", DOUBLE, double_of_string, STRING),
	ROW("bool", BOOL, as_it_is, BOOL),
	ROW("bool", BOOL, bool_of_string, STRING),
	ROW("bytes", BYTES, as_it_is, BYTES),
	ROW("bytes", BYTES, bytes_of_string, STRING),
	ROW("timestamp", TIMESTAMP, as_it_is, TIMESTAMP),
	ROW("timestamp", TIMESTAMP, timestamp_of_string, STRING),
	ROW("timestamp", TIMESTAMP, timestamp_of_int, INT),
	ROW("duration", DURATION, as_it_is, DURATION),
	ROW("duration", DURATION, duration_of_string, STRING),
	ROW("string", STRING, as_it_is, STRING),
	ROW("string", STRING, string_of_bytes, BYTES),
	ROW("string", STRING, string_of_scalar, BOOL),
	ROW("string", STRING, string_of_scalar, INT),
	ROW("string", STRING, string_of_scalar, UINT),
	ROW("string", STRING, string_of_scalar, DOUBLE),
	ROW("string", STRING, string_of_scalar, TIMESTAMP),
	ROW("string", STRING, string_of_scalar, DURATION),
	ROW("string", STRING, string_of_scalar, IP),
	ROW("string", STRING, string_of_scalar, CIDR),
};
/* clang-format on */

const struct cel_functions cel_conversions = {rows, sizeof(rows) / sizeof(rows[0])};
