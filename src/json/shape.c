/* SPDX-License-Identifier: Apache-2.0 */
/* See shape.h. Names, and the fixed value, point into the shape's own copy of the pieces. */
#include "json/shape.h"

#include "json/read_scalar.h"

enum {
	SCAN_BYTES = 16, /* of json_scan_in_16 */
	FEW_DIGITS = 15,
};

_Static_assert(JSON_SHAPE_NODES <= UINT8_MAX, "nodes are numbered with a byte");

/* ---- learning */

static enum json_shape_kind kind_of(const struct json_node *v)
{
	switch (v->type) {
	case JSON_STRING:
		return JSON_SHAPE_STRING;
	case JSON_NUMBER:
		return JSON_SHAPE_NUMBER;
	default:
		return JSON_SHAPE_WORD;
	}
}

static size_t text_bytes(const struct json_node *v)
{
	if (v->type == JSON_NULL)
		return sizeof("null") - 1;
	if (v->type == JSON_BOOL)
		return v->flags & JSON_IS_TRUE ? sizeof("true") - 1 : sizeof("false") - 1;
	return v->len;
}

/* Where a piece begins, and how much of the shape is used. */
struct learning {
	struct json_shape *shape;
	const char *from;
	size_t bytes;
	uint32_t pieces;
};

static bool end_piece(struct learning *l, const char *to, enum json_shape_kind kind, uint32_t node)
{
	size_t len = (size_t)(to - l->from);
	size_t blocks = len ? (len + JSON_SHAPE_BLOCK - 1) / JSON_SHAPE_BLOCK : 1;
	size_t last = len - (blocks - 1) * JSON_SHAPE_BLOCK;

	if (l->pieces > JSON_SHAPE_VALUES ||
	    blocks > (JSON_SHAPE_BYTES - l->bytes) / JSON_SHAPE_BLOCK)
		return false;
	l->shape->pieces[l->pieces++] = (struct json_shape_piece){
		.text = l->shape->text + l->bytes,
		.node = l->shape->tape + node,
		.len = (uint16_t)len,
		.last_bits = (uint16_t)((1u << last) - 1),
		.kind = (uint8_t)kind,
	};
	memcpy(l->shape->text + l->bytes, l->from, len);
	l->bytes += blocks * JSON_SHAPE_BLOCK;
	return true;
}

static bool learn(struct json_shape *s, const struct json_doc *doc, const struct json_node *fixed)
{
	struct learning l = {.shape = s, .from = doc->text.data};

	for (uint32_t i = 0; i < doc->nodes; i++) {
		const struct json_node *v = &doc->root[i];
		if (v->flags & JSON_IS_ESCAPED)
			return false;
		if (v->type >= JSON_ARRAY || v->flags & JSON_IS_KEY || v == fixed) {
			size_t at = l.bytes + (size_t)(v->data - l.from);
			if (at > JSON_SHAPE_BYTES)
				return false;
			s->tape[i] = *v;
			s->tape[i].data = s->text + at;
			continue;
		}
		s->tape[i] = (struct json_node){.type = v->type};
		if (!end_piece(&l, v->data, kind_of(v), i))
			return false;
		l.from = v->data + text_bytes(v);
	}
	return end_piece(&l, doc->text.data + doc->text.len, JSON_SHAPE_END, doc->nodes);
}

bool json_shape_learn(struct json_shape *s, const struct json_doc *doc,
		      const struct json_limits *limits, const struct json_node *fixed)
{
	s->nodes = 0;
	if (!doc->root || doc->nodes > JSON_SHAPE_NODES || limits->any_strings ||
	    limits->any_keys || limits->any_numbers || !limits->utf8_checked ||
	    !learn(s, doc, fixed))
		return false;
	s->nodes = doc->nodes;
	s->limits = *limits;
	return true;
}

/* ---- reading */

static inline bool same_bytes(const char *a, const char *b, size_t len)
{
	for (; len > JSON_SHAPE_BLOCK;
	     a += JSON_SHAPE_BLOCK, b += JSON_SHAPE_BLOCK, len -= JSON_SHAPE_BLOCK)
		if (!slice_same(a, b, JSON_SHAPE_BLOCK))
			return false;
	return slice_same(a, b, len);
}

