/* SPDX-License-Identifier: Apache-2.0 */
/* Timestamps and durations; see moment.h. */
#include "cel/moment.h"

#include "base/buf.h"

enum { DAY_SECONDS = 86400 };

/* Of the digits behind the dot of a duration: an hour has 3.6e12 nanoseconds. */
#define SCALE_MOST INT64_C(1000000000000000)

/* ---- calendar: days are counted from 1 March of year 0, so that the leap day is the last */

/* Days from 1970-01-01 to that date. */
static int64_t days_of(int64_t year, unsigned month, unsigned day)
{
	year -= month <= 2;
	int64_t era = (year >= 0 ? year : year - 399) / 400;
	int64_t of_era = year - era * 400;
	int64_t of_year = (153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

struct moment_date moment_date(int64_t unix_seconds)
{
	int64_t days = unix_seconds / DAY_SECONDS, rest = unix_seconds % DAY_SECONDS;

	if (rest < 0) {
		rest += DAY_SECONDS;
		days--;
	}
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;
	struct moment_date d = {.year = yoe + era * 400 + (mp >= 10),
				.month = (unsigned)(mp < 10 ? mp + 3 : mp - 9),
				.day = (unsigned)(doy - (153 * mp + 2) / 5 + 1),
				.weekday = (unsigned)(((days + 4) % 7 + 7) % 7),
				.hour = (unsigned)(rest / 3600),
				.minute = (unsigned)(rest / 60 % 60),
				.second = (unsigned)(rest % 60)};
	d.yearday = (unsigned)(days - days_of(d.year, 1, 1));
	return d;
}

static unsigned days_in(int64_t year, unsigned month)
{
	static const uint8_t days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return month == 2 && leap ? 29 : days[month - 1];
}

struct cel_value moment_add(const struct cel_value *timestamp, int64_t nanoseconds)
{
	int64_t seconds = timestamp->as.integer + nanoseconds / MOMENT_NS_PER_S;
	int64_t ns = (int64_t)timestamp->count + nanoseconds % MOMENT_NS_PER_S;

	if (ns < 0) {
		ns += MOMENT_NS_PER_S;
		seconds--;
	} else if (ns >= MOMENT_NS_PER_S) {
		ns -= MOMENT_NS_PER_S;
		seconds++;
	}
	if (seconds < MOMENT_FIRST || seconds > MOMENT_LAST)
		return (struct cel_value){0};
	return cel_timestamp(seconds, (uint32_t)ns);
}

/* ---- RFC 3339 */

struct cursor {
	struct slice s;
	bool ok;
};

static unsigned two_digits(struct cursor *c)
{
	if (c->s.len < 2 || c->s.data[0] < '0' || c->s.data[0] > '9' || c->s.data[1] < '0' ||
	    c->s.data[1] > '9') {
		c->ok = false;
		return 0;
	}
	unsigned n = (unsigned)(c->s.data[0] - '0') * 10 + (unsigned)(c->s.data[1] - '0');
	c->s = slice_from(c->s, 2);
	return n;
}

static bool skip(struct cursor *c, const char *any_of)
{
	if (c->s.len == 0 || c->s.data[0] == '\0' || !strchr(any_of, c->s.data[0]))
		return false;
	c->s = slice_from(c->s, 1);
	return true;
}

static void must(struct cursor *c, const char *any_of)
{
	if (!skip(c, any_of))
		c->ok = false;
}

/* Digits behind a dot as nanoseconds; those behind the ninth are not needed. */
static int64_t fraction(struct cursor *c)
{
	int64_t ns = 0, unit = MOMENT_NS_PER_S / 10;
	size_t digits = 0;

	for (; digits < c->s.len && c->s.data[digits] >= '0' && c->s.data[digits] <= '9';
	     digits++) {
		ns += (c->s.data[digits] - '0') * unit;
		unit /= 10;
	}
	if (digits == 0)
		c->ok = false;
	c->s = slice_from(c->s, digits);
	return ns;
}

static int32_t offset(struct cursor *c, bool negative)
{
	unsigned hours = two_digits(c);

	must(c, ":");
	unsigned minutes = two_digits(c);
	if (hours > 23 || minutes > 59)
		c->ok = false;
	int32_t seconds = (int32_t)(hours * 3600 + minutes * 60);
	return negative ? -seconds : seconds;
}

bool moment_parse_offset(struct slice text, int32_t *seconds)
{
	struct cursor c = {text, true};

	if (slice_eq(text, SLICE("UTC")) || slice_eq(text, SLICE("Z"))) {
		*seconds = 0;
		return true;
	}
	bool negative = skip(&c, "-");
	if (!negative)
		skip(&c, "+");
	int32_t ahead = offset(&c, negative);
	if (!c.ok || c.s.len)
		return false;
	*seconds = ahead;
	return true;
}

struct cel_value moment_parse(struct slice text)
{
	struct cursor c = {text, true};
	int64_t ns = 0;

	int64_t year = two_digits(&c) * 100;
	year += two_digits(&c);
	must(&c, "-");
	unsigned month = two_digits(&c);
	must(&c, "-");
	unsigned day = two_digits(&c);
	must(&c, "Tt");
	unsigned hour = two_digits(&c);
	must(&c, ":");
	unsigned minute = two_digits(&c);
	must(&c, ":");
	unsigned second = two_digits(&c);
	if (skip(&c, "."))
		ns = fraction(&c);
	int32_t ahead = 0;
	if (!skip(&c, "Zz")) {
		bool negative = skip(&c, "-");
		if (!negative)
			must(&c, "+");
		ahead = offset(&c, negative);
	}
	if (!c.ok || c.s.len || month < 1 || month > 12 || day < 1 || day > days_in(year, month) ||
	    hour > 23 || minute > 59 || second > 59)
		return (struct cel_value){0};
	int64_t seconds = days_of(year, month, day) * DAY_SECONDS +
			  (int64_t)(hour * 3600 + minute * 60 + second) - ahead;
	if (seconds < MOMENT_FIRST || seconds > MOMENT_LAST)
		return (struct cel_value){0};
	return cel_timestamp(seconds, (uint32_t)ns);
}

/* ".5", ".123456"; nothing for 0 unless there have to be digits. Returns its length. */
static size_t put_fraction(char *out, uint32_t ns, unsigned least, bool exact)
{
	unsigned digits = 9;

	snprintf(out, 11, ".%09u", ns % (unsigned)MOMENT_NS_PER_S);
	if (exact)
		while (digits > least && out[digits] == '0')
			digits--;
	else
		while (digits > least && memcmp(out + digits - 2, "000", 3) == 0)
			digits -= 3;
	return digits ? digits + 1 : 0;
}

struct slice moment_format(const struct cel_value *timestamp, unsigned digits, bool exact,
			   char text[MOMENT_TEXT_BYTES])
{
	struct moment_date d = moment_date(timestamp->as.integer);
	int n = snprintf(text, 24, "%04u-%02u-%02uT%02u:%02u:%02u", (unsigned)d.year % 10000,
			 d.month % 100, d.day % 100, d.hour % 100, d.minute % 100, d.second % 100);
	size_t len = (size_t)n + put_fraction(text + n, timestamp->count, digits, exact);

	text[len++] = 'Z';
	return slice_of(text, len);
}

/* ---- durations */

static const struct unit {
	const char *name;
	int64_t ns;
} units[] = {
	{"ns", 1},
	{"us", 1000},
	{"\xc2\xb5s", 1000},
	{"\xce\xbcs", 1000},
	{"ms", 1000000},
	{"h", 3600 * MOMENT_NS_PER_S},
	{"m", 60 * MOMENT_NS_PER_S},
	{"s", MOMENT_NS_PER_S},
};

/* The unit at the front, taken off; 0 if there is none. */
static int64_t take_unit(struct slice *s)
{
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		struct slice name = slice_from_cstr(units[i].name);
		if (slice_starts_with(*s, name)) {
			*s = slice_from(*s, name.len);
			return units[i].ns;
		}
	}
	return 0;
}

/* part/scale units, rounded down, without a product that is too large: digit by digit. */
static int64_t fraction_of(int64_t part, int64_t scale, int64_t unit)
{
	int64_t ns = 0;

	for (; scale > 1; part /= 10, scale /= 10)
		ns = (ns + part % 10 * unit) / 10;
	return ns;
}

/* One number with its unit, added to *ns (which goes downwards: the least has no opposite). */
static bool take_part(struct slice *s, int64_t *ns)
{
	int64_t whole = 0, part = 0, scale = 1;
	size_t digits = 0, at = 0;

	for (; at < s->len && s->data[at] >= '0' && s->data[at] <= '9'; at++, digits++)
		if (__builtin_mul_overflow(whole, 10, &whole) ||
		    __builtin_sub_overflow(whole, s->data[at] - '0', &whole))
			return false;
	if (at < s->len && s->data[at] == '.')
		for (at++; at < s->len && s->data[at] >= '0' && s->data[at] <= '9'; at++, digits++)
			if (scale < SCALE_MOST) {
				part = part * 10 + (s->data[at] - '0');
				scale *= 10;
			}
	*s = slice_from(*s, at);
	int64_t unit = digits ? take_unit(s) : 0;
	if (unit == 0)
		return false;
	int64_t rest = fraction_of(part, scale, unit);
	return !__builtin_mul_overflow(whole, unit, &whole) &&
	       !__builtin_add_overflow(*ns, whole, ns) && !__builtin_sub_overflow(*ns, rest, ns);
}

struct cel_value moment_parse_duration(struct slice text)
{
	int64_t ns = 0;
	bool negative = text.len && text.data[0] == '-';

	if (negative || (text.len && text.data[0] == '+'))
		text = slice_from(text, 1);
	if (slice_eq(text, SLICE("0")))
		return cel_duration(0);
	if (text.len == 0)
		return (struct cel_value){0};
	while (text.len)
		if (!take_part(&text, &ns))
			return (struct cel_value){0};
	if (!negative && ns == INT64_MIN)
		return (struct cel_value){0};
	return cel_duration(negative ? ns : -ns);
}

struct slice moment_format_duration(int64_t nanoseconds, char text[MOMENT_TEXT_BYTES])
{
	uint64_t ns = nanoseconds < 0 ? 0 - (uint64_t)nanoseconds : (uint64_t)nanoseconds;
	int n = snprintf(text, 24, "%s%llu", nanoseconds < 0 ? "-" : "",
			 (unsigned long long)(ns / (uint64_t)MOMENT_NS_PER_S));
	size_t len = (size_t)n +
		     put_fraction(text + n, (uint32_t)(ns % (uint64_t)MOMENT_NS_PER_S), 0, true);

	text[len++] = 's';
	return slice_of(text, len);
}
