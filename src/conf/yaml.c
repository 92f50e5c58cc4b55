/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libfyaml says what it sees as events; here they become a tree.
 *
 *	events:  map-start  key  value  key  list-start  value  list-end  map-end
 *	stack:   [map]...                [map][list].....................
 *
 * Its own documents are not used: they would resolve aliases without a bound and hide where
 * a key stood. The stack is fixed, so depth is bounded; every node is counted, so size is.
 */
#include "conf/yaml.h"

#include <errno.h>
#include <libfyaml.h>

#include "base/num.h"
#include "base/utf8.h"

enum { ANCHORS_MAX = 64, MEMBERS_MAX = 1000, NAME_MAX_BYTES = 256 };

struct anchor {
	struct slice name;
	struct yaml_node *node;
	size_t weight; /* nodes below and including it; 0 = still open */
	size_t before; /* how many nodes there were when it began */
};

struct frame {
	struct yaml_node *node;
	struct yaml_node *last; /* item of it */
	size_t anchor;          /* index + 1 of its anchor, 0 = none */
	struct slice key;       /* waiting for its value, in a map */
	struct diag_place key_at;
	bool has_key;
};

struct reader {
	struct arena *arena;
	struct diag *diag;
	struct fy_parser *parser;
	struct frame stack[YAML_DEPTH_MAX];
	size_t depth;
	struct anchor anchors[ANCHORS_MAX];
	size_t anchor_count;
	size_t nodes;
	struct yaml_node *root;
	unsigned documents;
	bool no_memory;
};

static struct diag_place place_of(struct fy_token *token)
{
	const struct fy_mark *start = token ? fy_token_start_mark(token) : NULL;
	const struct fy_mark *end = token ? fy_token_end_mark(token) : NULL;
	struct diag_place place = {0};

	if (!start || start->line < 0 || start->column < 0)
		return place;
	place.line = (uint32_t)start->line + 1;
	place.column = (uint32_t)start->column + 1;
	place.width = 1;
	if (end && end->line == start->line && end->column > start->column)
		place.width = (uint32_t)(end->column - start->column);
	return place;
}

/* Says what is wrong and stops reading. */
static bool refuse(struct reader *r, struct diag_place place, const char *what, const char *help)
{
	diag_add(r->diag, DIAG_ERROR, place, "%s", what);
	if (help)
		diag_help(r->diag, "%s", help);
	return false;
}

static struct slice text_of(struct reader *r, struct fy_token *token)
{
	size_t len = 0;
	const char *text = token ? fy_token_get_text(token, &len) : NULL;
	struct slice copy = arena_copy(r->arena, slice_of(text ? text : "", text ? len : 0));

	if (!copy.data)
		r->no_memory = true;
	return copy;
}

static bool key_is_new(struct reader *r, const struct frame *f, struct slice key,
		       struct diag_place place)
{
	YAML_EACH (item, f->node) {
		if (!slice_eq(item->key, key))
			continue;
		diag_add(r->diag, DIAG_ERROR, place, "the key `%.*s` is there twice",
			 SLICE_ARG(slice_first(key, NAME_MAX_BYTES)));
		diag_help(r->diag, "the first one is in line %u", item->key_at.line);
		return false;
	}
	return true;
}

/* A scalar where a map wants a key. Duplicates are reported and read on. */
static bool take_key(struct reader *r, struct frame *f, struct fy_event *event)
{
	struct slice key = text_of(r, event->scalar.value);
	struct diag_place place = place_of(event->scalar.value);

	if (r->no_memory)
		return false;
	if (key.len == 0)
		return refuse(r, place, "a key is empty", NULL);
	if (key.len > NAME_MAX_BYTES)
		return refuse(r, place, "a key is longer than 256 bytes", NULL);
	if (slice_eq(key, SLICE("<<")))
		return refuse(r, place, "merge keys (`<<`) are not part of YAML 1.2",
			      "give the whole map an anchor, `&name`, and use it as `*name`");
	if (f->node->count >= MEMBERS_MAX)
		return refuse(r, place, "a map has more than 1000 keys", NULL);
	(void)key_is_new(r, f, key, place);
	f->key = key;
	f->key_at = place;
	f->has_key = true;
	return true;
}

/* Puts a finished or opened node where it belongs. */
static bool attach(struct reader *r, struct yaml_node *node)
{
	if (r->depth == 0) {
		r->root = node;
		return true;
	}
	struct frame *f = &r->stack[r->depth - 1];
	if (f->node->kind == YAML_MAP) {
		if (!f->has_key)
			return refuse(r, node->at, "a key must be a plain text", NULL);
		node->key = f->key;
		node->key_at = f->key_at;
		f->has_key = false;
		if (node->at.line == 0)
			node->at = node->key_at;
	}
	if (f->last)
		f->last->next = node;
	else
		f->node->first = node;
	f->last = node;
	f->node->count++;
	return true;
}

