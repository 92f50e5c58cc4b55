/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys and tokens: those that their issuers made recognisable, and values that look random
 * behind a name that says what they are.
 */
#include "policy/redact_priv.h"

enum alphabet { ALNUM, CAPITALS, TOKEN, HEX, BASE64 };

static const struct shape {
	struct slice prefix;
	enum alphabet alphabet;
	uint16_t min, max; /* characters behind the prefix */
} shapes[] = {
	/* clang-format off */
	{SLICE_INIT("AKIA"), CAPITALS, 16, 16}, {SLICE_INIT("ASIA"), CAPITALS, 16, 16}, /* AWS */
	{SLICE_INIT("ABIA"), CAPITALS, 16, 16}, {SLICE_INIT("ACCA"), CAPITALS, 16, 16},
	{SLICE_INIT("ghp_"), ALNUM, 36, 255}, {SLICE_INIT("gho_"), ALNUM, 36, 255}, /* GitHub */
	{SLICE_INIT("ghu_"), ALNUM, 36, 255}, {SLICE_INIT("ghs_"), ALNUM, 36, 255},
	{SLICE_INIT("ghr_"), ALNUM, 36, 255}, {SLICE_INIT("github_pat_"), TOKEN, 22, 255},
	{SLICE_INIT("glpat-"), TOKEN, 20, 255}, {SLICE_INIT("glrt-"), TOKEN, 20, 255}, /* GitLab */
	{SLICE_INIT("xoxb-"), TOKEN, 20, 255}, {SLICE_INIT("xoxp-"), TOKEN, 20, 255}, /* Slack */
	{SLICE_INIT("xoxa-"), TOKEN, 20, 255}, {SLICE_INIT("xoxr-"), TOKEN, 20, 255},
	{SLICE_INIT("xoxs-"), TOKEN, 20, 255}, {SLICE_INIT("xoxe-"), TOKEN, 20, 255},
	{SLICE_INIT("xapp-"), TOKEN, 20, 255},
	{SLICE_INIT("AIza"), TOKEN, 35, 35}, {SLICE_INIT("GOCSPX-"), TOKEN, 28, 28}, /* Google */
	{SLICE_INIT("ya29."), TOKEN, 20, 1024},
	{SLICE_INIT("sk_live_"), ALNUM, 16, 255}, {SLICE_INIT("sk_test_"), ALNUM, 16, 255}, /* Stripe */
	{SLICE_INIT("rk_live_"), ALNUM, 16, 255}, {SLICE_INIT("rk_test_"), ALNUM, 16, 255},
	{SLICE_INIT("whsec_"), BASE64, 20, 255},
	{SLICE_INIT("npm_"), ALNUM, 36, 36}, {SLICE_INIT("pypi-AgEI"), TOKEN, 50, 1024},
	{SLICE_INIT("sk-ant-"), TOKEN, 32, 255}, {SLICE_INIT("sk-proj-"), TOKEN, 32, 255},
	{SLICE_INIT("sk-"), ALNUM, 40, 255}, {SLICE_INIT("hf_"), ALNUM, 34, 40},
	{SLICE_INIT("SG."), TOKEN, 20, 255}, {SLICE_INIT("dop_v1_"), HEX, 64, 64},
	{SLICE_INIT("shpat_"), HEX, 32, 32}, {SLICE_INIT("shpss_"), HEX, 32, 32},
	{SLICE_INIT("AGE-SECRET-KEY-1"), CAPITALS, 58, 58},
	/* clang-format on */
};

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool is_of(enum alphabet alphabet, char c)
{
	bool alnum = is_lower(c) || is_upper(c) || redact_is_digit(c);

	switch (alphabet) {
	case ALNUM:
		return alnum;
	case CAPITALS:
		return is_upper(c) || redact_is_digit(c);
	case TOKEN:
		return alnum || c == '_' || c == '-';
	case HEX:
		return redact_is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
	case BASE64:
		return alnum || c == '_' || c == '-' || c == '+' || c == '/' || c == '=' ||
		       c == '.' || c == '~';
	}
	return false;
}

/* Behind the characters of that alphabet from `at` on, at most `most` of them. */
static size_t run_end(struct slice s, size_t at, enum alphabet alphabet, size_t most)
{
	size_t end = at;

	while (end < s.len && end - at < most && is_of(alphabet, s.data[end]))
		end++;
	return end;
}

