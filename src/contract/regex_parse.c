/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ECMA-262 section 22.2.1 (with the u flag) read from left to right and written for PCRE2.
 *
 *   ^(?<y>\d{4})-\k<y>$   ->   ^([0-9]{4})\-\g{1}$
 *
 * No recursion: open groups are a short stack of kinds. Groups are numbered as ECMA-262 does,
 * since only its capturing groups become capturing groups; names are found in a first pass.
 */
#include "contract/regex_parse.h"

#include "base/num.h"
#include "base/utf8.h"

enum kind { GROUP, LOOK };

struct parser {
	const char *p, *end;
	struct regex_text *out;
	const char *wrong;
	bool quantifiable; /* the last thing written may be repeated */
	uint8_t open[REGEX_NESTING_MAX];
	unsigned depth;
	unsigned groups; /* in the whole pattern */
	struct slice names[REGEX_GROUPS_MAX + 1];
};

/* clang-format off */
#define SET_DIGIT       "0-9"
#define SET_NOT_DIGIT   "\\x{0}-\\x{2f}\\x{3a}-\\x{10ffff}"
#define SET_WORD        "0-9A-Za-z_"
#define SET_NOT_WORD    "\\x{0}-\\x{2f}\\x{3a}-\\x{40}\\x{5b}-\\x{5e}\\x{60}\\x{7b}-\\x{10ffff}"
/* WhiteSpace and LineTerminator: sections 12.2 and 12.3. */
#define SET_SPACE       "\\x{9}-\\x{d}\\x{20}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}" \
			"\\x{202f}\\x{205f}\\x{3000}\\x{feff}"
#define SET_NOT_SPACE   "\\x{0}-\\x{8}\\x{e}-\\x{1f}\\x{21}-\\x{9f}\\x{a1}-\\x{167f}\\x{1681}-\\x{1fff}" \
			"\\x{200b}-\\x{2027}\\x{202a}-\\x{202e}\\x{2030}-\\x{205e}\\x{2060}-\\x{2fff}" \
			"\\x{3001}-\\x{fefe}\\x{ff00}-\\x{10ffff}"
/* clang-format on */

static void refuse(struct parser *s, const char *why)
{
	if (!s->wrong)
		s->wrong = why;
	s->p = s->end;
}

static void put(struct parser *s, struct slice text)
{
	struct regex_text *o = s->out;

	if (!o->data)
		return;
	if (text.len + 1 > o->room - o->len) {
		refuse(s, "it is too long");
		return;
	}
	memcpy(o->data + o->len, text.data, text.len);
	o->len += text.len;
}

static void put_number(struct parser *s, uint32_t n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", n);

	put(s, slice_of(text, (size_t)len));
}

