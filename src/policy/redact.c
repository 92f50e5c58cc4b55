/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers what must not leave; see redact.h. The text is walked twice, once to count and once
 * to write; at each place the detectors that can begin there are asked, and the first find
 * wins. Here are cards, addresses of mail and private addresses; secrets and traces have
 * files of their own.
 */
#include "policy/redact.h"

#include "base/address.h"
#include "policy/redact_priv.h"

static struct slice cover_of(unsigned kind)
{
	switch (kind) {
	case REDACT_CARD:
		return SLICE("[redacted:card]");
	case REDACT_EMAIL:
		return SLICE("[redacted:email]");
	case REDACT_SECRET:
		return SLICE("[redacted:secret]");
	case REDACT_PRIVATE_IP:
		return SLICE("[redacted:private_ip]");
	case REDACT_STACK_TRACE:
		return SLICE("[redacted:stack_trace]");
	default:
		return SLICE("[redacted]");
	}
}

/* ---- cards */

enum { CARD_MIN = 13, CARD_MAX = 19 };

static const struct {
	uint32_t from, to; /* the first six digits */
	uint8_t lengths[3];
} issuers[] = {
	/* clang-format off */
	{400000, 499999, {13, 16, 19}}, /* Visa */
	{510000, 559999, {16}}, {222100, 272099, {16}}, /* Mastercard */
	{340000, 349999, {15}}, {370000, 379999, {15}}, /* American Express */
	{300000, 305999, {14, 16}}, {309500, 309599, {14, 16}}, {360000, 369999, {14, 16, 19}},
	{380000, 399999, {14, 16}}, /* Diners Club */
	{352800, 358999, {16, 17, 19}}, /* JCB */
	{601100, 601199, {16, 19}}, {644000, 659999, {16, 19}}, /* Discover */
	{620000, 629999, {16, 17, 19}}, {810000, 817199, {16, 19}}, /* UnionPay */
	{501800, 501899, {13, 16, 19}}, {502000, 502099, {13, 16, 19}}, {503800, 503899, {13, 16, 19}},
	{589300, 589399, {13, 16, 19}}, {630400, 630499, {13, 16, 19}}, {675900, 676399, {13, 16, 19}}, /* Maestro */
	{220000, 220499, {16, 19}}, /* Mir */
	{979200, 979299, {16}}, /* Troy */
	/* clang-format on */
};

static bool is_issued(const char *digits, size_t count)
{
	uint32_t head = 0;

	for (size_t i = 0; i < 6; i++)
		head = head * 10 + (uint32_t)(digits[i] - '0');
	for (size_t i = 0; i < sizeof(issuers) / sizeof(issuers[0]); i++)
		for (size_t n = 0; n < 3; n++)
			if (head >= issuers[i].from && head <= issuers[i].to &&
			    issuers[i].lengths[n] == count)
				return true;
	return false;
}

static bool satisfies_luhn(const char *digits, size_t count)
{
	unsigned sum = 0;

	for (size_t i = 0; i < count; i++) {
		unsigned digit = (unsigned)(digits[count - 1 - i] - '0');
		if (i % 2)
			digit = digit > 4 ? digit * 2 - 9 : digit * 2;
		sum += digit;
	}
	return sum % 10 == 0;
}

/* Digits with one kind of separator between groups of three and more; the first group has
 * four digits or all. Other groupings are other numbers. */
static struct redact_find card_at(struct slice text, size_t at)
{
	char digits[CARD_MAX], separator = '\0';
	size_t count = 0, group = 0, i = at;

	if (at > 0 && (redact_is_word(text.data[at - 1]) || text.data[at - 1] == '.'))
		return (struct redact_find){0};
	for (; i < text.len; i++) {
		char c = text.data[i];
		if (redact_is_digit(c)) {
			if (count == CARD_MAX)
				return (struct redact_find){0};
			digits[count++] = c;
			group++;
			continue;
		}
		bool between = (c == ' ' || c == '-' || c == '.') && i + 1 < text.len &&
			       redact_is_digit(text.data[i + 1]);
		bool first = count == group && separator == '\0';
		if (!between || group < 3 || (first && group != 4) || (!first && c != separator))
			break;
		if (count >= CARD_MIN && is_issued(digits, count) && satisfies_luhn(digits, count))
			break; /* whole already; what follows is another number */
		separator = c;
		group = 0;
	}
	if (i < text.len && redact_is_word(text.data[i]))
		return (struct redact_find){0};
	if (count < CARD_MIN || !is_issued(digits, count) || !satisfies_luhn(digits, count))
		return (struct redact_find){0};
	return (struct redact_find){at, i};
}

/* ---- e-mail */

static bool is_local(char c)
{
	return redact_is_word(c) || c == '.' || c == '%' || c == '+' || c == '-' || c == '\'' ||
	       (unsigned char)c >= 0x80;
}

static bool is_domain(char c)
{
	return (redact_is_word(c) && c != '_') || c == '-' || (unsigned char)c >= 0x80;
}