static bool starts(struct slice s, size_t at, struct slice with)
{
	return slice_starts_with(slice_from(s, at), with);
}

static bool starts_icase(struct slice s, size_t at, struct slice with)
{
	return slice_eq_icase(slice_first(slice_from(s, at), with.len), with);
}

static size_t shape_end(struct slice s, size_t at)
{
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		const struct shape *shape = &shapes[i];
		if (s.data[at] != shape->prefix.data[0] || !starts(s, at, shape->prefix))
			continue;
		size_t from = at + shape->prefix.len;
		size_t end = run_end(s, from, shape->alphabet, shape->max);
		if (end - from < shape->min)
			continue;
		if (shape->min == shape->max && end < s.len && redact_is_word(s.data[end]))
			continue; /* part of something longer */
		return end;
	}
	return 0;
}

/* eyJ....eyJ....signature, or the five parts of an encrypted one. */
static size_t jwt_end(struct slice s, size_t at)
{
	size_t parts = 0, end = at;

	if ((at > 0 && is_of(TOKEN, s.data[at - 1])) || !starts(s, at, SLICE("eyJ")))
		return 0;
	for (size_t from = at; parts < 5; parts++) {
		size_t stop = run_end(s, from, TOKEN, s.len);
		if (stop == from && parts < 2 &&
		    !(parts == 1 && from < s.len && s.data[from] == '.'))
			break;
		end = stop;
		if (stop >= s.len || s.data[stop] != '.') {
			parts++;
			break;
		}
		from = stop + 1;
	}
	return parts >= 2 && end - at >= 30 ? end : 0;
}

/* A private key from its first dash to its last, or to the text's end if that is missing. */
static size_t pem_end(struct slice s, size_t at)
{
	struct slice begin = SLICE("-----BEGIN "), key = SLICE("PRIVATE KEY"),
		     end = SLICE("-----END ");

	if ((at > 0 && s.data[at - 1] == '-') || !starts(s, at, begin))
		return 0;
	size_t name = at + begin.len;
	size_t dash = name;
	while (dash < s.len && dash - name < 40 && s.data[dash] != '-')
		dash++;
	if (!slice_ends_with(slice_first(slice_of(s.data + name, dash - name), 40), key) &&
	    !slice_ends_with(slice_of(s.data + name, dash - name), SLICE("PRIVATE KEY BLOCK")))
		return 0;
	const char *found = memmem(s.data + dash, s.len - dash, end.data, end.len);
	if (!found)
		return s.len;
	size_t i = (size_t)(found - s.data) + end.len;
	while (i < s.len && s.data[i] != '-' && s.data[i] != '\n')
		i++;
	while (i < s.len && s.data[i] == '-')
		i++;
	return i;
}

/* Whether it was more likely drawn than written: digits and letters mixed, few of them twice. */
static bool looks_random(struct slice value)
{
	bool seen[256] = {0};
	unsigned distinct = 0, digits = 0, lower = 0, upper = 0;

	for (size_t i = 0; i < value.len; i++) {
		char c = value.data[i];
		digits += redact_is_digit(c);
		lower += is_lower(c);
		upper += is_upper(c);
		distinct += !seen[(unsigned char)c];
		seen[(unsigned char)c] = true;
	}
	if (digits == 0 || lower + upper == 0)
		return false;
	if (value.len >= 16)
		return distinct >= 9;
	return value.len >= 10 && lower && upper && distinct >= 8;
}

/* Behind a value that looks random in its first part; 0: it does not. */
static size_t random_end(struct slice s, size_t from)
{
	size_t part = run_end(s, from, BASE64, 256);

	if (!looks_random(slice_of(s.data + from, part - from)))
		return 0;
	return run_end(s, part, BASE64, s.len);
}

/* Bearer <token>, Basic <base64>: what stands behind the word. */
static struct redact_find scheme_at(struct slice s, size_t at)
{
	static const struct slice words[] = {SLICE_INIT("bearer "), SLICE_INIT("basic ")};

	for (size_t i = 0; i < 2; i++) {
		if (!starts_icase(s, at, words[i]))
			continue;
		size_t from = at + words[i].len;
		size_t end = random_end(s, from);
		if (end)
			return (struct redact_find){from, end};
	}
	return (struct redact_find){0};
}

