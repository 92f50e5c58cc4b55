/* SPDX-License-Identifier: Apache-2.0 */
/* `sallyport try text`; see try_text.h. */
#include "cmd/try_text.h"

#include "cmd/try_input.h"
#include "json/read.h"
#include "json/write.h"
#include "policy/detect.h"
#include "policy/markup.h"
#include "policy/redact.h"

enum { ARENA_BLOCK = 1 << 16, ARENA_MAX = 1 << 28 };

typedef unsigned (*parse_fn)(struct slice word);
typedef const char *(*word_fn)(unsigned kind);

static int say_text(struct slice text, struct buf *out)
{
	int r = buf_append(out, SLICE("\"text\":"));

	return r ? r : json_write_string(out, text);
}

static int say_found(unsigned found, word_fn word, struct buf *out)
{
	int r = buf_append(out, SLICE("\"found\":["));
	const char *comma = "";

	for (unsigned kind = 1; kind && kind <= found && r == 0; kind <<= 1) {
		if (!(found & kind))
			continue;
		r = buf_printf(out, "%s\"%s\"", comma, word(kind));
		comma = ",";
	}
	return r ? r : buf_append(out, SLICE("]"));
}

/* The kinds that an array of words names; 0 when one of them is none, or there are none. */
static unsigned read_kinds(const struct json_node *words, parse_fn parse)
{
	unsigned kinds = 0;

	JSON_EACH (item, words) {
		unsigned kind = json_type(item) == JSON_STRING ? parse(json_string(item)) : 0;
		if (kind == 0)
			return 0;
		kinds |= kind;
	}
	return kinds;
}

static int try_as(struct slice text, struct slice word, struct arena *a, struct buf *out)
{
	enum markup_mode mode;
	struct slice result;

	if (!markup_mode_parse(word, &mode))
		return try_say_error("as is escape, strip, refuse or html", out);
	enum reason reason = markup_apply(mode, text, a, &result);
	if (reason)
		return buf_printf(out, "{\"refused\":\"%s\"}", reason_word(reason));
	int r = buf_append(out, SLICE("{"));
	if (r == 0)
		r = say_text(result, out);
	return r ? r : buf_append(out, SLICE("}"));
}

static int try_detect(struct slice text, const struct json_node *words, struct arena *a,
		      struct buf *out)
{
	unsigned wanted = read_kinds(words, detect_kind_parse);

	if (wanted == 0)
		return try_say_error("detect is a list of sqli and xss", out);
	if (!detect_available())
		return try_say_error("this build has no libinjection", out);
	unsigned found = detect_find(wanted, text, a);
	int r = buf_append(out, SLICE("{"));
	if (r == 0)
		r = say_found(found, detect_kind_word, out);
	return r ? r : buf_append(out, SLICE("}"));
}

static int try_redact(struct slice text, const struct json_node *words, struct arena *a,
		      struct buf *out)
{
	unsigned wanted = read_kinds(words, redact_kind_parse), found;
	struct slice result;

	if (wanted == 0)
		return try_say_error(
			"redact is a list of card, email, secret, private_ip and stack_trace", out);
	if (!redact_apply(wanted, text, a, &result, &found))
		return try_say_error("the text is too long", out);
	int r = buf_append(out, SLICE("{"));
	if (r == 0)
		r = say_text(result, out);
	if (r == 0)
		r = buf_append(out, SLICE(","));
	if (r == 0)
		r = say_found(found, redact_kind_word, out);
	return r ? r : buf_append(out, SLICE("}"));
}

static int judge_line(struct slice line, struct arena *a, struct buf *out)
{
	/* What attacks are made of has to come in somehow: strings may hold anything. */
	const struct json_limits limits = {.depth = 4,
					   .members = 64,
					   .values = 256,
					   .any_strings = true,
					   .big_integers = true};
	static const char wanted[] =
		"a line is {\"text\": \"...\"} with \"as\": \"escape\", \"detect\": [\"xss\"] or "
		"\"redact\": [\"card\"]";
	struct json_doc doc;

	if (json_read(line, &limits, a, &doc))
		return try_say_error(wanted, out);
	const struct json_node *text = json_member_typed(doc.root, SLICE("text"), JSON_STRING);
	const struct json_node *as = json_member_typed(doc.root, SLICE("as"), JSON_STRING);
	const struct json_node *detect = json_member_typed(doc.root, SLICE("detect"), JSON_ARRAY);
	const struct json_node *redact = json_member_typed(doc.root, SLICE("redact"), JSON_ARRAY);

	if (!text || !!as + !!detect + !!redact != 1)
		return try_say_error(wanted, out);
	if (as)
		return try_as(json_string(text), json_string(as), a, out);
	if (detect)
		return try_detect(json_string(text), detect, a, out);
	return try_redact(json_string(text), redact, a, out);
}

int try_text_line(struct slice line, struct buf *out)
{
	struct arena a;

	arena_init(&a, ARENA_BLOCK, ARENA_MAX);
	int r = judge_line(line, &a, out);
	arena_deinit(&a);
	return r;
}
