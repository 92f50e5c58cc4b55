/* SPDX-License-Identifier: Apache-2.0 */
/* What came out, for people; see test_print.h. For programs: test_print_json.c. */
#include "cmd/test_print.h"

#include "base/base64.h"
#include "base/utf8.h"
#include "cmd/test_print_priv.h"

enum { SHOWN_CHARACTERS = 600, SHOWN_BYTES = 48 };

const char *test_fate_word(enum test_fate fate)
{
	static const char *const words[] = {
		[TEST_BROKEN] = "broken",       [TEST_QUIET] = "quiet",
		[TEST_ALLOWED] = "allowed",     [TEST_FORBIDDEN] = "refused",
		[TEST_FORWARDED] = "forwarded", [TEST_DROPPED] = "dropped",
		[TEST_REPLIED] = "replied",     [TEST_CLOSED] = "closed",
		[TEST_WAITS] = "waits",
	};

	return words[fate];
}

bool test_case_passed(const struct test_case *c, const struct test_result *results)
{
	for (size_t i = 0; i < c->step_count; i++)
		if (!results[i].passed)
			return false;
	return true;
}

/* Text that somebody else wrote: visible characters only, and not too many. */
static int print_text(struct buf *to, struct slice text)
{
	int r = 0;

	for (unsigned shown = 0; r == 0 && text.len; shown++) {
		uint32_t c = 0;
		unsigned len = utf8_decode(text, &c);
		if (shown == SHOWN_CHARACTERS)
			return buf_append(to, SLICE("..."));
		r = buf_append(to, len && utf8_is_plain(c) ? slice_first(text, len) : SLICE("?"));
		text = slice_from(text, len ? len : 1);
	}
	return r;
}

static int print_binary(struct buf *to, struct slice bytes)
{
	char text[BASE64_CHARS(SHOWN_BYTES)];
	struct slice code = base64_encode(slice_first(bytes, SHOWN_BYTES), text, sizeof(text));

	return buf_printf(to, "%zu binary bytes, %.*s%s", bytes.len, SLICE_ARG(code),
			  bytes.len > SHOWN_BYTES ? "..." : "");
}

static int print_expected(struct buf *to, const struct test_expect *e)
{
	int r;

	if (e->reason != REASON_NONE) {
		r = buf_printf(to, "%s: %s", e->any_refusal ? "refused" : test_fate_word(e->fate),
			       reason_word(e->reason));
		if (r == 0 && e->has_at)
			r = buf_printf(to, " at \"%.*s\"", SLICE_ARG(e->at));
		return r;
	}
	r = buf_printf(to, "%s", test_fate_word(e->fate));
	if (r || e->compare == TEST_ANYTHING)
		return r;
	r = buf_append(to, SLICE(": "));
	if (r)
		return r;
	return e->compare == TEST_AS_BINARY ? print_binary(to, e->value) : print_text(to, e->value);
}

/* How a refusal ends, where `refused` does not say it. */
static const char *consequence(enum test_fate fate)
{
	if (fate == TEST_CLOSED)
		return " (closes the connection)";
	if (fate == TEST_DROPPED)
		return " (dropped)";
	return fate == TEST_REPLIED ? " (the client is told)" : "";
}

static int print_happened(struct buf *to, const struct test_result *r)
{
	if (r->fate == TEST_BROKEN)
		return buf_printf(to, "nothing: %s", r->detail ? r->detail : "it cannot be run");
	if (r->reason != REASON_NONE)
		return buf_printf(to, "refused: %s%s", reason_word(r->reason),
				  consequence(r->fate));
	int result = buf_printf(to, "%s", test_fate_word(r->fate));
	if (result || r->fate != TEST_FORWARDED)
		return result;
	result = buf_append(to, SLICE(": "));
	if (result)
		return result;
	return r->binary ? print_binary(to, r->text) : print_text(to, r->text);
}

/* What stands in that line of the configuration. */
static int print_source(const struct test_printer *p, uint32_t line)
{
	struct slice rest = p->source, part;
	bool more = rest.len > 0;

	for (uint32_t at = 1; slice_next(&rest, &more, '\n', &part); at++) {
		if (at != line)
			continue;
		int r = buf_append(p->to, SLICE(": "));
		return r ? r : print_text(p->to, slice_trim(part));
	}
	return 0;
}

static int print_allow(const struct test_printer *p, uint32_t line)
{
	int r = buf_printf(p->to, "    said no:  %.*s:%u", SLICE_ARG(p->conf), line);

	if (r == 0)
		r = print_source(p, line);
	return r ? r : buf_append(p->to, SLICE("\n"));
}

static int print_pointer(const struct test_printer *p, const char *label, struct slice pointer)
{
	int r = buf_append(p->to, slice_from_cstr(label));

	if (r == 0)
		r = print_text(p->to, pointer);
	return r ? r : buf_append(p->to, SLICE("\"\n"));
}

/* Why it was refused, where it was. */
static int print_why(const struct test_printer *p, const struct test_result *r)
{
	int result = buf_printf(p->to, "    why:      %s\n", reason_sentence(r->reason));

	if (result == 0 && r->detail)
		result = buf_printf(p->to, "    detail:   %s\n", r->detail);
	if (result == 0 && r->has_pointer)
		result = print_pointer(p, "    at:       \"", r->pointer);
	return result;
}

