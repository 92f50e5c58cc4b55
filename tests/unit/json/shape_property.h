/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What must hold for any two texts: read by the shape of the first, the second has the tape that
 * json_read gives it; and the first has its own shape, if it has one at all. Returns NULL, or a
 * sentence about what does not hold. Used by unit tests and by fuzzing.
 */
#include <stdlib.h>
#include <string.h>

#include "json/shape.h"

/* Where a container, or a name, stood is not known to a shape; what the name is, is. */
static inline bool shape_same_node(const struct json_node *a, const struct json_node *b)
{
	if (a->type != b->type || a->flags != b->flags || a->len != b->len ||
	    a->as.integer != b->as.integer)
		return false;
	bool text = a->type == JSON_STRING || a->type == JSON_NUMBER;
	return !text || memcmp(a->data, b->data, a->len) == 0;
}

static inline bool shape_same_tape(const struct json_doc *a, const struct json_doc *b)
{
	if (a->nodes != b->nodes || a->text.data != b->text.data || a->text.len != b->text.len)
		return false;
	for (uint32_t i = 0; i < a->nodes; i++)
		if (!shape_same_node(&a->root[i], &b->root[i]))
			return false;
	return true;
}

static inline const char *shape_compare(struct json_shape *s, struct slice text, bool must,
					const struct json_limits *limits)
{
	const char *broken = NULL;
	struct json_doc doc, wanted;
	struct arena a;

	/* A copy of its own size, so that one byte too far is seen. */
	char *copy = malloc(text.len ? text.len : 1);
	memcpy(copy, text.data ? text.data : "", text.len);
	text.data = copy;
	arena_init(&a, 512, (size_t)64 << 20);
	bool read = json_shape_read(s, text, &doc);
	if (must && !read)
		broken = "a text has not its own shape";
	else if (read && json_read(text, limits, &a, &wanted))
		broken = "read by its shape, but wrong";
	else if (read && !shape_same_tape(&doc, &wanted))
		broken = "another tape";
	arena_deinit(&a);
	free(copy);
	return broken;
}

/* Both are UTF-8. The value at node `fixed`, if it is a scalar, belongs to the shape. */
static inline const char *shape_property(struct slice first, struct slice second, uint32_t fixed,
					 const struct json_limits *limits)
{
	struct json_shape *s = malloc(sizeof(*s));
	const struct json_node *value = NULL;
	const char *broken = NULL;
	struct json_doc doc;
	struct arena a;

	memset(s, 0xa5, sizeof(*s));
	arena_init(&a, 512, (size_t)64 << 20);
	if (json_read(first, limits, &a, &doc) == REASON_NONE) {
		if (fixed < doc.nodes && doc.root[fixed].type < JSON_ARRAY &&
		    !(doc.root[fixed].flags & JSON_IS_KEY))
			value = &doc.root[fixed];
		bool learned = json_shape_learn(s, &doc, limits, value);
		broken = shape_compare(s, second, false, limits);
		if (!broken)
			broken = shape_compare(s, first, learned && first.len >= 16, limits);
		if (!broken)
			broken = shape_compare(s, second, false, limits);
	}
	arena_deinit(&a);
	free(s);
	return broken;
}
