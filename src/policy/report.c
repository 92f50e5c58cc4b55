/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reports of violations: two forms, one table of names.
 */
#include "policy/report.h"

#include "json/read.h"

enum { SCHEME_MAX = 20, LINE_MAX_SAID = 1 << 24 };

enum form { FORM_LEGACY = 0, FORM_REPORTING, FORMS };

enum member {
	MEMBER_DOCUMENT,
	MEMBER_BLOCKED,
	MEMBER_DIRECTIVE,
	MEMBER_OLD_DIRECTIVE, /* what browsers said before there was an effective one */
	MEMBER_SOURCE,
	MEMBER_LINE,
	MEMBER_COLUMN,
	MEMBER_DISPOSITION,
	MEMBERS
};

/* CSP3 section 5.3, and CSP2 section 4.4 before it. */
static const struct slice names[FORMS][MEMBERS] = {
	/* clang-format off */
	[FORM_LEGACY] = {
		SLICE_INIT("document-uri"), SLICE_INIT("blocked-uri"), SLICE_INIT("effective-directive"),
		SLICE_INIT("violated-directive"), SLICE_INIT("source-file"), SLICE_INIT("line-number"),
		SLICE_INIT("column-number"), SLICE_INIT("disposition"),
	},
	[FORM_REPORTING] = {
		SLICE_INIT("documentURL"), SLICE_INIT("blockedURL"), SLICE_INIT("effectiveDirective"),
		SLICE_INIT("violatedDirective"), SLICE_INIT("sourceFile"), SLICE_INIT("lineNumber"),
		SLICE_INIT("columnNumber"), SLICE_INIT("disposition"),
	},
	/* clang-format on */
};

/* --- cleaning */

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

/* Of schemes and of the words that stand for what is no URL: `inline`, `wasm-eval`. */
static bool is_word(struct slice s, size_t max)
{
	if (!s.len || s.len > max || !is_lower(s.data[0]))
		return false;
	for (size_t i = 0; i < s.len; i++) {
		char c = s.data[i];
		if (!is_lower(c) && !(c >= '0' && c <= '9') && c != '-' && c != '+' && c != '.')
			return false;
	}
	return true;
}

/* Up to the query, the fragment or a parameter; without what is neither seen nor ASCII. */
static size_t copy_visible(struct slice url, char room[REPORT_URL_MAX], bool *cut)
{
	size_t len = 0;

	*cut = false;
	for (size_t i = 0; i < url.len && !*cut; i++) {
		char c = url.data[i];
		if (c == '?' || c == '#')
			break;
		*cut = c == ';' || len == REPORT_URL_MAX;
		if (c > ' ' && c <= '~' && !*cut)
			room[len++] = c;
	}
	return len;
}

/* Where the part behind `//` that names the host ends. */
static size_t authority_end(struct slice s, size_t from)
{
	size_t at = from;

	while (at < s.len && s.data[at] != '/' && s.data[at] != '\\')
		at++;
	return at;
}

/* Takes the user and his password out of the text; returns its new length. */
static size_t drop_user(char *room, size_t len, size_t from)
{
	struct slice s = slice_of(room, len);
	size_t end = authority_end(s, from), behind = from;

	for (size_t i = from; i < end; i++)
		if (room[i] == '@')
			behind = i + 1;
	memmove(room + from, room + behind, len - behind);
	return len - (behind - from);
}

struct slice report_clean_url(struct slice url, struct arena *arena)
{
	char room[REPORT_URL_MAX];
	const struct slice nothing = {NULL, 0};
	bool cut;
	size_t len = copy_visible(url, room, &cut);
	struct slice seen = slice_of(room, len);
	size_t colon = slice_index(seen, ':');

	if (!is_word(slice_first(seen, colon), colon < len ? SCHEME_MAX : REPORT_WORD_MAX))
		return nothing;
	if (!slice_starts_with(slice_from(seen, colon), SLICE("://")))
		return arena_copy(arena, slice_first(seen, colon));
	size_t host = colon + 3;
	/* Cut in the middle of a user's name, that would be taken for a host. */
	if (cut && authority_end(seen, host) == len)
		return arena_copy(arena, slice_first(seen, colon));
	return arena_copy(arena, slice_of(room, drop_user(room, len, host)));
}