static struct yaml_node *new_node(struct reader *r, enum yaml_kind kind, struct diag_place place)
{
	if (++r->nodes > YAML_NODES_MAX) {
		refuse(r, place, "the document is too large: more than 100,000 values", NULL);
		return NULL;
	}
	struct yaml_node *node = arena_calloc(r->arena, 1, sizeof(*node));
	if (!node) {
		r->no_memory = true;
		return NULL;
	}
	node->kind = kind;
	node->at = place;
	return node;
}

/* Remembers &name. The index + 1 goes to *index; 0 when there is none. */
static bool take_anchor(struct reader *r, struct fy_token *token, struct yaml_node *node,
			size_t *index)
{
	*index = 0;
	if (!token)
		return true;
	struct slice name = text_of(r, token);
	if (r->no_memory)
		return false;
	if (r->anchor_count == ANCHORS_MAX)
		return refuse(r, place_of(token), "more than 64 anchors", NULL);
	r->anchors[r->anchor_count++] =
		(struct anchor){.name = name, .node = node, .before = r->nodes - 1};
	*index = r->anchor_count;
	return true;
}

static void close_anchor(struct reader *r, size_t index)
{
	if (index > 0)
		r->anchors[index - 1].weight = r->nodes - r->anchors[index - 1].before;
}

static bool tag_is_absent(struct reader *r, struct fy_token *tag)
{
	if (!tag)
		return true;
	return refuse(r, place_of(tag), "tags (`!`) are not used here",
		      "put a text that begins with an exclamation mark into quotes");
}

static bool take_scalar(struct reader *r, struct fy_event *event)
{
	struct frame *f = r->depth ? &r->stack[r->depth - 1] : NULL;
	struct fy_token *token = event->scalar.value;
	size_t anchor;

	if (!tag_is_absent(r, event->scalar.tag))
		return false;
	if (f && f->node->kind == YAML_MAP && !f->has_key) {
		if (event->scalar.anchor)
			return refuse(r, place_of(token), "a key cannot have an anchor", NULL);
		return take_key(r, f, event);
	}
	struct yaml_node *node = new_node(r, YAML_SCALAR, place_of(token));
	if (!node)
		return false;
	node->quoted = token && fy_token_scalar_style(token) != FYSS_PLAIN;
	node->text = text_of(r, token);
	if (r->no_memory || !take_anchor(r, event->scalar.anchor, node, &anchor))
		return false;
	close_anchor(r, anchor);
	return attach(r, node);
}

static bool open_collection(struct reader *r, enum yaml_kind kind, struct fy_token *start,
			    struct fy_token *tag, struct fy_token *anchor)
{
	struct yaml_node *node = new_node(r, kind, place_of(start));

	if (!node || !tag_is_absent(r, tag))
		return false;
	node->at.width = node->at.line ? 1 : 0;
	if (r->depth == YAML_DEPTH_MAX)
		return refuse(r, node->at, "nested more than 32 deep", NULL);
	struct frame frame = {.node = node};
	if (!take_anchor(r, anchor, node, &frame.anchor) || !attach(r, node))
		return false;
	r->stack[r->depth++] = frame;
	return true;
}

static bool close_collection(struct reader *r)
{
	if (r->depth == 0)
		return refuse(r, (struct diag_place){0}, "the document is not balanced", NULL);
	close_anchor(r, r->stack[--r->depth].anchor);
	return true;
}

/* *name: a copy of the node itself; what is below it is shared. */
static bool take_alias(struct reader *r, struct fy_token *token)
{
	struct diag_place place = place_of(token);
	struct slice name = text_of(r, token);
	const struct anchor *found = NULL;

	if (r->no_memory)
		return false;
	for (size_t i = 0; i < r->anchor_count; i++)
		if (slice_eq(r->anchors[i].name, name))
			found = &r->anchors[i]; /* the last one counts, as YAML wants it */
	if (!found)
		return refuse(r, place, "no anchor has this name", NULL);
	if (found->weight == 0)
		return refuse(r, place, "an anchor cannot be used inside itself", NULL);
	if (found->weight > YAML_NODES_MAX - r->nodes)
		return refuse(r, place, "the aliases stand for more than 100,000 values", NULL);
	r->nodes += found->weight - 1; /* new_node counts one */
	struct yaml_node *node = new_node(r, found->node->kind, place);
	if (!node)
		return false;
	node->quoted = found->node->quoted;
	node->text = found->node->text;
	node->first = found->node->first;
	node->count = found->node->count;
	return attach(r, node);
}

