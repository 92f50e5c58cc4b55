/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of timestamps, in UTC or in a time zone, and of durations. */
#include "cel/function.h"
#include "cel/moment.h"

static const int64_t ns_per_ms = 1000000;

/* Puts the date in the zone of the second argument, or UTC. Returns an error, or null. */
static struct cel_value date_of(struct cel_run *run, const struct cel_node *n,
				const struct cel_value *v, struct moment_date *date)
{
	const struct cel_program *p = run->program;
	int32_t ahead = 0;

	if (n->count > 1 && !moment_parse_offset(v[1].as.text, &ahead)) {
		if (!cel_take(run, 100))
			return cel_too_long(run, n);
		if (!p->zone || !p->zone(p->zone_context, v[1].as.text, v[0].as.integer, &ahead))
			return cel_fail(n, "the time zone is not known");
	}
	*date = moment_date(v[0].as.integer + ahead);
	return cel_null();
}

#define DATE_PART(fn, part)                                                                        \
	static struct cel_value fn(struct cel_run *run, const struct cel_node *n,                  \
				   const struct cel_value *v)                                      \
	{                                                                                          \
		struct moment_date date;                                                           \
		struct cel_value r = date_of(run, n, v, &date);                                    \
		return r.kind == CEL_ERROR ? r : cel_int((int64_t)(part));                         \
	}

DATE_PART(full_year, date.year)
DATE_PART(month, date.month - 1)
DATE_PART(day_of_year, date.yearday)
DATE_PART(day_of_month, date.day - 1)
DATE_PART(day_of_month_from_1, date.day)
DATE_PART(day_of_week, date.weekday)
DATE_PART(hours, date.hour)
DATE_PART(minutes, date.minute)
DATE_PART(seconds, date.second)
DATE_PART(milliseconds, v[0].count / ns_per_ms)

#define DURATION_PART(fn, part)                                                                    \
	static struct cel_value fn(struct cel_run *run, const struct cel_node *n,                  \
				   const struct cel_value *v)                                      \
	{                                                                                          \
		int64_t ns = v[0].as.integer;                                                      \
		(void)run;                                                                         \
		(void)n;                                                                           \
		return cel_int(part);                                                              \
	}

/* The whole of it in that unit; but the milliseconds are those of its last second. */
DURATION_PART(duration_hours, ns / MOMENT_NS_PER_S / 3600)
DURATION_PART(duration_minutes, ns / MOMENT_NS_PER_S / 60)
DURATION_PART(duration_seconds, ns / MOMENT_NS_PER_S)
DURATION_PART(duration_milliseconds, ns / ns_per_ms % 1000)

/* clang-format off */
#define DATE(name, fn) \
	CEL_FN(name, true, 1, CEL_T(INT), fn, 1, CEL_T(TIMESTAMP)), \
	CEL_FN(name, true, 2, CEL_T(INT), fn, 10, CEL_T(TIMESTAMP), CEL_T(STRING))
#define DURATION(name, fn) CEL_FN(name, true, 1, CEL_T(INT), fn, 1, CEL_T(DURATION))

static const struct cel_function rows[] = {
	DATE("getFullYear", full_year),
	DATE("getMonth", month),
	DATE("getDayOfYear", day_of_year),
	DATE("getDayOfMonth", day_of_month),
	DATE("getDate", day_of_month_from_1),
	DATE("getDayOfWeek", day_of_week),
	DATE("getHours", hours),
	DURATION("getHours", duration_hours),
	DATE("getMinutes", minutes),
	DURATION("getMinutes", duration_minutes),
	DATE("getSeconds", seconds),
	DURATION("getSeconds", duration_seconds),
	DATE("getMilliseconds", milliseconds),
	DURATION("getMilliseconds", duration_milliseconds),
};
/* clang-format on */

const struct cel_functions cel_time_functions = {rows, sizeof(rows) / sizeof(rows[0])};