/* --- reading */

static const struct json_node *member(const struct json_node *v, enum form form, enum member m)
{
	return json_member(v, names[form][m]);
}

static struct slice clean_member(const struct json_node *v, enum form form, enum member m,
				 struct arena *arena)
{
	return report_clean_url(json_string(member(v, form, m)), arena);
}

/* The first word: older browsers repeat the whole directive. */
static struct slice read_directive(const struct json_node *v, enum form form, struct arena *arena)
{
	struct slice text = json_string(member(v, form, MEMBER_DIRECTIVE));

	if (!text.len)
		text = json_string(member(v, form, MEMBER_OLD_DIRECTIVE));
	text = slice_first(text, slice_index(text, ' '));
	return is_word(text, REPORT_WORD_MAX) ? arena_copy(arena, text) : slice_of(NULL, 0);
}

static int64_t read_place(const struct json_node *v, enum form form, enum member m)
{
	int64_t n;

	return json_integer(member(v, form, m), &n) && n > 0 && n < LINE_MAX_SAID ? n : 0;
}

static void add_report(const struct json_node *v, enum form form, struct arena *arena,
		       struct reports *out)
{
	struct report r = {0};

	if (out->count < REPORTS_MAX && json_type(v) == JSON_OBJECT)
		r.directive = read_directive(v, form, arena);
	if (!r.directive.len) {
		out->left_out++;
		return;
	}
	r.document = clean_member(v, form, MEMBER_DOCUMENT, arena);
	r.blocked = clean_member(v, form, MEMBER_BLOCKED, arena);
	r.source = clean_member(v, form, MEMBER_SOURCE, arena);
	r.line = read_place(v, form, MEMBER_LINE);
	r.column = read_place(v, form, MEMBER_COLUMN);
	r.enforced = !slice_eq(json_string(member(v, form, MEMBER_DISPOSITION)), SLICE("report"));
	out->items[out->count++] = r;
}

/* Other things that browsers report to the same place are no concern of ours. */
static void add_all(const struct json_node *list, struct arena *arena, struct reports *out)
{
	JSON_EACH (item, list) {
		struct slice type = json_string(json_member(item, SLICE("type")));
		if (slice_eq(type, SLICE("csp-violation")))
			add_report(json_member(item, SLICE("body")), FORM_REPORTING, arena, out);
		else
			out->left_out++;
	}
}

static bool is_type(struct slice value, struct slice wanted)
{
	return slice_eq_icase(slice_trim(slice_first(value, slice_index(value, ';'))), wanted);
}

enum reason report_read(struct slice type, struct slice body, struct arena *arena,
			struct reports *out, const char **detail)
{
	static const struct json_limits limits = {.depth = 8, .members = 64, .values = 1024};
	bool legacy = is_type(type, SLICE("application/csp-report"));
	struct json_doc doc;

	*out = (struct reports){0};
	*detail = NULL;
	if (body.len > REPORT_BODY_MAX)
		return REASON_BODY_TOO_LARGE;
	if (!legacy && !is_type(type, SLICE("application/reports+json"))) {
		*detail = "the Content-Type is no report's";
		return REASON_BODY_MALFORMED;
	}
	if (json_read(body, &limits, arena, &doc) != REASON_NONE) {
		*detail = json_fault_word(doc.fault);
		return REASON_BODY_MALFORMED;
	}
	const struct json_node *one = json_member_typed(doc.root, SLICE("csp-report"), JSON_OBJECT);
	if (legacy && one)
		add_report(one, FORM_LEGACY, arena, out);
	else if (!legacy && json_type(doc.root) == JSON_ARRAY)
		add_all(doc.root, arena, out);
	else
		*detail = "no report";
	return *detail ? REASON_BODY_MALFORMED : REASON_NONE;
}