static bool is_letter_or_digit(uint32_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static void put_character(struct parser *s, uint32_t c)
{
	char text[16] = {(char)c};
	int len = is_letter_or_digit(c) ? 1 : snprintf(text, sizeof(text), "\\x{%x}", c);

	put(s, slice_of(text, (size_t)len));
}

static bool at(const struct parser *s, char c)
{
	return s->p < s->end && *s->p == c;
}

static bool take(struct parser *s, char c)
{
	if (!at(s, c))
		return false;
	s->p++;
	return true;
}

static bool take_word(struct parser *s, struct slice word)
{
	if (!slice_starts_with(slice_of(s->p, (size_t)(s->end - s->p)), word))
		return false;
	s->p += word.len;
	return true;
}

/* ---- characters and classes of characters */

/* One character, or a set of them. */
struct atom {
	struct slice set;      /* as it stands in a class */
	struct slice property; /* \p{...} as PCRE2 calls it */
	bool negated;          /* \P{...} */
	uint32_t character;    /* if it is neither */
};

static uint32_t take_hex(struct parser *s, int digits)
{
	uint32_t value = 0;

	for (int i = 0; i < digits; i++) {
		int digit = s->p < s->end ? num_hex_digit(*s->p) : -1;
		if (digit < 0) {
			refuse(s, "hexadecimal digits are missing");
			return 0;
		}
		value = value * 16 + (uint32_t)digit;
		s->p++;
	}
	return value;
}

static uint32_t take_braced_hex(struct parser *s)
{
	uint32_t value = 0;
	const char *from = s->p;

	while (s->p < s->end && num_hex_digit(*s->p) >= 0 && value <= 0x10ffff)
		value = value * 16 + (uint32_t)num_hex_digit(*s->p++);
	if (s->p == from || !take(s, '}') || value > 0x10ffff)
		refuse(s, "\\u{...} is not a character");
	return value;
}

/* Behind \u. */
static uint32_t take_unicode(struct parser *s)
{
	uint32_t value = take(s, '{') ? take_braced_hex(s) : take_hex(s, 4);

	if (value >= 0xd800 && value < 0xdc00 && take_word(s, SLICE("\\u"))) {
		uint32_t low = take_hex(s, 4);
		if (low >= 0xdc00 && low < 0xe000)
			return 0x10000 + ((value - 0xd800) << 10) + (low - 0xdc00);
	}
	if (value >= 0xd800 && value < 0xe000)
		refuse(s, "half of a surrogate pair never matches");
	return value;
}

static bool is_set(const struct atom *a)
{
	return a->set.data || a->property.data;
}

/* Behind \p or \P. */
static struct atom take_property(struct parser *s, bool negated)
{
	struct atom a = {.property = SLICE("L"), .negated = negated};
	const char *from = s->p + 1;

	if (!take(s, '{')) {
		refuse(s, "\\p needs a property in braces");
		return a;
	}
	while (s->p < s->end && *s->p != '}')
		s->p++;
	struct slice name = slice_of(from, (size_t)(s->p - from));
	if (!take(s, '}') || !regex_property(name, &a.property))
		refuse(s, "no such Unicode property");
	return a;
}

static bool is_punctuation(char c)
{
	return c > 0x20 && c < 0x7f && !is_letter_or_digit((uint32_t)c) && c != '_';
}

static struct atom take_control(struct parser *s)
{
	char c = s->p < s->end ? *s->p : '\0';

	if (!is_letter_or_digit((uint32_t)c) || (c >= '0' && c <= '9')) {
		refuse(s, "\\c needs a letter");
		return (struct atom){0};
	}
	s->p++;
	return (struct atom){.character = (uint32_t)c % 32};
}

/* Behind a backslash: all escapes that mean a character or a set, in classes and outside. */
static struct atom take_escape(struct parser *s)
{
	char c = s->p < s->end ? *s->p++ : '\0';

	/* clang-format off */
	switch (c) {
	case 'd': return (struct atom){.set = SLICE(SET_DIGIT)};
	case 'D': return (struct atom){.set = SLICE(SET_NOT_DIGIT)};
	case 'w': return (struct atom){.set = SLICE(SET_WORD)};
	case 'W': return (struct atom){.set = SLICE(SET_NOT_WORD)};
	case 's': return (struct atom){.set = SLICE(SET_SPACE)};
	case 'S': return (struct atom){.set = SLICE(SET_NOT_SPACE)};
	case 'p': return take_property(s, false);
	case 'P': return take_property(s, true);
	case 't': return (struct atom){.character = '\t'};
	case 'n': return (struct atom){.character = '\n'};
	case 'v': return (struct atom){.character = '\v'};
	case 'f': return (struct atom){.character = '\f'};
	case 'r': return (struct atom){.character = '\r'};
	case 'c': return take_control(s);
	case 'x': return (struct atom){.character = take_hex(s, 2)};
	case 'u': return (struct atom){.character = take_unicode(s)};
	case '0':
		if (s->p < s->end && *s->p >= '0' && *s->p <= '9')
			refuse(s, "octal escapes are not allowed");
		return (struct atom){.character = 0};
	default: break;
	}
	/* clang-format on */
	if (!is_punctuation(c))
		refuse(s, "this escape means nothing in ECMA-262");
	return (struct atom){.character = (uint8_t)c};
}

static uint32_t take_literal(struct parser *s)
{
	uint32_t c = 0;
	unsigned len = utf8_decode(slice_of(s->p, (size_t)(s->end - s->p)), &c);

	if (len == 0)
		refuse(s, "it is not UTF-8");
	else
		s->p += len;
	return c;
}

static void put_in_class(struct parser *s, const struct atom *a)
{
	if (a->set.data) {
		put(s, a->set);
	} else if (a->property.data) {
		put(s, a->negated ? SLICE("\\P{") : SLICE("\\p{"));
		put(s, a->property);
		put(s, SLICE("}"));
	} else {
		put_character(s, a->character);
	}
}

static struct atom take_class_atom(struct parser *s)
{
	if (!take(s, '\\'))
		return (struct atom){.character = take_literal(s)};
	if (take(s, 'b'))
		return (struct atom){.character = '\b'};
	return take_escape(s);
}

/* a, a-z: inside the brackets. */
static void parse_class_range(struct parser *s)
{
	struct atom from = take_class_atom(s);

	put_in_class(s, &from);
	if (!at(s, '-') || s->p + 1 >= s->end || s->p[1] == ']')
		return;
	s->p++;
	struct atom to = take_class_atom(s);
	if (is_set(&from) || is_set(&to)) {
		refuse(s, "a range goes from a character to a character");
	} else if (from.character > to.character) {
		refuse(s, "a range goes upwards");
	} else {
		put(s, SLICE("-"));
		put_in_class(s, &to);
	}
}

/* Behind the bracket. */
static void parse_class(struct parser *s)
{
	bool negated = take(s, '^');

	if (take(s, ']')) {
		put(s, negated ? SLICE("[\\x{0}-\\x{10ffff}]") : SLICE("(?!)"));
		return;
	}
	put(s, negated ? SLICE("[^") : SLICE("["));
	while (s->p < s->end && !at(s, ']'))
		parse_class_range(s);
	put(s, SLICE("]"));
	if (!s->wrong && !take(s, ']'))
		refuse(s, "a class is not closed");
}

/* ---- groups and references */

static bool is_name_start(char c)
{
	return c == '$' || c == '_' || (c & 0x80) ||
	       (is_letter_or_digit((uint8_t)c) && !(c >= '0' && c <= '9'));
}

/* name>; behind the opening <. */
static struct slice take_name(struct parser *s)
{
	const char *from = s->p;

	if (s->p < s->end && is_name_start(*s->p))
		while (s->p < s->end &&
		       (is_name_start(*s->p) || is_letter_or_digit((uint8_t)*s->p)))
			s->p++;
	struct slice name = slice_of(from, (size_t)(s->p - from));
	if (name.len == 0 || !take(s, '>'))
		refuse(s, "a group's name is not well-formed");
	return name;
}

/* The first pass: how many groups, and what they are called. */
static void count_groups(struct parser *s)
{
	bool in_class = false;

	while (s->p < s->end) {
		char c = *s->p++;
		if (c == '\\' && s->p < s->end)
			s->p++;
		else if (c == '[')
			in_class = true;
		else if (c == ']')
			in_class = false;
		if (c != '(' || in_class)
			continue;
		bool named = s->end - s->p >= 3 && memcmp(s->p, "?<", 2) == 0 && s->p[2] != '=' &&
			     s->p[2] != '!';
		if (at(s, '?') && !named)
			continue;
		if (++s->groups > REGEX_GROUPS_MAX) {
			refuse(s, "it has too many groups");
			return;
		}
		if (!named)
			continue;
		s->p += 2;
		struct slice name = take_name(s);
		for (unsigned i = 1; i < s->groups; i++)
			if (s->names[i].len && slice_eq(s->names[i], name))
				refuse(s, "two groups have one name");
		s->names[s->groups] = name;
	}
}

static void open_group(struct parser *s, enum kind kind, struct slice text)
{
	if (s->depth == REGEX_NESTING_MAX) {
		refuse(s, "its groups are nested too deeply");
		return;
	}
	s->open[s->depth++] = (uint8_t)kind;
	s->quantifiable = false;
	put(s, text);
}

/* Behind the parenthesis. */
static void parse_group(struct parser *s)
{
	if (!take(s, '?')) {
		open_group(s, GROUP, SLICE("("));
	} else if (take(s, ':')) {
		open_group(s, GROUP, SLICE("(?:"));
	} else if (take(s, '=')) {
		open_group(s, LOOK, SLICE("(?="));
	} else if (take(s, '!')) {
		open_group(s, LOOK, SLICE("(?!"));
	} else if (take_word(s, SLICE("<="))) {
		open_group(s, LOOK, SLICE("(?<="));
	} else if (take_word(s, SLICE("<!"))) {
		open_group(s, LOOK, SLICE("(?<!"));
	} else if (take(s, '<')) {
		take_name(s);
		open_group(s, GROUP, SLICE("("));
	} else {
		refuse(s, "ECMA-262 knows no such group");
	}
}

static void close_group(struct parser *s)
{
	if (s->depth == 0) {
		refuse(s, "a parenthesis closes nothing");
		return;
	}
	put(s, SLICE(")"));
	s->quantifiable = s->open[--s->depth] == GROUP;
}

static void put_reference(struct parser *s, uint32_t group)
{
	if (group > s->groups)
		refuse(s, "it refers to a group that is not there");
	if (s->wrong)
		return;
	put(s, SLICE("\\g{"));
	put_number(s, group);
	put(s, SLICE("}"));
}

static void parse_named_reference(struct parser *s)
{
	if (!take(s, '<')) {
		refuse(s, "\\k needs a name");
		return;
	}
	struct slice name = take_name(s);
	for (unsigned i = 1; i <= s->groups; i++) {
		if (s->names[i].len && slice_eq(s->names[i], name)) {
			put_reference(s, i);
			return;
		}
	}
	refuse(s, "it refers to a group that is not there");
}

static void parse_numbered_reference(struct parser *s)
{
	uint32_t group = 0;

	while (s->p < s->end && *s->p >= '0' && *s->p <= '9' && group <= REGEX_GROUPS_MAX)
		group = group * 10 + (uint32_t)(*s->p++ - '0');
	put_reference(s, group);
}

/* Behind a backslash, outside of classes. */
static void parse_escape(struct parser *s)
{
	s->quantifiable = true;
	if (at(s, 'b') || at(s, 'B')) {
		put(s, *s->p++ == 'b' ? SLICE("\\b") : SLICE("\\B"));
		s->quantifiable = false;
	} else if (take(s, 'k')) {
		parse_named_reference(s);
	} else if (s->p < s->end && *s->p >= '1' && *s->p <= '9') {
		parse_numbered_reference(s);
	} else {
		struct atom a = take_escape(s);
		if (a.set.data)
			put(s, SLICE("["));
		put_in_class(s, &a);
		if (a.set.data)
			put(s, SLICE("]"));
	}
}

/* ---- repetition */

enum { REPEAT_MAX = 65535 }; /* PCRE2's */

static bool take_count(struct parser *s, uint32_t *count)
{
	const char *from = s->p;

	*count = 0;
	while (s->p < s->end && *s->p >= '0' && *s->p <= '9') {
		if (*count <= REPEAT_MAX)
			*count = *count * 10 + (uint32_t)(*s->p - '0');
		s->p++;
	}
	return s->p > from;
}

/* Behind the opening brace. */
static void parse_counts(struct parser *s)
{
	uint32_t least, most;

	if (!take_count(s, &least)) {
		refuse(s, "a brace has to be escaped");
		return;
	}
	put(s, SLICE("{"));
	put_number(s, least);
	most = least;
	if (take(s, ',')) {
		put(s, SLICE(","));
		if (take_count(s, &most))
			put_number(s, most);
		else
			most = REPEAT_MAX > least ? REPEAT_MAX : least;
	}
	put(s, SLICE("}"));
	if (!s->wrong && !take(s, '}'))
		refuse(s, "a brace has to be escaped");
	else if (least > REPEAT_MAX || most > REPEAT_MAX)
		refuse(s, "it repeats more than 65535 times");
	else if (least > most)
		refuse(s, "it repeats at least more often than at most");
}

static void parse_quantifier(struct parser *s, char c)
{
	if (!s->quantifiable) {
		refuse(s, "there is nothing to repeat");
		return;
	}
	s->quantifiable = false;
	if (c == '{')
		parse_counts(s);
	else
		put(s, slice_of(&c, 1));
	if (take(s, '?'))
		put(s, SLICE("?"));
}

/* ---- all of it */

static void parse_one(struct parser *s)
{
	char c = *s->p;

	/* clang-format off */
	switch (c) {
	case '\\': s->p++; parse_escape(s); return;
	case '(': s->p++; parse_group(s); return;
	case ')': s->p++; close_group(s); return;
	case '*': case '+': case '?': case '{':
		s->p++;
		parse_quantifier(s, c);
		return;
	case '^': case '$': case '|':
		s->p++;
		put(s, slice_of(&c, 1));
		s->quantifiable = false;
		return;
	case '.':
		s->p++;
		put(s, SLICE("[^\\x{a}\\x{d}\\x{2028}\\x{2029}]"));
		s->quantifiable = true;
		return;
	case '[':
		s->p++;
		parse_class(s);
		s->quantifiable = true;
		return;
	case ']': case '}':
		refuse(s, "a bracket has to be escaped");
		return;
	default:
		put_character(s, take_literal(s));
		s->quantifiable = true;
		return;
	}
	/* clang-format on */
}

const char *regex_parse(struct slice pattern, struct regex_text *out)
{
	struct parser s = {.p = pattern.data, .end = pattern.data + pattern.len, .out = out};

	if (pattern.len == 0)
		return NULL;
	count_groups(&s);
	if (s.wrong)
		return s.wrong;
	s.p = pattern.data;
	while (s.p < s.end)
		parse_one(&s);
	if (!s.wrong && s.depth)
		return "a parenthesis is not closed";
	return s.wrong;
}
