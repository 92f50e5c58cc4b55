/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens; see lex.h. Literals are those of the language definition, "Syntax". */
#include "cel/lex.h"

#include <math.h>

#include "base/num.h"
#include "base/utf8.h"

static int byte_at(const struct cel_lexer *l, size_t at)
{
	return at < l->text.len ? (unsigned char)l->text.data[at] : -1;
}

static bool is_digit(int c)
{
	return c >= '0' && c <= '9';
}

static bool starts_name(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static void skip_space(struct cel_lexer *l)
{
	for (;;) {
		int c = byte_at(l, l->at);
		if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f') {
			l->at++;
		} else if (c == '/' && byte_at(l, l->at + 1) == '/') {
			while (byte_at(l, l->at) >= 0 && byte_at(l, l->at) != '\n')
				l->at++;
		} else {
			return;
		}
	}
}

static struct cel_token bad(struct cel_token t, size_t at, const char *sentence)
{
	t.kind = CEL_TOK_BAD;
	t.at = at;
	t.sentence = sentence;
	return t;
}

/* ---- numbers */

bool cel_parse_double(struct slice text, double *out)
{
	enum { MOST_DIGITS = 800 };
	char copy[MOST_DIGITS + 1];
	char *end;

	if (text.len == 0 || text.len > MOST_DIGITS)
		return false;
	for (size_t i = 0; i < text.len; i++)
		if (!is_digit(text.data[i]) && (!text.data[i] || !strchr("+-.eE", text.data[i])))
			return false;
	memcpy(copy, text.data, text.len);
	copy[text.len] = '\0';
	*out = strtod(copy, &end);
	return *end == '\0';
}

static struct cel_token hexadecimal(struct cel_lexer *l, struct cel_token t)
{
	size_t from = l->at + 2, to = from;

	while (byte_at(l, to) >= 0 && num_hex_digit(l->text.data[to]) >= 0)
		to++;
	while (from + 1 < to && l->text.data[from] == '0')
		from++;
	if (!num_parse_hex(slice_of(l->text.data + from, to - from), UINT64_MAX, &t.natural))
		return bad(t, t.at, "this is not a hexadecimal number of at most 64 bits");
	t.kind = CEL_TOK_INT;
	l->at = to;
	return t;
}

/* Behind the digits at `to`: fraction and exponent, where there are some. */
static size_t behind_double(const struct cel_lexer *l, size_t to)
{
	if (byte_at(l, to) == '.' && is_digit(byte_at(l, to + 1)))
		for (to++; is_digit(byte_at(l, to));)
			to++;
	if (byte_at(l, to) == 'e' || byte_at(l, to) == 'E') {
		size_t digits = to + 1;
		if (byte_at(l, digits) == '+' || byte_at(l, digits) == '-')
			digits++;
		if (is_digit(byte_at(l, digits)))
			for (to = digits; is_digit(byte_at(l, to));)
				to++;
	}
	return to;
}

static struct cel_token decimal(struct cel_lexer *l, struct cel_token t)
{
	size_t digits = l->at;

	while (is_digit(byte_at(l, digits)))
		digits++;
	size_t to = behind_double(l, digits);
	struct slice text = slice_of(l->text.data + l->at, to - l->at);
	l->at = to;
	if (to > digits) {
		t.kind = CEL_TOK_DOUBLE;
		if (!cel_parse_double(text, &t.real) || isinf(t.real))
			return bad(t, t.at, "this number is larger than a double can be");
		return t;
	}
	t.kind = CEL_TOK_INT;
	if (!num_parse_u64_zeros(text, UINT64_MAX, &t.natural))
		return bad(t, t.at, "this number does not fit in 64 bits");
	return t;
}

static struct cel_token number(struct cel_lexer *l, struct cel_token t)
{
	int second = byte_at(l, l->at + 1);
	bool hex = byte_at(l, l->at) == '0' && (second == 'x' || second == 'X');