static bool take_event(struct reader *r, struct fy_event *event)
{
	switch (event->type) {
	case FYET_NONE:
	case FYET_STREAM_START:
	case FYET_STREAM_END:
	case FYET_DOCUMENT_END:
		return true;
	case FYET_DOCUMENT_START:
		if (++r->documents > 1)
			return refuse(r, place_of(event->document_start.document_start),
				      "a second document begins here", "one file, one document");
		return true;
	case FYET_MAPPING_START:
		return open_collection(r, YAML_MAP, event->mapping_start.mapping_start,
				       event->mapping_start.tag, event->mapping_start.anchor);
	case FYET_SEQUENCE_START:
		return open_collection(r, YAML_LIST, event->sequence_start.sequence_start,
				       event->sequence_start.tag, event->sequence_start.anchor);
	case FYET_MAPPING_END:
	case FYET_SEQUENCE_END:
		return close_collection(r);
	case FYET_SCALAR:
		return take_scalar(r, event);
	case FYET_ALIAS:
		return take_alias(r, event->alias.anchor);
	}
	return refuse(r, (struct diag_place){0}, "something that no YAML has", NULL);
}

/* What libfyaml found wrong. Its column counts from 1 already. */
static void report_syntax(struct reader *r, struct fy_diag *fd)
{
	void *at = NULL;
	bool said = false;

	for (struct fy_diag_error *e; (e = fy_diag_errors_iterate(fd, &at));) {
		struct diag_place place = {.width = 1};
		if (said && r->diag->errors >= DIAG_MAX)
			break;
		if (e->line > 0 && e->column > 0) {
			place.line = (uint32_t)e->line;
			place.column = (uint32_t)e->column;
		}
		diag_add(r->diag, DIAG_ERROR, place, "not YAML: %s",
			 e->msg ? e->msg : "the text cannot be read");
		said = true;
	}
	if (!said)
		refuse(r, (struct diag_place){0}, "not YAML: the text cannot be read", NULL);
}

/* Runs the parser to its end; false when it stopped for a reason that was said. */
static bool read_events(struct reader *r, struct fy_diag *fd)
{
	bool ended = false, good = true;

	while (good && !ended) {
		struct fy_event *event = fy_parser_parse(r->parser);
		if (!event)
			break;
		ended = event->type == FYET_STREAM_END;
		good = take_event(r, event);
		fy_parser_event_free(r->parser, event);
	}
	if (good && (!ended || fy_diag_got_error(fd))) {
		report_syntax(r, fd);
		good = false;
	}
	return good;
}

static bool text_is_readable(struct slice text, struct diag *d)
{
	struct diag_place none = {0};

	if (text.len > YAML_BYTES_MAX) {
		diag_add(d, DIAG_ERROR, none, "the file is larger than 1 MiB");
		return false;
	}
	struct diag_place at = {1, 1, 1};
	for (size_t i = 0; i < text.len;) {
		uint32_t c;
		unsigned len = utf8_decode(slice_from(text, i), &c);
		if (len == 0) {
			diag_add(d, DIAG_ERROR, at, "not UTF-8");
			return false;
		}
		if (c == 0 || (c < 0x20 && c != '\t' && c != '\n' && c != '\r')) {
			diag_add(d, DIAG_ERROR, at, "a control character (U+%04X)", (unsigned)c);
			return false;
		}
		at.column++;
		if (c == '\n')
			at = (struct diag_place){at.line + 1, 1, 1};
		i += len;
	}
	return true;
}

/* One empty scalar for a file without anything in it. */
static bool finish(struct reader *r)
{
	if (!r->root)
		r->root = new_node(r, YAML_SCALAR, (struct diag_place){1, 1, 1});
	return r->root != NULL;
}

int yaml_read(struct slice text, struct arena *a, struct diag *d, const struct yaml_node **root)
{
	size_t errors = d->errors;

	*root = NULL;
	if (slice_starts_with(text, SLICE("\xef\xbb\xbf")))
		text = slice_from(text, 3);
	if (!text_is_readable(text, d))
		return YAML_WRONG;

	struct reader *r = calloc(1, sizeof(*r));
	struct fy_diag *fd = fy_diag_create(NULL);
	struct fy_parse_cfg cfg = {.flags = FYPCF_QUIET | FYPCF_DEFAULT_VERSION_1_2, .diag = fd};
	if (fd)
		fy_diag_set_collect_errors(fd, true);
	struct fy_parser *parser = r && fd ? fy_parser_create(&cfg) : NULL;
	bool good = false, no_memory = true;
	/* An empty text is no input to libfyaml, but an empty document to us. */
	if (parser && fy_parser_set_string(parser, text.len ? text.data : "\n",
					   text.len ? text.len : 1) == 0) {
		r->arena = a;
		r->diag = d;
		r->parser = parser;
		good = read_events(r, fd) && finish(r);
		no_memory = r->no_memory;
		*root = r->root;
	}
	if (parser)
		fy_parser_destroy(parser);
	if (fd)
		fy_diag_destroy(fd);
	free(r);
	if (no_memory || a->overflow) {
		*root = NULL;
		return -ENOMEM;
	}
	if (!good)
		*root = NULL;
	return d->errors == errors ? 0 : YAML_WRONG;
}

