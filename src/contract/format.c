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

enum { NO_NUMBER = 100, DATE_BYTES = 10, TIME_BYTES = 8 };

/* Of two digits; NO_NUMBER: they are none. */
static unsigned two_digits(const char *p)
{
	unsigned ten = (unsigned char)p[0] - (unsigned)'0',
		 one = (unsigned char)p[1] - (unsigned)'0';

	return ten > 9 || one > 9 ? NO_NUMBER : ten * 10 + one;
}

static unsigned days_of(unsigned year, unsigned month)
{
	static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return days[month - 1] + (unsigned)(month == 2 && leap);
}

/* 2024-02-29, at p. */
static bool is_date(const char *p)
{
	unsigned century = two_digits(p), year = two_digits(p + 2);
	unsigned month = two_digits(p + 5), day = two_digits(p + 8);

	return century < NO_NUMBER && year < NO_NUMBER && p[4] == '-' && p[7] == '-' &&
	       month >= 1 && month <= 12 && day >= 1 && day <= days_of(century * 100 + year, month);
}

bool format_date(struct slice s)
{
	return s.len == DATE_BYTES && is_date(s.data);
}

/* Z or +hh:mm; *offset in minutes. */
static bool read_offset(struct slice s, int *offset)
{
	*offset = 0;
	if (s.len == 1)
		return s.data[0] == 'Z' || s.data[0] == 'z';
	if (s.len != 6 || (s.data[0] != '+' && s.data[0] != '-') || s.data[3] != ':')
		return false;
	unsigned hour = two_digits(s.data + 1), minute = two_digits(s.data + 4);
	if (hour > 23 || minute > 59)
		return false;
	*offset = (int)(hour * 60 + minute);
	if (s.data[0] == '-')
		*offset = -*offset;
	return true;
}

bool format_time(struct slice s)
{
	size_t at = TIME_BYTES;
	int offset;

	if (s.len <= TIME_BYTES || s.data[2] != ':' || s.data[5] != ':')
		return false;
	unsigned hour = two_digits(s.data), minute = two_digits(s.data + 3);
	unsigned second = two_digits(s.data + 6);
	if (hour > 23 || minute > 59 || second > 60)
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
	return s.len > DATE_BYTES && (s.data[DATE_BYTES] == 'T' || s.data[DATE_BYTES] == 't') &&
	       is_date(s.data) && format_time(slice_from(s, DATE_BYTES + 1));
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
