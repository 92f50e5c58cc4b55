/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the changes of write.h are made of. For the json layer only.
 */
#include "json/write.h"

enum json_edit_kind {
	JSON_EDIT_NONE = 0, /* the value stays; members may come behind it */
	JSON_EDIT_REMOVE,
	JSON_EDIT_STRING,
	JSON_EDIT_VALUE,
	JSON_EDIT_ADD, /* a member behind the others; in a chain from the object's change */
};

struct json_edit {
	enum json_edit_kind kind;
	struct slice text;             /* STRING: the string; ADD: the name */
	const struct json_node *value; /* VALUE, ADD */
	uint32_t first, last;          /* chain of members added: index + 1, 0 is none */
	uint32_t next;                 /* ADD: the next in the chain */
};

/* The change of that value, or NULL. */
static inline const struct json_edit *json_edit_of(const struct json_edits *e,
						   const struct json_node *v)
{
	uint32_t index = e && e->of_node ? e->of_node[v - e->root] : 0;

	return index ? &e->edits[index - 1] : NULL;
}

/* The first and the next member added behind an object's own; NULL behind the last. */
static inline const struct json_edit *json_edit_added(const struct json_edits *e, uint32_t index)
{
	return index ? &e->edits[index - 1] : NULL;
}

static inline bool json_edit_removes(const struct json_edits *e, const struct json_node *value)
{
	const struct json_edit *edit = json_edit_of(e, value);

	return edit && edit->kind == JSON_EDIT_REMOVE;
}