	t = hex ? hexadecimal(l, t) : decimal(l, t);
	int next = byte_at(l, l->at);
	if (t.kind == CEL_TOK_INT && (next == 'u' || next == 'U')) {
		t.kind = CEL_TOK_UINT;
		next = byte_at(l, ++l->at);
	}
	if (t.kind != CEL_TOK_BAD && (starts_name(next) || is_digit(next)))
		return bad(t, t.at, "a number ends where a name begins");
	return t;
}

/* ---- strings */

struct literal {
	bool raw, bytes;
	int quote;
	unsigned quotes; /* 1 or 3 */
	char *out;
	size_t len;
};

/* n digits of that base at l->at; -1 when they are not. */
static int64_t digits(struct cel_lexer *l, unsigned n, unsigned base)
{
	int64_t value = 0;

	for (unsigned i = 0; i < n; i++) {
		int c = byte_at(l, l->at + i);
		int digit = c < 0 ? -1 : num_hex_digit((char)c);
		if (digit < 0 || (unsigned)digit >= base)
			return -1;
		value = value * base + digit;
	}
	l->at += n;
	return value;
}

static const char *put_character(struct literal *s, int64_t value)
{
	unsigned n =
		value < 0 || value > 0x10ffff ? 0 : utf8_encode((uint32_t)value, s->out + s->len);

	s->len += n;
	return n ? NULL : "this escape is not a character";
}

static const char *put_octet_or_character(struct literal *s, int64_t value)
{
	if (!s->bytes)
		return put_character(s, value);
	if (value < 0 || value > 0xff)
		return "this escape is not a byte";
	s->out[s->len++] = (char)value;
	return NULL;
}

/* l->at is behind the backslash. */
static const char *escape(struct cel_lexer *l, struct literal *s)
{
	static const char letters[] = "abfnrtv\\?\"'`", meant[] = "\a\b\f\n\r\t\v\\?\"'`";
	int c = byte_at(l, l->at);
	const char *simple = c > 0 ? strchr(letters, c) : NULL;

	if (simple) {
		l->at++;
		s->out[s->len++] = meant[simple - letters];
		return NULL;
	}
	if (c == 'x' || c == 'X') {
		l->at++;
		return put_octet_or_character(s, digits(l, 2, 16));
	}
	if (c >= '0' && c <= '3')
		return put_octet_or_character(s, digits(l, 3, 8));
	if ((c == 'u' || c == 'U') && !s->bytes) {
		l->at++;
		return put_character(s, digits(l, c == 'u' ? 4 : 8, 16));
	}
	return "there is no such escape";
}

static bool at_end(const struct cel_lexer *l, const struct literal *s)
{
	for (unsigned i = 0; i < s->quotes; i++)
		if (byte_at(l, l->at + i) != s->quote)
			return false;
	return true;
}

static struct cel_token string(struct cel_lexer *l, struct cel_token t, struct literal s)
{
	s.quote = byte_at(l, l->at);
	s.quotes = byte_at(l, l->at + 1) == s.quote && byte_at(l, l->at + 2) == s.quote ? 3 : 1;
	l->at += s.quotes;
	/* Decoded it is never longer than it was written. */
	s.out = arena_alloc(l->arena, l->text.len - l->at + 1);
	if (!s.out)
		return bad(t, t.at, "there is no memory for this string");
	while (!at_end(l, &s)) {
		int c = byte_at(l, l->at);
		size_t from = l->at;
		if (c < 0 || (s.quotes == 1 && (c == '\n' || c == '\r')))
			return bad(t, t.at, "this string has no end");
		l->at++;
		if (c != '\\' || s.raw) {
			s.out[s.len++] = (char)c;
			continue;
		}
		const char *wrong = escape(l, &s);
		if (wrong)
			return bad(t, from, wrong);
	}
	l->at += s.quotes;
	if (!arena_resize(l->arena, s.out, s.len + 1))
		return bad(t, t.at, "there is no memory for this string");
	t.kind = s.bytes ? CEL_TOK_BYTES : CEL_TOK_STRING;
	t.text = slice_of(s.out, s.len);
	return t;
}