static bool names_secret(struct slice name)
{
	static const struct slice words[] = {
		SLICE_INIT("key"),        SLICE_INIT("secret"),    SLICE_INIT("token"),
		SLICE_INIT("password"),   SLICE_INIT("passwd"),    SLICE_INIT("pwd"),
		SLICE_INIT("credential"), SLICE_INIT("apikey"),    SLICE_INIT("passphrase"),
		SLICE_INIT("signature"),  SLICE_INIT("sessionid"), SLICE_INIT("session_id"),
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t len = words[i].len;
		if (name.len >= len && slice_eq_icase(slice_from(name, name.len - len), words[i]))
			return true;
	}
	return false;
}

/* What people choose is less random; a digit among letters has to do. */
static bool names_password(struct slice name)
{
	static const struct slice words[] = {SLICE_INIT("password"), SLICE_INIT("passwd"),
					     SLICE_INIT("pwd"), SLICE_INIT("passphrase")};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (name.len >= words[i].len &&
		    slice_eq_icase(slice_from(name, name.len - words[i].len), words[i]))
			return true;
	return false;
}

static size_t password_end(struct slice s, size_t from)
{
	size_t end = from;
	unsigned digits = 0, letters = 0;

	for (; end < s.len && end - from < 128; end++) {
		char c = s.data[end];
		if ((unsigned char)c <= ' ' || c == '"' || c == '\'' || c == '`' || c == ',' ||
		    c == ';' || c == '[' || c == '(' || c == '<')
			break;
		digits += redact_is_digit(c);
		letters += is_lower(c) || is_upper(c);
	}
	return end - from >= 6 && digits && letters ? end : 0;
}

static size_t skip_blanks_and_quote(struct slice s, size_t at, bool quote)
{
	size_t end = at;

	while (end < s.len && end - at < 4 && s.data[end] == ' ')
		end++;
	if (quote && end < s.len && s.data[end] == '\\')
		end++;
	if (quote && end < s.len &&
	    (s.data[end] == '"' || s.data[end] == '\'' || s.data[end] == '`'))
		end++;
	return end;
}

/* api_key = "...": name, mark, value. */
static struct redact_find named_at(struct slice s, size_t at)
{
	size_t name = run_end(s, at, TOKEN, 48);

	if (!names_secret(slice_of(s.data + at, name - at)))
		return (struct redact_find){0};
	size_t mark = skip_blanks_and_quote(s, name, true);
	mark = skip_blanks_and_quote(s, mark, false);
	if (mark >= s.len || (s.data[mark] != '=' && s.data[mark] != ':'))
		return (struct redact_find){0};
	mark++;
	if (mark < s.len && (s.data[mark] == '>' || s.data[mark] == '='))
		mark++;
	size_t from = skip_blanks_and_quote(s, mark, true);
	size_t end = names_password(slice_of(s.data + at, name - at)) ? password_end(s, from)
								      : random_end(s, from);
	return end ? (struct redact_find){from, end} : (struct redact_find){0};
}

/* ://name:password@host, at the first ':': the password. */
static struct redact_find in_url_at(struct slice s, size_t at)
{
	size_t colon, end;

	if (!starts(s, at, SLICE("://")))
		return (struct redact_find){0};
	for (colon = at + 3; colon < s.len && colon - at < 128; colon++)
		if (!redact_is_word(s.data[colon]) && s.data[colon] != '.' && s.data[colon] != '-')
			break;
	if (colon >= s.len || s.data[colon] != ':')
		return (struct redact_find){0};
	for (end = colon + 1; end < s.len && end - colon < 256; end++)
		if (s.data[end] == '@' || s.data[end] == '/' || (unsigned char)s.data[end] <= ' ')
			break;
	if (end >= s.len || s.data[end] != '@' || end == colon + 1 || s.data[colon + 1] == '[')
		return (struct redact_find){0};
	return (struct redact_find){colon + 1, end};
}

struct redact_find redact_secret_at(struct slice text, size_t at)
{
	struct redact_find f;

	if (text.data[at] == ':')
		return in_url_at(text, at);
	if (text.data[at] == '-') {
		size_t end = pem_end(text, at);
		return end ? (struct redact_find){at, end} : (struct redact_find){0};
	}
	size_t end = jwt_end(text, at);
	if (end == 0)
		end = shape_end(text, at);
	if (end)
		return (struct redact_find){at, end};
	f = scheme_at(text, at);
	return f.end ? f : named_at(text, at);
}
