/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `on_refusal: {reply: ...}`: a message in YAML becomes JSON text with gaps for the reason.
 *
 *	{type: error, reason: $reason}  ->  {"type":"error","reason":"  |  "}
 *
 * Reason words need no escaping, so filling the gaps in always gives valid JSON.
 */
#include "base/err.h"
#include "base/utf8.h"
#include "conf/load_priv.h"
#include "json/write.h"

enum { REPLY_BYTES_MAX = 4096, REPLY_PARTS_MAX = 17 };

struct reply {
	struct load *l;
	struct buf part; /* being written */
	struct slice parts[REPLY_PARTS_MAX];
	size_t count; /* finished parts */
	bool failed;  /* and said so */
};

static void write_node(struct reply *w, const struct yaml_node *node);

static void fail(struct reply *w, const struct yaml_node *node, const char *fault, const char *help)
{
	if (!w->failed) {
		diag_add(w->l->diag, DIAG_ERROR, node->at, "the reply: %s", fault);
		if (help)
			diag_help(w->l->diag, "%s", help);
	}
	w->failed = true;
}

static void check(struct reply *w, const struct yaml_node *node, int r)
{
	if (r)
		fail(w, node, "longer than 4096 bytes", NULL);
}

static bool mentions_reason(struct slice s)
{
	struct slice word = SLICE("$reason");

	for (size_t i = 0; i + word.len <= s.len; i++)
		if (slice_starts_with(slice_from(s, i), word))
			return true;
	return false;
}

/* "$reason": ends this part behind the opening quote; the next begins with the closing one. */
static void write_gap(struct reply *w, const struct yaml_node *node)
{
	check(w, node, buf_append(&w->part, SLICE("\"")));
	if (w->failed)
		return;
	if (w->count + 1 == REPLY_PARTS_MAX) {
		fail(w, node, "`$reason` more than 16 times", NULL);
		return;
	}
	w->parts[w->count++] = load_copy(w->l, buf_slice(&w->part));
	buf_clear(&w->part);
	check(w, node, buf_append(&w->part, SLICE("\"")));
}

static void write_string(struct reply *w, const struct yaml_node *node, struct slice text)
{
	if (mentions_reason(text))
		fail(w, node, "`$reason` stands alone, as a whole value",
		     "write `reason: $reason` beside the text");
	else if (!utf8_valid(text))
		fail(w, node, "not UTF-8", NULL);
	else
		check(w, node, json_write_string(&w->part, text));
}

static void write_scalar(struct reply *w, const struct yaml_node *node)
{
	if (slice_eq(node->text, SLICE("$reason"))) {
		write_gap(w, node);
		return;
	}
	switch (yaml_scalar_type(node)) {
	case YAML_TYPE_NULL:
		check(w, node, buf_append(&w->part, SLICE("null")));
		break;
	case YAML_TYPE_TRUE:
		check(w, node, buf_append(&w->part, SLICE("true")));
		break;
	case YAML_TYPE_FALSE:
		check(w, node, buf_append(&w->part, SLICE("false")));
		break;
	case YAML_TYPE_NUMBER:
		check(w, node, buf_append(&w->part, node->text));
		break;
	case YAML_TYPE_ODD_NUMBER:
		fail(w, node, "a number in a form that JSON does not have",
		     "write it in plain decimal, or in quotes if it is a text");
		break;
	case YAML_TYPE_TEXT:
		write_string(w, node, node->text);
		break;
	}
}

static void write_collection(struct reply *w, const struct yaml_node *node, bool map)
{
	check(w, node, buf_append(&w->part, map ? SLICE("{") : SLICE("[")));
	YAML_EACH (item, node) {
		if (w->failed)
			return;
		if (item != node->first)
			check(w, item, buf_append(&w->part, SLICE(",")));
		if (map) {
			write_string(w, item, item->key);
			check(w, item, buf_append(&w->part, SLICE(":")));
		}
		write_node(w, item);
	}
	check(w, node, buf_append(&w->part, map ? SLICE("}") : SLICE("]")));
}

/* Depth is bounded by YAML_DEPTH_MAX. */
static void write_node(struct reply *w, const struct yaml_node *node)
{
	if (w->failed)
		return;
	if (node->kind == YAML_SCALAR)
		write_scalar(w, node);
	else
		write_collection(w, node, node->kind == YAML_MAP);
}

void load_reply(struct load *l, const struct yaml_node *node, struct conf_route *out)
{
	struct reply w = {.l = l};

	buf_init(&w.part, REPLY_BYTES_MAX);
	write_node(&w, node);
	w.parts[w.count++] = load_copy(l, buf_slice(&w.part));
	buf_deinit(&w.part);
	size_t bytes = 0;
	for (size_t i = 0; i < w.count; i++)
		bytes += w.parts[i].len;
	if (bytes > REPLY_BYTES_MAX)
		fail(&w, node, "longer than 4096 bytes", NULL);
	struct slice *parts = load_room(l, w.count, sizeof(*parts));
	if (!parts || w.failed)
		return;
	memcpy(parts, w.parts, w.count * sizeof(*parts));
	out->reply_parts = (struct conf_texts){parts, w.count};
	out->on_refusal = CONF_ON_REFUSAL_REPLY;
}