/* Behind the domain that begins at `at`: labels, the last of at least two letters. 0: none. */
static size_t domain_end(struct slice text, size_t at)
{
	size_t end = 0, labels = 0, label = at, i = at;

	for (; i <= text.len && i - at <= 254; i++) {
		if (i < text.len && is_domain(text.data[i]))
			continue;
		if (i == label || text.data[label] == '-')
			break;
		labels++;
		if (labels > 1 && i - label >= 2 && !redact_is_digit(text.data[i - 1]) &&
		    text.data[i - 1] != '-')
			end = i;
		if (i == text.len || text.data[i] != '.')
			break;
		label = i + 1;
	}
	return end;
}

/* At a '@'. */
static struct redact_find email_at(struct slice text, size_t at, size_t floor)
{
	size_t from = at;

	while (from > floor && at - from < 64 && is_local(text.data[from - 1]))
		from--;
	while (from < at && !redact_is_word(text.data[from]) &&
	       (unsigned char)text.data[from] < 0x80)
		from++;
	size_t end = from < at ? domain_end(text, at + 1) : 0;
	return end ? (struct redact_find){from, end} : (struct redact_find){0};
}

/* ---- private addresses */

static bool is_private(const struct address *a)
{
	const uint8_t *b = a->bytes;

	if (a->family == 4)
		return b[0] == 10 || (b[0] == 172 && (b[1] & 0xf0) == 16) ||
		       (b[0] == 192 && b[1] == 168) || (b[0] == 169 && b[1] == 254);
	return a->family == 6 && ((b[0] & 0xfe) == 0xfc || (b[0] == 0xfe && (b[1] & 0xc0) == 0x80));
}

/* At the first character of a word: a run of digits and dots, or of hex digits and colons. */
static struct redact_find private_ip_at(struct slice text, size_t at)
{
	struct redact_find f = {0};
	size_t v4 = at, end = at;
	struct address a;

	if (at > 0 && (redact_is_word(text.data[at - 1]) || text.data[at - 1] == '.' ||
		       text.data[at - 1] == ':' || text.data[at - 1] == '-'))
		if (!(text.data[at - 1] == ':' && redact_is_digit(text.data[at])))
			return (struct redact_find){0};
	while (v4 < text.len && v4 - at < 16 &&
	       (redact_is_digit(text.data[v4]) || text.data[v4] == '.'))
		v4++;
	while (v4 > at && text.data[v4 - 1] == '.') /* the end of a sentence */
		v4--;
	if (address_parse(slice_of(text.data + at, v4 - at), &a) && is_private(&a)) {
		if (v4 == text.len || !redact_is_word(text.data[v4]))
			f = (struct redact_find){at, v4};
		return f;
	}
	while (end < text.len && end - at < 48 &&
	       ((redact_is_word(text.data[end]) && text.data[end] != '_') || text.data[end] == ':'))
		end++;
	if (address_parse(slice_of(text.data + at, end - at), &a) && a.family == 6 &&
	    is_private(&a))
		f = (struct redact_find){at, end};
	return f;
}

/* ---- the walk */

struct writer {
	char *to; /* NULL while counting */
	size_t len;
};

static void put(struct writer *w, struct slice piece)
{
	if (w->to && piece.len)
		memcpy(w->to + w->len, piece.data, piece.len);
	w->len += piece.len;
}

static unsigned find_at(unsigned wanted, struct slice text, size_t at, size_t floor,
			struct redact_find *f)
{
	char c = text.data[at], before = at > floor ? text.data[at - 1] : '\n';
	bool word = redact_is_word(c) && !redact_is_word(before);

	if ((wanted & REDACT_STACK_TRACE) && (at == 0 || text.data[at - 1] == '\n')) {
		*f = redact_trace_at(text, at);
		if (f->end)
			return REDACT_STACK_TRACE;
	}
	if ((wanted & REDACT_SECRET) && (word || c == '-' || c == ':')) {
		*f = redact_secret_at(text, at);
		if (f->end)
			return REDACT_SECRET;
	}
	if ((wanted & REDACT_CARD) && word && redact_is_digit(c)) {
		*f = card_at(text, at);
		if (f->end)
			return REDACT_CARD;
	}
	if ((wanted & REDACT_PRIVATE_IP) && word) {
		*f = private_ip_at(text, at);
		if (f->end)
			return REDACT_PRIVATE_IP;
	}
	if ((wanted & REDACT_EMAIL) && c == '@') {
		*f = email_at(text, at, floor);
		if (f->end)
			return REDACT_EMAIL;
	}
	return 0;
}

static size_t walk(unsigned wanted, struct slice text, char *to, unsigned *found)
{
	struct writer w = {.to = to};
	struct redact_find f;
	size_t floor = 0;

	*found = 0;
	for (size_t at = 0; at < text.len;) {
		unsigned kind = find_at(wanted, text, at, floor, &f);
		if (kind == 0) {
			at++;
			continue;
		}
		*found |= kind;
		put(&w, slice_of(text.data + floor, f.from - floor));
		put(&w, cover_of(kind));
		at = floor = f.end;
	}
	put(&w, slice_from(text, floor));
	return w.len;
}

bool redact_apply(unsigned wanted, struct slice text, struct arena *arena, struct slice *out,
		  unsigned *found)
{
	size_t len = walk(wanted, text, NULL, found);

	*out = text;
	if (*found == 0)
		return true;
	char *to = arena_alloc(arena, len + !len);
	*out = slice_of(to, to ? len : 0);
	if (!to)
		return false;
	walk(wanted, text, to, found);
	return true;
}