/* Only what is known. */
static int print_reasons(const struct test_printer *p, const struct test_result *r)
{
	int result = r->reason != REASON_NONE ? print_why(p, r) : 0;

	if (result == 0 && r->differs.data)
		result = print_pointer(p, "    differs:  at \"", r->differs);
	if (result == 0 && r->rule_line)
		result =
			buf_printf(p->to, "    rule:     %.*s:%u%s%.*s\n", SLICE_ARG(p->conf),
				   r->rule_line, r->message.len ? ": " : "", SLICE_ARG(r->message));
	if (result == 0 && r->allow_line)
		result = print_allow(p, r->allow_line);
	if (result == 0 && r->reconnected)
		result =
			buf_append(p->to, SLICE("    note:     on a new connection: the one before "
						"was closed by the step before\n"));
	return result;
}

static const char *kind_words(enum test_kind kind)
{
	switch (kind) {
	case TEST_HANDSHAKE:
		return "the handshake";
	case TEST_CLIENT:
		return "the client's message";
	case TEST_SERVER:
		return "the application's message";
	case TEST_WAITING:
		return "the message that waited";
	case TEST_RECONNECT:
		return "the new connection";
	case TEST_PAUSE:
		break;
	}
	return "the pause";
}

static int print_step(const struct test_printer *p, const struct test_case *c, size_t i,
		      const struct test_result *result)
{
	const struct test_step *s = &c->steps[i];
	struct buf *to = p->to;
	int r = 0;

	if (c->step_count > 1)
		r = buf_printf(to, "  step %zu, line %u, %s:\n", i + 1, s->line,
			       kind_words(s->kind));
	if (r == 0)
		r = buf_append(to, SLICE("    expected: "));
	if (r == 0)
		r = result->judged ? print_expected(to, &s->expect)
				   : buf_append(to, SLICE("a connection"));
	if (r == 0)
		r = buf_append(to, SLICE("\n    happened: "));
	if (r == 0)
		r = print_happened(to, result);
	if (r == 0)
		r = buf_append(to, SLICE("\n"));
	return r ? r : print_reasons(p, result);
}

int test_print_case(const struct test_printer *p, const struct test_case *c,
		    const struct test_result *results)
{
	bool passed = test_case_passed(c, results);

	if (p->json)
		return test_json_case(p, c, results);
	if (passed && !p->verbose)
		return 0;
	int r = buf_printf(p->to, "%s %.*s:%u: ", passed ? "passed" : "FAILED", SLICE_ARG(c->file),
			   c->line);
	if (r == 0)
		r = print_text(p->to, c->name);
	if (r == 0)
		r = buf_append(p->to, SLICE("\n"));
	for (size_t i = 0; r == 0 && i < c->step_count; i++)
		if (!results[i].passed)
			r = print_step(p, c, i, &results[i]);
	return r;
}

/* --- rules */

static int print_rule(const struct test_printer *p, const struct test_rule *rule)
{
	int r = buf_printf(p->to, "  %.*s:%u: ", SLICE_ARG(p->conf), rule->line);

	if (r)
		return r;
	if (!rule->rule)
		return buf_printf(p->to, "`allow` of the route %.*s\n",
				  SLICE_ARG(rule->route->path.text));
	return buf_printf(p->to, "%s `%.*s` on the route %.*s\n",
			  rule->from_client ? "client" : "server",
			  SLICE_ARG(rule->rule->wildcard ? SLICE("*") : rule->rule->id),
			  SLICE_ARG(rule->route->path.text));
}

/* The next one in the order of the file, behind `after`; the count if there is none. */
static size_t next_rule(const struct test_cover *c, size_t after,
			bool (*missing)(const struct test_rule *r))
{
	size_t best = c->count;

	for (size_t i = 0; i < c->count; i++) {
		const struct test_rule *r = &c->rules[i];
		const struct test_rule *last = after < c->count ? &c->rules[after] : NULL;
		bool behind = !last || r->line > last->line || (r->line == last->line && i > after);
		if (missing(r) && behind && (best == c->count || r->line < c->rules[best].line))
			best = i;
	}
	return best;
}

static int print_rules(const struct test_printer *p, const struct test_cover *c,
		       bool (*missing)(const struct test_rule *r), const char *heading)
{
	size_t at = next_rule(c, c->count, missing);
	int r = at < c->count ? buf_printf(p->to, "%s\n", heading) : 0;

	for (; r == 0 && at < c->count; at = next_rule(c, at, missing))
		r = print_rule(p, &c->rules[at]);
	return r;
}

static bool unallowed(const struct test_rule *r)
{
	return test_rule_unallowed(r);
}

static bool unrefused(const struct test_rule *r)
{
	return test_rule_unrefused(r);
}

int test_print_cover(const struct test_printer *p, const struct test_cover *c)
{
	if (p->json)
		return test_json_cover(p, c);
	int r = print_rules(p, c, unallowed, "rules that no case was allowed by:");
	return r ? r : print_rules(p, c, unrefused, "rules that no case was refused by:");
}

int test_print_sum(const struct test_printer *p, size_t passed, size_t failed)
{
	if (p->json)
		return test_json_sum(p, passed, failed);
	return buf_printf(p->to, "%zu passed, %zu failed\n", passed, failed);
}
