/* SPDX-License-Identifier: Apache-2.0 */
/* Host names and mailboxes; see format.h. */
#include "base/utf8.h"
#include "contract/format.h"
#include "contract/idna.h"

enum { LABEL_MAX = 63, HOST_MAX = 253, LOCAL_MAX = 64 };

static bool is_letter_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_ascii(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.data[i] & 0x80)
			return false;
	return true;
}

/* RFC 1123 section 2.1, and A-labels have to be what they say. */
static bool is_ascii_label(struct slice s)
{
	if (s.len == 0 || s.len > LABEL_MAX || s.data[0] == '-' || s.data[s.len - 1] == '-')
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (!is_letter_or_digit(s.data[i]) && s.data[i] != '-')
			return false;
	if (s.len < 4 || s.data[2] != '-' || s.data[3] != '-')
		return true;
	/* RFC 5891 section 4.2.3.1: the only labels with hyphens there are A-labels. */
	return slice_eq_icase(slice_first(s, 4), SLICE("xn--")) && idna_a_label(slice_from(s, 4));
}

bool format_hostname(struct slice s)
{
	struct slice rest = s, label;
	bool more = true;

	if (s.len == 0 || s.len > HOST_MAX)
		return false;
	while (slice_next(&rest, &more, '.', &label))
		if (!is_ascii_label(label))
			return false;
	return true;
}

/* Length in bytes of the full stop at s, or one of those that RFC 3490 section 3.1 takes for
 * one. */
static size_t dot_length(struct slice s)
{
	static const struct slice dots[] = {
		SLICE_INIT("."),
		SLICE_INIT("\xe3\x80\x82"),
		SLICE_INIT("\xef\xbc\x8e"),
		SLICE_INIT("\xef\xbd\xa1"),
	};

	for (int i = 0; i < 4; i++)
		if (slice_starts_with(s, dots[i]))
			return dots[i].len;
	return 0;
}

/* Length as DNS would have it counts A-labels. */
bool format_idn_hostname(struct slice s)
{
	size_t encoded = 0;

	if (s.len == 0 || s.len > 4 * HOST_MAX)
		return false;
	for (;;) {
		size_t end = 0, dot = 0;
		while (end < s.len && !(dot = dot_length(slice_from(s, end))))
			end++;
		struct slice label = slice_first(s, end);
		size_t len = label.len;
		if (is_ascii(label) ? !is_ascii_label(label) : !idna_u_label(label, &len))
			return false;
		encoded += len + 1;
		if (end == s.len)
			return encoded - 1 <= HOST_MAX;
		s = slice_of(s.data + end + dot, s.len - end - dot);
	}
}

/* ---- mailboxes, RFC 5321 section 4.1.2 */

static bool is_atext(char c, bool idn)
{
	return is_letter_or_digit(c) || (c && strchr("!#$%&'*+-/=?^_`{|}~", c)) ||
	       (idn && (c & 0x80));
}

static bool is_dot_string(struct slice s, bool idn)
{
	struct slice part;
	bool more = true;

	while (slice_next(&s, &more, '.', &part)) {
		if (part.len == 0)
			return false;
		for (size_t i = 0; i < part.len; i++)
			if (!is_atext(part.data[i], idn))
				return false;
	}
	return true;
}

/* Between the quotes. */
static bool is_quoted(struct slice s, bool idn)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.data[i];
		if (c == '\\' && ++i == s.len)
			return false;
		c = s.data[i];
		if (!(c >= 0x20 && c <= 0x7e) && !(idn && (c & 0x80)))
			return false;
		if (c == '"' && s.data[i - 1] != '\\')
			return false;
	}
	return true;
}

static bool is_local_part(struct slice s, bool idn)
{
	if (s.len == 0 || s.len > LOCAL_MAX)
		return false;
	if (s.data[0] != '"')
		return is_dot_string(s, idn);
	return s.len >= 2 && s.data[s.len - 1] == '"' &&
	       is_quoted(slice_of(s.data + 1, s.len - 2), idn);
}

static bool is_mail_domain(struct slice s, bool idn)
{
	if (s.len < 2 || s.data[0] != '[')
		return idn ? format_idn_hostname(s) : format_hostname(s);
	if (s.data[s.len - 1] != ']')
		return false;
	s = slice_of(s.data + 1, s.len - 2);
	if (s.len >= 5 && slice_eq_icase(slice_first(s, 5), SLICE("IPv6:")))
		return format_ipv6(slice_from(s, 5));
	return format_ipv4(s);
}

static bool is_mailbox(struct slice s, bool idn)
{
	size_t at = s.len;

	/* The last @ parts: a quoted local part may hold others. */
	while (at && s.data[at - 1] != '@')
		at--;
	if (at == 0)
		return false;
	return is_local_part(slice_first(s, at - 1), idn) &&
	       is_mail_domain(slice_of(s.data + at, s.len - at), idn);
}

bool format_email(struct slice s)
{
	return is_mailbox(s, false);
}

bool format_idn_email(struct slice s)
{
	return utf8_valid(s) && is_mailbox(s, true);
}
