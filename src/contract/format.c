/* SPDX-License-Identifier: Apache-2.0 */
/* Dates, times, pointers, and the list of all formats; see format.h. */
#include "contract/format.h"

#include "base/num.h"
#include "contract/regex.h"
#include "json/pointer.h"

/* ---- dates and times, RFC 3339 */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Exactly so many digits at `at`. */
static bool digits(struct slice s, size_t at, size_t count, unsigned *value)
{
	*value = 0;
	if (at > s.len || s.len - at < count)
		return false;
	for (size_t i = at; i < at + count; i++) {
		if (!is_digit(s.data[i]))
			return false;
		*value = *value * 10 + (unsigned)(s.data[i] - '0');
	}
	return true;
}

static unsigned days_of(unsigned year, unsigned month)
{
	static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return days[month - 1] + (unsigned)(month == 2 && leap);
}

bool format_date(struct slice s)
{
	unsigned year, month, day;

	return s.len == 10 && digits(s, 0, 4, &year) && s.data[4] == '-' &&
	       digits(s, 5, 2, &month) && s.data[7] == '-' && digits(s, 8, 2, &day) && month >= 1 &&
	       month <= 12 && day >= 1 && day <= days_of(year, month);
}

/* Z or +hh:mm; *offset in minutes. */
static bool read_offset(struct slice s, int *offset)
{
	unsigned hour, minute;

	*offset = 0;
	if (s.len == 1)
		return s.data[0] == 'Z' || s.data[0] == 'z';
	if (s.len != 6 || (s.data[0] != '+' && s.data[0] != '-') || s.data[3] != ':' ||
	    !digits(s, 1, 2, &hour) || !digits(s, 4, 2, &minute) || hour > 23 || minute > 59)
		return false;
	*offset = (int)(hour * 60 + minute);
	if (s.data[0] == '-')
		*offset = -*offset;
	return true;
}

bool format_time(struct slice s)
{
	unsigned hour, minute, second;
	int offset;
	size_t at = 8;

	if (!digits(s, 0, 2, &hour) || !digits(s, 3, 2, &minute) || !digits(s, 6, 2, &second) ||
	    s.data[2] != ':' || s.data[5] != ':' || hour > 23 || minute > 59 || second > 60)
		return false;
	if (at < s.len && s.data[at] == '.') {
		size_t from = ++at;
		while (at < s.len && is_digit(s.data[at]))
			at++;
		if (at == from)
			return false;
	}
	if (at >= s.len || !read_offset(slice_from(s, at), &offset))
		return false;
	/* A leap second is the last one of a day, in UTC. */
	int utc = ((int)(hour * 60 + minute) - offset + 2 * 1440) % 1440;
	return second < 60 || utc == 1439;
}

bool format_date_time(struct slice s)
{
	return s.len > 11 && (s.data[10] == 'T' || s.data[10] == 't') &&
	       format_date(slice_first(s, 10)) && format_time(slice_from(s, 11));
}

/* Numbers with these units, in order, without gaps: 1Y2M, not 1Y2D. Takes what it can. */
static bool take_units(struct slice *s, const char *units, bool *any)
{
	const char *next = NULL;

	while (s->len && is_digit(s->data[0])) {
		size_t i = 0;
		while (i < s->len && is_digit(s->data[i]))
			i++;
		const char *unit = i < s->len && s->data[i] ? strchr(units, s->data[i]) : NULL;
		if (!unit || (next && unit != next))
			return false;
		next = unit + 1;
		*any = true;
		*s = slice_of(s->data + i + 1, s->len - i - 1);
	}
	return true;
}

bool format_duration(struct slice s)
{
	bool any = false, any_time = false;

	if (s.len < 2 || s.data[0] != 'P')
		return false;
	s = slice_of(s.data + 1, s.len - 1);
	if (s.data[s.len - 1] == 'W')
		return take_units(&s, "W", &any) && any && s.len == 0;
	if (!take_units(&s, "YMD", &any))
		return false;
	if (s.len && s.data[0] == 'T') {
		s = slice_of(s.data + 1, s.len - 1);
		if (!take_units(&s, "HMS", &any_time) || !any_time)
			return false;
		any = true;
	}
	return any && s.len == 0;
}

/* ---- identifiers and pointers */

bool format_uuid(struct slice s)
{
	if (s.len != 36)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;
		if (dash ? s.data[i] != '-' : num_hex_digit(s.data[i]) < 0)
			return false;
	}
	return true;
}

bool format_json_pointer(struct slice s)
{
	return json_pointer_valid(s);
}

bool format_relative_json_pointer(struct slice s)
{
	size_t at = 0;

	while (at < s.len && is_digit(s.data[at]))
		at++;
	if (at == 0 || (at > 1 && s.data[0] == '0'))
		return false;
	if (at + 1 == s.len && s.data[at] == '#')
		return true;
	return at == s.len || json_pointer_valid(slice_of(s.data + at, s.len - at));
}

bool format_regex(struct slice s)
{
	return regex_valid(s);
}

/* What AsyncAPI and OpenAPI documents say of numbers or of no strings in particular is not in
 * this list: int32, float, binary, password, ... */
format_fn format_find(struct slice name)
{
	static const struct {
		struct slice name;
		format_fn check;
	} formats[] = {
		{SLICE_INIT("date"), format_date},
		{SLICE_INIT("time"), format_time},
		{SLICE_INIT("date-time"), format_date_time},
		{SLICE_INIT("duration"), format_duration},
		{SLICE_INIT("email"), format_email},
		{SLICE_INIT("idn-email"), format_idn_email},
		{SLICE_INIT("hostname"), format_hostname},
		{SLICE_INIT("idn-hostname"), format_idn_hostname},
		{SLICE_INIT("ipv4"), format_ipv4},
		{SLICE_INIT("ipv6"), format_ipv6},
		{SLICE_INIT("uri"), format_uri},
		{SLICE_INIT("uri-reference"), format_uri_reference},
		{SLICE_INIT("iri"), format_iri},
		{SLICE_INIT("iri-reference"), format_iri_reference},
		{SLICE_INIT("uri-template"), format_uri_template},
		{SLICE_INIT("uuid"), format_uuid},
		{SLICE_INIT("json-pointer"), format_json_pointer},
		{SLICE_INIT("relative-json-pointer"), format_relative_json_pointer},
		{SLICE_INIT("regex"), format_regex},
	};

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (slice_eq(name, formats[i].name))
			return formats[i].check;
	return NULL;
}