const struct yaml_node *yaml_get(const struct yaml_node *node, struct slice key)
{
	if (!node || node->kind != YAML_MAP)
		return NULL;
	YAML_EACH (item, node) {
		if (slice_eq(item->key, key))
			return item;
	}
	return NULL;
}

static size_t digits(struct slice s, size_t from)
{
	size_t i = from;

	while (i < s.len && s.data[i] >= '0' && s.data[i] <= '9')
		i++;
	return i - from;
}

/* RFC 8259 section 6. */
static bool is_json_number(struct slice s)
{
	size_t at = s.len > 0 && s.data[0] == '-';
	size_t whole = digits(s, at);

	if (whole == 0 || (whole > 1 && s.data[at] == '0'))
		return false;
	at += whole;
	if (at < s.len && s.data[at] == '.') {
		size_t part = digits(s, at + 1);
		if (part == 0)
			return false;
		at += 1 + part;
	}
	if (at < s.len && (s.data[at] == 'e' || s.data[at] == 'E')) {
		at++;
		if (at < s.len && (s.data[at] == '+' || s.data[at] == '-'))
			at++;
		size_t part = digits(s, at);
		if (part == 0)
			return false;
		at += part;
	}
	return at == s.len;
}

/* The other numbers of the core schema: 0x1f, 0o17, +1, 007, .5, 1., .inf, .nan */
static bool is_odd_number(struct slice s)
{
	static const char *const words[] = {".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN"};
	uint64_t ignored;
	struct slice bare = s;

	if (bare.len > 0 && (bare.data[0] == '+' || bare.data[0] == '-'))
		bare = slice_from(bare, 1);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (slice_eq(bare, slice_from_cstr(words[i])))
			return true;
	if (slice_starts_with(s, SLICE("0x")) || slice_starts_with(s, SLICE("0o")))
		return num_parse_hex(slice_from(s, 2), UINT64_MAX, &ignored);
	size_t whole = digits(bare, 0);
	size_t at = whole;
	if (at < bare.len && bare.data[at] == '.') {
		size_t part = digits(bare, at + 1);
		if (whole == 0 && part == 0)
			return false;
		at += 1 + part;
	}
	return bare.len > 0 && at > 0 && at == bare.len;
}

enum yaml_type yaml_scalar_type(const struct yaml_node *node)
{
	struct slice s = node->text;

	if (node->kind != YAML_SCALAR || node->quoted)
		return YAML_TYPE_TEXT;
	if (s.len == 0 || slice_eq(s, SLICE("~")) || slice_eq(s, SLICE("null")) ||
	    slice_eq(s, SLICE("Null")) || slice_eq(s, SLICE("NULL")))
		return YAML_TYPE_NULL;
	if (slice_eq(s, SLICE("true")) || slice_eq(s, SLICE("True")) || slice_eq(s, SLICE("TRUE")))
		return YAML_TYPE_TRUE;
	if (slice_eq(s, SLICE("false")) || slice_eq(s, SLICE("False")) ||
	    slice_eq(s, SLICE("FALSE")))
		return YAML_TYPE_FALSE;
	if (is_json_number(s))
		return YAML_TYPE_NUMBER;
	return is_odd_number(s) ? YAML_TYPE_ODD_NUMBER : YAML_TYPE_TEXT;
}

const char *yaml_describe(const struct yaml_node *node)
{
	if (node->kind == YAML_LIST)
		return "a list";
	if (node->kind == YAML_MAP)
		return "a map";
	switch (yaml_scalar_type(node)) {
	case YAML_TYPE_NULL:
		return "nothing";
	case YAML_TYPE_TRUE:
	case YAML_TYPE_FALSE:
		return "a boolean";
	case YAML_TYPE_NUMBER:
	case YAML_TYPE_ODD_NUMBER:
		return "a number";
	case YAML_TYPE_TEXT:
		break;
	}
	return "a text";
}
