/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The strict reader; see read.h.
 *
 *   text   {"a": [1, 2], "b\u0062": null}
 *               ^ p
 *   tape   [object][key a][array][1][...........
 *             ^------up------'       ^ v
 *   spare  decoded bytes of strings that have escapes
 *
 * Containers that are still open are chained through their own nodes, so that nesting costs
 * no stack. The spare bytes are taken from the arena first, then the tape, which is the newest
 * allocation while the reader runs and can therefore grow where it is and give back what was
 * not needed. A long text mostly has no escapes: it is read without spare bytes, and once more
 * with them at the first one that it has after all.
 */
#include "json/read.h"

#include "json/key.h"
#include "json/read_scalar.h"
#include "json/scan.h"

enum {
	KEYS_SUSPECT = 0x80,  /* flag of an open object: two keys may be the same */
	SPARE_AT_ONCE = 4096, /* up to this text size there is room for decoded bytes at once */
	SEEN_BITS = 8 * sizeof(uintptr_t),
	SCAN_BYTES = 16, /* of json_scan_in_16 */
};

static const uint32_t NO_NODE = UINT32_MAX;

#define ALWAYS_INLINE inline __attribute__((always_inline))

const char *json_refuse(struct json_reader *r, enum json_fault fault, const char *at)
{
	r->fault = fault;
	r->at = at;
	return NULL;
}

const char *json_refuse_byte(struct json_reader *r, const char *p)
{
	return json_refuse(r, p == r->end ? JSON_FAULT_END : JSON_FAULT_SYNTAX, p);
}

/* ---- memory */

static uint32_t most_nodes(size_t text_bytes, const struct json_limits *limits)
{
	/* Every value but the first has a comma or a bracket of its own, every key more. */
	uint64_t by_text = (uint64_t)text_bytes / 2 + 2;
	uint64_t by_limit = (uint64_t)limits->values * 2 + 2;
	return (uint32_t)(by_text < by_limit ? by_text : by_limit);
}

size_t json_arena_bytes(size_t text_bytes, const struct json_limits *limits)
{
	size_t nodes = most_nodes(text_bytes, limits);
	size_t slots = json_keys_slots((uint32_t)nodes);

	return text_bytes + nodes * sizeof(struct json_node) + slots * sizeof(uint32_t) + 256;
}

/* Room for `more` nodes behind the `used` first ones. False when the arena has no more. */
static bool make_room(struct json_reader *r, size_t used, size_t more) __attribute__((noinline));

static bool make_room(struct json_reader *r, size_t used, size_t more)
{
	size_t wanted = (size_t)(r->limit - r->nodes) * 2;

	if (wanted > r->most)
		wanted = r->most;
	if (wanted < used + more)
		wanted = used + more;
	if (wanted >= UINT32_MAX)
		return false;
	if (!arena_resize(r->arena, r->nodes, wanted * sizeof(*r->nodes))) {
		struct json_node *nodes = arena_alloc(r->arena, wanted * sizeof(*nodes));
		if (!nodes)
			return false;
		memcpy(nodes, r->nodes, used * sizeof(*nodes));
		r->nodes = nodes;
	}
	r->limit = r->nodes + wanted;
	return true;
}

/* Bytes for decoded strings are there only if asked for. */
static bool prepare_memory(struct json_reader *r, size_t len, bool spare)
{
	r->spare = NULL;
	if (spare) {
		r->spare = arena_alloc(r->arena, len);
		if (!r->spare)
			return false;
	}
	/* As much of the arena's block as could be needed; at the end the rest goes back. */
	r->most = most_nodes(len, r->limits);
	size_t room = r->most;
	if (UNLIKELY(arena_free(r->arena) < (room + 1) * sizeof(*r->nodes))) {
		size_t free_nodes = arena_free(r->arena) / sizeof(*r->nodes);
		size_t guess = len / 8 + 16;
		room = free_nodes > guess ? free_nodes : guess;
		if (room > r->most)
			room = r->most;
	}
	r->nodes = arena_alloc(r->arena, room * sizeof(*r->nodes));
	if (!r->nodes)
		return false;
	r->limit = r->nodes + room;
	return true;
}

/* ---- pieces of text */

static inline bool is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* Over white space of any length; indentation eight bytes at a time. */
static const char *skip_spaces(const char *p, const char *end) __attribute__((noinline));

static const char *skip_spaces(const char *p, const char *end)
{
	for (;;) {
		while (end - p >= 8 && json_scan_load(p) == JSON_SCAN_BYTES(' '))
			p += 8;
		if (p == end || !is_space(*p))
			return p;
		p++;
	}
}

static inline const char *skip_space(const char *p, const char *end)
{
	return LIKELY(p < end && (uint8_t)*p > ' ') ? p : skip_spaces(p, end);
}

/* p is where a string stops being plain text, `from` is behind its opening quote. Returns the
 * position behind the closing quote; v's data and len are set. */
static const char *read_special(struct json_reader *r, const char *from, const char *p,
				struct json_node *v) __attribute__((noinline));

static const char *read_special(struct json_reader *r, const char *from, const char *p,
				struct json_node *v)
{
	bool wide = r->limits->utf8_checked;

	for (;;) {
		if (p == r->end)
			return json_refuse(r, JSON_FAULT_END, p);
		if (*p == '\\') {
			v->as.string.at = (uint32_t)(from - 1 - r->text);
			return json_read_escaped(r, from, p, v);
		}
		if (*p == '"') {
			v->len = (uint32_t)(p - from);
			return p + 1;
		}
		if ((uint8_t)*p < 0x20)
			return json_refuse(r, JSON_FAULT_CONTROL, p);
		p = json_skip_characters(r, p);
		if (!p)
			return NULL;
		p = json_scan(r->text, p, r->end, wide);
	}
}

/* p is behind the opening quote. Returns the position behind the closing one. */
static ALWAYS_INLINE const char *read_string(struct json_reader *r, const char *p, const char *end,
					     bool quick, uint8_t flags, struct json_node *v)
{
	const char *stop = quick ? json_scan_in_16(p, end, true)
				 : json_scan(r->text, p, end, r->limits->utf8_checked);

	v->type = JSON_STRING;
	v->flags = flags;
	v->unused = 0;
	v->len = (uint32_t)(stop - p);
	v->data = p;
	v->as.integer = 0;
	return LIKELY(stop != end && *stop == '"') ? stop + 1 : read_special(r, p, stop, v);
}

/* ---- keys */

static inline bool is_forbidden(const char *key, uint32_t len)
{
	if (LIKELY(len != 9 && len != 11))
		return false;
	if (len == 9)
		return memcmp(key, "__proto__", 9) == 0 || memcmp(key, "prototype", 9) == 0;
	return len == 11 && memcmp(key, "constructor", 11) == 0;
}

/* p is behind the opening quote. Returns the position behind the colon. */
static ALWAYS_INLINE const char *read_key(struct json_reader *r, const char *p, const char *end,
					  bool quick, struct json_node *object,
					  struct json_node *key)
{
	const char *quote = p - 1;

	if (UNLIKELY(object->len >= r->limits->members))
		return json_refuse(r, JSON_FAULT_MEMBERS, quote);
	p = read_string(r, p, end, quick, JSON_IS_KEY, key);
	if (UNLIKELY(!p))
		return NULL;
	if (UNLIKELY(is_forbidden(key->data, key->len)) && !r->limits->any_keys)
		return json_refuse(r, JSON_FAULT_FORBIDDEN, quote);

	/* The decoded bytes of one with escapes end somewhere else. */
	uint32_t hash = UNLIKELY(key->flags & JSON_IS_ESCAPED)
				? json_key_mix(key->data, key->len)
				: json_key_mix_in(key->data, key->len, end);
	/* With two bits of it each, few objects have keys that could be the same. */
	uintptr_t bits = (uintptr_t)1 << hash % SEEN_BITS | (uintptr_t)1 << (hash >> 8) % SEEN_BITS;
	key->as.string.hash = hash;
	if (UNLIKELY((object->seen & bits) == bits))
		object->flags |= KEYS_SUSPECT;
	object->seen |= bits;
	object->len++;

	p = skip_space(p, end);
	if (UNLIKELY(p == end || *p != ':'))
		return json_refuse_byte(r, p);
	return p + 1;
}

/* Whether the object that ends before `used` has no key twice. The table that this may need
 * lies behind the tape, which may move for it. */
static bool keys_differ(struct json_reader *r, size_t object, size_t used)
{
	uint32_t slot_count = json_keys_slots(r->nodes[object].len);
	size_t scratch = slot_count * sizeof(uint32_t) / sizeof(*r->nodes) + 1;

	if (scratch > (size_t)(r->limit - r->nodes) - used && !make_room(r, used, scratch)) {
		json_refuse(r, JSON_FAULT_MEMORY, r->end);
		return false;
	}
	uint32_t *slots = (uint32_t *)(void *)(r->nodes + used);
	const struct json_node *again =
		json_keys_repeated(&r->nodes[object], &r->limits->secret, slots, slot_count);
	if (again)
		json_refuse(r, JSON_FAULT_DUPLICATE,
			    again->flags & JSON_IS_ESCAPED ? r->text + again->as.string.at
							   : again->data - 1);
	return !again;
}

/* ---- containers */

static inline void open_container(struct json_node *v, enum json_type type, uint32_t at,
				  uint32_t up)
{
	v->type = (uint8_t)type;
	v->flags = 0;
	v->unused = 0;
	v->len = 0;
	v->seen = 0;
	v->as.nest.span = at; /* until it is closed */
	v->as.nest.up = up;
}

/* Returns the container around it. */
static inline uint32_t close_container(struct json_reader *r, struct json_node *v,
				       const struct json_node *end)
{
	const char *began = r->text + v->as.nest.span;
	uint32_t up = v->as.nest.up;

	v->flags = 0;
	v->data = began;
	v->as.nest.span = (uint32_t)(end - v);
	v->as.nest.up = 0;
	return up;
}

/*
 * The whole text: values, and between them brackets, commas and keys.
 *
 *	value  -> inside    after an opening bracket
 *	       -> after     after any other value
 *	inside -> value, key, or close
 *	after  -> value, key, close, or, when nothing is open, done
 *	key    -> value     (name: the quote was seen)
 *	close  -> after
 */
static ALWAYS_INLINE const char *read_all(struct json_reader *r, bool quick, uint32_t *nodes)
{
	const char *p = r->text, *const end = r->end;
	const uint32_t depth_max =
		r->limits->depth < JSON_DEPTH_MAX ? r->limits->depth : JSON_DEPTH_MAX;
	uint32_t values_left = r->limits->values, depth = 0, up = NO_NODE;
	struct json_node *v = r->nodes; /* the next free node */
	struct json_node *open = NULL;  /* the innermost open container */
	bool in_object = false;

	if (end - p >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
		return json_refuse(r, JSON_FAULT_BOM, p);

value:
	p = skip_space(p, end);
	if (UNLIKELY(p == end))
		return json_refuse(r, JSON_FAULT_END, p);
	if (UNLIKELY(values_left-- == 0))
		return json_refuse(r, JSON_FAULT_VALUES, p);
	if (UNLIKELY(v == r->limit)) {
		size_t used = (size_t)(v - r->nodes), at = open ? (size_t)(open - r->nodes) : 0;
		if (!make_room(r, used, 1))
			return json_refuse(r, JSON_FAULT_MEMORY, p);
		v = r->nodes + used;
		open = open ? r->nodes + at : NULL;
	}
	if (LIKELY(*p == '"')) {
		p = read_string(r, p + 1, end, quick, 0, v);
		if (UNLIKELY(!p))
			return NULL;
		v++;
		goto after;
	}
	/* clang-format off */
	switch (*p) {
	case '-': case '0': case '1': case '2': case '3': case '4':
	case '5': case '6': case '7': case '8': case '9':
		p = json_read_number(r, p, v);
		break;
	case 't':
		p = json_read_literal(r, p, SLICE("true"), JSON_BOOL, JSON_IS_TRUE, v);
		break;
	case 'f':
		p = json_read_literal(r, p, SLICE("false"), JSON_BOOL, 0, v);
		break;
	case 'n':
		p = json_read_literal(r, p, SLICE("null"), JSON_NULL, 0, v);
		break;
	case '{': case '[':
		if (UNLIKELY(depth == depth_max))
			return json_refuse(r, JSON_FAULT_DEPTH, p);
		depth++;
		in_object = *p == '{';
		open_container(v, in_object ? JSON_OBJECT : JSON_ARRAY, (uint32_t)(p - r->text),
			       open ? (uint32_t)(open - r->nodes) : NO_NODE);
		open = v++;
		p++;
		goto inside;
	default:
		return json_refuse(r, JSON_FAULT_SYNTAX, p);
	}
	/* clang-format on */
	if (UNLIKELY(!p))
		return NULL;
	v++;

after:
	if (LIKELY(in_object && end - p >= 2 && p[0] == ',' && p[1] == '"')) {
		p++;
		goto name;
	}
	if (!open)
		goto done;
	p = skip_space(p, end);
	if (UNLIKELY(p == end))
		return json_refuse(r, JSON_FAULT_END, p);
	if (*p == (in_object ? '}' : ']'))
		goto close;
	if (UNLIKELY(*p != ','))
		return json_refuse(r, JSON_FAULT_SYNTAX, p);
	p = skip_space(p + 1, end);
	if (in_object)
		goto key;
	open->len++;
	goto value;

inside:
	p = skip_space(p, end);
	if (UNLIKELY(p == end))
		return json_refuse(r, JSON_FAULT_END, p);
	if (*p == (in_object ? '}' : ']'))
		goto close;
	if (in_object)
		goto key;
	open->len++;
	goto value;

key:
	if (UNLIKELY(p == end || *p != '"'))
		return json_refuse_byte(r, p);
name:
	if (UNLIKELY(v == r->limit)) {
		size_t used = (size_t)(v - r->nodes), at = (size_t)(open - r->nodes);
		if (!make_room(r, used, 1))
			return json_refuse(r, JSON_FAULT_MEMORY, p);
		v = r->nodes + used;
		open = r->nodes + at;
	}
	p = read_key(r, p + 1, end, quick, open, v);
	if (UNLIKELY(!p))
		return NULL;
	v++;
	goto value;

close:
	p++;
	depth--;
	if (UNLIKELY(open->flags & KEYS_SUSPECT)) {
		size_t used = (size_t)(v - r->nodes), at = (size_t)(open - r->nodes);
		up = close_container(r, open, v);
		if (!keys_differ(r, at, used))
			return NULL;
		v = r->nodes + used;
	} else {
		up = close_container(r, open, v);
	}
	open = up == NO_NODE ? NULL : r->nodes + up;
	in_object = open && open->type == JSON_OBJECT;
	goto after;

done:
	p = skip_space(p, end);
	*nodes = (uint32_t)(v - r->nodes);
	return p == end ? p : json_refuse(r, JSON_FAULT_TRAILING, p);
}

/* Twice the same code: for messages, which are UTF-8 and have SCAN_BYTES or more, and for the
 * rest. */
static const char *read_quick(struct json_reader *r, uint32_t *nodes)
{
	return read_all(r, true, nodes);
}

static const char *read_other(struct json_reader *r, uint32_t *nodes)
{
	return read_all(r, false, nodes);
}

/* clang-format off */
static const struct {
	const char *word;
	enum reason reason;
} faults[] = {
	[JSON_FAULT_NONE]      = {"none",      REASON_NONE},
	[JSON_FAULT_SYNTAX]    = {"syntax",    REASON_JSON_MALFORMED},
	[JSON_FAULT_END]       = {"end",       REASON_JSON_MALFORMED},
	[JSON_FAULT_TRAILING]  = {"trailing",  REASON_JSON_MALFORMED},
	[JSON_FAULT_UTF8]      = {"utf8",      REASON_JSON_MALFORMED},
	[JSON_FAULT_BOM]       = {"bom",       REASON_JSON_MALFORMED},
	[JSON_FAULT_CONTROL]   = {"control",   REASON_JSON_MALFORMED},
	[JSON_FAULT_ESCAPE]    = {"escape",    REASON_JSON_MALFORMED},
	[JSON_FAULT_SURROGATE] = {"surrogate", REASON_JSON_MALFORMED},
	[JSON_FAULT_NUL]       = {"nul",       REASON_JSON_MALFORMED},
	[JSON_FAULT_DUPLICATE] = {"duplicate", REASON_JSON_DUPLICATE_KEY},
	[JSON_FAULT_FORBIDDEN] = {"forbidden", REASON_JSON_FORBIDDEN_KEY},
	[JSON_FAULT_NUMBER]    = {"number",    REASON_JSON_NUMBER},
	[JSON_FAULT_DEPTH]     = {"depth",     REASON_JSON_TOO_DEEP},
	[JSON_FAULT_MEMBERS]   = {"members",   REASON_JSON_TOO_LARGE},
	[JSON_FAULT_VALUES]    = {"values",    REASON_JSON_TOO_LARGE},
	[JSON_FAULT_MEMORY]    = {"memory",    REASON_JSON_TOO_LARGE},
};
/* clang-format on */

const char *json_fault_word(enum json_fault fault)
{
	return (size_t)fault < sizeof(faults) / sizeof(faults[0]) ? faults[fault].word : "unknown";
}

static const char *read_with(struct json_reader *r, size_t len, bool spare, uint32_t *nodes)
{
	if (len >= UINT32_MAX || !prepare_memory(r, len, spare))
		return json_refuse(r, JSON_FAULT_MEMORY, r->text);
	return r->limits->utf8_checked && len >= SCAN_BYTES ? read_quick(r, nodes)
							    : read_other(r, nodes);
}

enum reason json_read(struct slice text, const struct json_limits *limits, struct arena *arena,
		      struct json_doc *doc)
{
	struct json_reader r = {
		.text = text.data,
		.end = text.len ? text.data + text.len : text.data,
		.limits = limits,
		.arena = arena,
		.at = text.data,
	};
	const char *end = NULL;

	*doc = (struct json_doc){.text = text};
	if (text.len == 0)
		r.fault = JSON_FAULT_END;
	else
		end = read_with(&r, text.len, text.len <= SPARE_AT_ONCE, &doc->nodes);
	if (UNLIKELY(r.wants_spare)) {
		arena_resize(arena, r.nodes, 0);
		end = read_with(&r, text.len, true, &doc->nodes);
	}
	if (LIKELY(end)) {
		arena_resize(arena, r.nodes, doc->nodes * sizeof(*r.nodes));
		doc->root = r.nodes;
		return REASON_NONE;
	}
	doc->nodes = 0;
	doc->fault = r.fault;
	doc->at = text.len ? (size_t)(r.at - text.data) : 0;
	return faults[r.fault].reason;
}

size_t json_at(const struct json_doc *doc, const struct json_node *v)
{
	if (v->flags & JSON_IS_ESCAPED)
		return v->as.string.at;
	return (size_t)(v->data - doc->text.data) - (v->type == JSON_STRING);
}