/* r, b, br and rb before a quote, in either case. */
static bool string_prefix(const struct cel_lexer *l, struct literal *s, size_t *len)
{
	size_t n = 0;

	for (; n < 3; n++) {
		int c = byte_at(l, l->at + n);
		if ((c == 'r' || c == 'R') && !s->raw)
			s->raw = true;
		else if ((c == 'b' || c == 'B') && !s->bytes)
			s->bytes = true;
		else
			break;
	}
	*len = n;
	int quote = byte_at(l, l->at + n);
	return quote == '"' || quote == '\'';
}

/* ---- names and signs */

static bool in_quoted_name(int c)
{
	return starts_name(c) || is_digit(c) || c == '.' || c == '-' || c == '/' || c == ' ';
}

static struct cel_token quoted_name(struct cel_lexer *l, struct cel_token t)
{
	size_t from = ++l->at;

	while (in_quoted_name(byte_at(l, l->at)))
		l->at++;
	if (byte_at(l, l->at) != '`' || l->at == from)
		return bad(t, t.at, "a name in `...` is of letters, digits and _ . - / and spaces");
	t.text = slice_of(l->text.data + from, l->at++ - from);
	t.kind = CEL_TOK_QUOTED_IDENT;
	return t;
}

static struct cel_token name(struct cel_lexer *l, struct cel_token t)
{
	static const struct {
		struct slice text;
		enum cel_token_kind kind;
	} words[] = {
		{SLICE_INIT("true"), CEL_TOK_TRUE},
		{SLICE_INIT("false"), CEL_TOK_FALSE},
		{SLICE_INIT("null"), CEL_TOK_NULL},
		{SLICE_INIT("in"), CEL_TOK_IN},
	};

	while (starts_name(byte_at(l, l->at)) || is_digit(byte_at(l, l->at)))
		l->at++;
	t.kind = CEL_TOK_IDENT;
	t.text = slice_of(l->text.data + t.at, l->at - t.at);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (slice_eq(words[i].text, t.text))
			t.kind = (int)words[i].kind;
	return t;
}

static struct cel_token sign(struct cel_lexer *l, struct cel_token t)
{
	static const struct {
		char text[3];
		enum cel_token_kind kind;
	} pairs[] = {{"<=", CEL_TOK_LE}, {">=", CEL_TOK_GE},  {"==", CEL_TOK_EQ},
		     {"!=", CEL_TOK_NE}, {"&&", CEL_TOK_AND}, {"||", CEL_TOK_OR}};
	int c = byte_at(l, l->at), next = byte_at(l, l->at + 1);

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		if (pairs[i].text[0] == c && pairs[i].text[1] == next) {
			l->at += 2;
			t.kind = (int)pairs[i].kind;
			return t;
		}
	if (c == 0 || !strchr("()[]{}<>!+-*/%?:.,", c))
		return bad(t, t.at,
			   c == '=' ? "a comparison is written =="
				    : "this character means nothing here");
	l->at++;
	t.kind = c;
	return t;
}

static struct cel_token token(struct cel_lexer *l)
{
	struct cel_token t = {.kind = CEL_TOK_END, .at = l->at};
	struct literal s = {0};
	int c = byte_at(l, l->at);
	size_t prefix;

	if (c < 0)
		return t;
	if (is_digit(c) || (c == '.' && is_digit(byte_at(l, l->at + 1))))
		return number(l, t);
	if (string_prefix(l, &s, &prefix)) {
		l->at += prefix;
		return string(l, t, s);
	}
	if (c == '`')
		return quoted_name(l, t);
	return starts_name(c) ? name(l, t) : sign(l, t);
}

struct cel_token cel_lex(struct cel_lexer *l)
{
	skip_space(l);
	struct cel_token t = token(l);
	t.end = l->at;
	return t;
}
