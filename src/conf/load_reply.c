/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `on_refusal: {reply: ...}`: a message in YAML becomes JSON text with gaps for the reason.
 *
 *	{type: error, reason: $reason}  ->  {"type":"error","reason":"  |  "}
 *
 * `$reason` stands in values, alone or within a text. Neither it nor any reason word needs
 * escaping in JSON, so the text can be cut after it was written, and filling the gaps in
 * always gives valid JSON.
 */
#include <errno.h>

#include "base/utf8.h"
#include "conf/load_priv.h"
#include "json/write.h"

enum { REPLY_BYTES_MAX = 4096, REPLY_PARTS_MAX = 17 };

struct reply {
	struct load *l;
	struct buf text;
	bool failed; /* and said so */
};

static void write_node(struct reply *w, const struct yaml_node *node);

static void fail(struct reply *w, struct diag_place place, const char *fault, const char *help)
{
	if (!w->failed) {
		diag_add(w->l->diag, DIAG_ERROR, place, "the reply: %s", fault);
		if (help)
			diag_help(w->l->diag, "%s", help);
	}
	w->failed = true;
}

static void check(struct reply *w, const struct yaml_node *node, int r)
{
	if (r == -ENOMEM)
		w->failed = w->l->arena->overflow = true; /* conf_load says so */
	else if (r)
		fail(w, node->at, "longer than 4096 bytes", NULL);
}

/* Position of the next `$reason`, or the length. */
static size_t find_gap(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (slice_starts_with(slice_from(s, i), SLICE("$reason")))
			return i;
	return s.len;
}

static void write_scalar(struct reply *w, const struct yaml_node *node)
{
	struct slice text = node->text;

	switch (yaml_scalar_type(node)) {
	case YAML_TYPE_NULL:
		text = SLICE("null");
		break;
	case YAML_TYPE_TRUE:
		text = SLICE("true");
		break;
	case YAML_TYPE_FALSE:
		text = SLICE("false");
		break;
	case YAML_TYPE_NUMBER:
		break;
	case YAML_TYPE_ODD_NUMBER:
		fail(w, node->at, "a number in a form that JSON does not have",
		     "write it in plain decimal, or in quotes if it is a text");
		return;
	case YAML_TYPE_TEXT:
		if (utf8_valid(text))
			check(w, node, json_write_string(&w->text, text));
		else
			fail(w, node->at, "not UTF-8", NULL);
		return;
	}
	check(w, node, buf_append(&w->text, text));
}

static void write_key(struct reply *w, const struct yaml_node *item)
{
	if (find_gap(item->key) < item->key.len)
		fail(w, item->key_at, "`$reason` stands in values, not in keys", NULL);
	check(w, item, json_write_string(&w->text, item->key));
	check(w, item, buf_append(&w->text, SLICE(":")));
}

static void write_collection(struct reply *w, const struct yaml_node *node, bool map)
{
	check(w, node, buf_append(&w->text, map ? SLICE("{") : SLICE("[")));
	YAML_EACH (item, node) {
		if (w->failed)
			return;
		if (item != node->first)
			check(w, item, buf_append(&w->text, SLICE(",")));
		if (map)
			write_key(w, item);
		write_node(w, item);
	}
	check(w, node, buf_append(&w->text, map ? SLICE("}") : SLICE("]")));
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

/* The written text between the gaps. */
static struct conf_texts cut(struct reply *w, const struct yaml_node *node)
{
	struct slice rest = buf_slice(&w->text);
	struct slice *parts = load_room(w->l, REPLY_PARTS_MAX, sizeof(*parts));
	size_t count = 0;

	for (bool more = parts != NULL; more;) {
		size_t gap = find_gap(rest);
		if (count == REPLY_PARTS_MAX) {
			fail(w, node->at, "`$reason` more than 16 times", NULL);
			break;
		}
		parts[count++] = load_copy(w->l, slice_first(rest, gap));
		more = gap < rest.len;
		rest = slice_from(rest, gap + sizeof("$reason") - 1);
	}
	return (struct conf_texts){parts, count};
}

bool load_reply(struct load *l, const struct yaml_node *node, struct conf_texts *parts)
{
	struct reply w = {.l = l};

	buf_init(&w.text, REPLY_BYTES_MAX);
	write_node(&w, node);
	if (!w.failed)
		*parts = cut(&w, node);
	buf_deinit(&w.text);
	return !w.failed;
}