/* Whether the text goes on at p with that piece. */
static inline __attribute__((always_inline)) bool goes_on(const struct json_shape_piece *piece,
							  const char *p, const char *end)
{
	const char *wanted = piece->text;
	size_t left = piece->len;

#ifdef JSON_SCAN_SSE2
	/* Whole blocks, also of the last one: what is behind the piece does not count. */
	while (LIKELY(end - p >= JSON_SHAPE_BLOCK)) {
		__m128i a, b;
		memcpy(&a, p, sizeof(a));
		memcpy(&b, wanted, sizeof(b));
		unsigned same = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(a, b));
		if (left <= JSON_SHAPE_BLOCK)
			return !(~same & piece->last_bits);
		if (same != (1u << JSON_SHAPE_BLOCK) - 1)
			return false;
		p += JSON_SHAPE_BLOCK;
		wanted += JSON_SHAPE_BLOCK;
		left -= JSON_SHAPE_BLOCK;
	}
#endif
	return (size_t)(end - p) >= left && same_bytes(p, wanted, left);
}

/* A number or a word, whichever is to be there. p is behind a piece. Returns the position behind
 * the value; NULL: there is none. Apart from the rest, which needs fewer registers without it. */
static __attribute__((noinline)) const char *read_other(enum json_shape_kind kind, const char *p,
							const char *end,
							const struct json_limits *limits,
							struct json_node *v)
{
	struct json_reader r = {.text = p, .end = end, .limits = limits};

	if (p == end)
		return NULL;
	if (kind == JSON_SHAPE_NUMBER)
		return json_read_number(&r, p, v);
	if (*p == 't')
		return json_read_literal(&r, p, SLICE("true"), JSON_BOOL, JSON_IS_TRUE, v);
	if (*p == 'f')
		return json_read_literal(&r, p, SLICE("false"), JSON_BOOL, 0, v);
	return json_read_literal(&r, p, SLICE("null"), JSON_NULL, 0, v);
}

/* What most numbers are: digits, few enough that nothing can be too large. NULL: it is another. */
static inline const char *read_few_digits(const char *p, const char *end, struct json_node *v)
{
	const char *from = p;
	uint64_t value = 0;

	p = json_read_digits(p, end, &value);
	/* Something must follow that ends it, and no zero may begin it. */
	if (p == from || p == end || p - from > FEW_DIGITS || *p == '.' || (*p | 0x20) == 'e' ||
	    (*from == '0' && p != from + 1))
		return NULL;
	v->flags = JSON_IS_INTEGER;
	v->len = (uint32_t)(p - from);
	v->data = from;
	v->as.integer = (int64_t)value;
	return p;
}

bool json_shape_read(struct json_shape *s, struct slice text, struct json_doc *doc)
{
	const struct json_shape_piece *piece = s->pieces;

	if (!s->nodes || text.len < SCAN_BYTES || text.len >= UINT32_MAX)
		return false;
	const char *p = text.data, *const end = p + text.len;
	for (;; piece++) {
		struct json_node *v = piece->node;
		if (!goes_on(piece, p, end))
			return false;
		p += piece->len;
		if (piece->kind == JSON_SHAPE_STRING) {
			/* If it stops at anything but its quote the next piece does not fit. */
			v->data = p;
			p = json_scan_in_16(p, end, true);
			v->len = (uint32_t)(p - v->data);
			continue;
		}
		if (piece->kind == JSON_SHAPE_END)
			break;
		const char *number = p;
		p = piece->kind == JSON_SHAPE_NUMBER ? read_few_digits(p, end, v) : NULL;
		if (!p)
			p = read_other(piece->kind, number, end, &s->limits, v);
		if (UNLIKELY(!p))
			return false;
	}
	if (p != end)
		return false;
	doc->root = s->tape;
	doc->nodes = s->nodes;
	doc->text = text;
	doc->fault = JSON_FAULT_NONE;
	doc->at = 0;
	return true;
}
