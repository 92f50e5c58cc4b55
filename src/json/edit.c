/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes beside a tape, and the tape that they make; see write.h.
 *
 *   of_node  [0][0][2][0]...      one number per node of the tape
 *                   |
 *   edits    [...][STRING "..."]  the change, in the order of asking
 */
#include "json/edit.h"

#include "base/err.h"
#include "base/obj.h"
#include "json/key.h"

enum { FIRST_EDITS = 8 };

void json_edits_init(struct json_edits *e, const struct json_node *root, uint32_t nodes,
		     struct arena *arena)
{
	*e = (struct json_edits){.root = root, .nodes = nodes, .arena = arena};
}

static int fail(struct json_edits *e)
{
	e->failed = true;
	return err_raise(ENOMEM, "changes to a JSON value");
}

/* One more entry; its index + 1, or 0 when the arena is used up. */
static uint32_t new_edit(struct json_edits *e)
{
	if (e->count == e->room) {
		uint32_t room = e->room ? e->room * 2 : FIRST_EDITS;
		struct json_edit *edits = arena_calloc(e->arena, room, sizeof(*edits));
		if (!edits)
			return 0;
		if (e->count)
			memcpy(edits, e->edits, e->count * sizeof(*edits));
		e->edits = edits;
		e->room = room;
	}
	e->edits[e->count] = (struct json_edit){0};
	return ++e->count;
}

/* The change of that value, made if it has none yet; NULL when the arena is used up. */
static struct json_edit *edit_for(struct json_edits *e, const struct json_node *v)
{
	MUST(v >= e->root && v < e->root + e->nodes);
	if (!e->of_node) {
		e->of_node = arena_calloc(e->arena, e->nodes, sizeof(*e->of_node));
		if (!e->of_node)
			return NULL;
	}
	uint32_t *index = &e->of_node[v - e->root];
	if (*index == 0)
		*index = new_edit(e);
	return *index ? &e->edits[*index - 1] : NULL;
}

static uint32_t nodes_of(const struct json_node *v)
{
	return (uint32_t)(json_next(v) - v);
}

int json_edit_string(struct json_edits *e, const struct json_node *v, struct slice text)
{
	struct json_edit *edit = edit_for(e, v);

	if (!edit || text.len >= UINT32_MAX)
		return fail(e);
	edit->kind = JSON_EDIT_STRING;
	edit->text = text;
	e->added++;
	return 0;
}

struct slice json_edited_string(const struct json_edits *e, const struct json_node *v)
{
	const struct json_edit *edit = json_edit_of(e, v);

	return edit && edit->kind == JSON_EDIT_STRING ? edit->text : json_string(v);
}

int json_edit_value(struct json_edits *e, const struct json_node *v, const struct json_node *value)
{
	struct json_edit *edit = edit_for(e, v);

	if (!edit)
		return fail(e);
	edit->kind = JSON_EDIT_VALUE;
	edit->value = value;
	e->added += nodes_of(value);
	return 0;
}

int json_edit_remove(struct json_edits *e, const struct json_node *v)
{
	if (v->flags & JSON_IS_KEY)
		v = json_value_of(v);
	MUST(v != e->root);
	struct json_edit *edit = edit_for(e, v);
	if (!edit)
		return fail(e);
	edit->kind = JSON_EDIT_REMOVE;
	return 0;
}

int json_edit_add(struct json_edits *e, const struct json_node *object, struct slice name,
		  const struct json_node *value)
{
	MUST(object->type == JSON_OBJECT);
	uint32_t added = edit_for(e, object) && name.len < UINT32_MAX ? new_edit(e) : 0;
	if (!added)
		return fail(e);
	/* Only now, because new_edit may have moved them all. */
	struct json_edit *edit = edit_for(e, object);
	e->edits[added - 1] =
		(struct json_edit){.kind = JSON_EDIT_ADD, .text = name, .value = value};
	if (edit->last)
		e->edits[edit->last - 1].next = added;
	else
		edit->first = added;
	edit->last = added;
	e->added += 1 + nodes_of(value);
	return 0;
}

/* The member of that name among those added. */
static struct json_edit *added_member(struct json_edits *e, const struct json_node *object,
				      struct slice name)
{
	const struct json_edit *edit = json_edit_of(e, object);
	uint32_t at = edit ? edit->first : 0;

	for (; at; at = e->edits[at - 1].next)
		if (slice_eq(e->edits[at - 1].text, name))
			return &e->edits[at - 1];
	return NULL;
}

int json_edit_set(struct json_edits *e, const struct json_node *object, struct slice name,
		  const struct json_node *value)
{
	const struct json_node *there = json_member(object, name);

	if (there)
		return json_edit_value(e, there, value);
	struct json_edit *added = added_member(e, object, name);
	if (!added)
		return json_edit_add(e, object, name, value);
	added->value = value;
	e->added += nodes_of(value);
	return 0;
}

/* ---- the tape with the changes made */

static struct json_node *copy(const struct json_node *v, struct json_node *to)
{
	uint32_t nodes = nodes_of(v);

	memcpy(to, v, nodes * sizeof(*to));
	return to + nodes;
}

static struct json_node *put_string(struct slice text, struct json_node *to)
{
	*to = (struct json_node){.type = JSON_STRING, .flags = JSON_IS_ESCAPED};
	to->data = text.data ? text.data : "";
	to->len = (uint32_t)text.len;
	return to + 1;
}

static struct json_node *put_added(const struct json_edits *e, const struct json_edit *object,
				   struct json_node *to, uint32_t *count)
{
	const struct json_edit *member = json_edit_added(e, object ? object->first : 0);

	for (; member; member = json_edit_added(e, member->next)) {
		struct json_node *key = to;
		to = put_string(member->text, to);
		key->flags |= JSON_IS_KEY;
		key->as.string.hash = json_key_mix(key->data, key->len);
		to = copy(member->value, to);
		++*count;
	}
	return to;
}

static struct json_node *put(const struct json_edits *e, const struct json_node *v,
			     struct json_node *to);

static struct json_node *put_container(const struct json_edits *e, const struct json_node *v,
				       struct json_node *to)
{
	struct json_node *head = to++;
	uint32_t count = 0;
	bool object = v->type == JSON_OBJECT;

	for (const struct json_node *at = v + 1; at != json_end(v);) {
		const struct json_node *value = at + object;
		if (!json_edit_removes(e, value)) {
			if (object)
				*to++ = *at;
			to = put(e, value, to);
			count++;
		}
		at = json_next(value);
	}
	if (object)
		to = put_added(e, json_edit_of(e, v), to, &count);
	*head = *v;
	head->len = count;
	head->as.nest.span = (uint32_t)(to - head);
	return to;
}

static struct json_node *put(const struct json_edits *e, const struct json_node *v,
			     struct json_node *to)
{
	const struct json_edit *edit = json_edit_of(e, v);

	if (edit && edit->kind == JSON_EDIT_STRING)
		return put_string(edit->text, to);
	if (edit && edit->kind == JSON_EDIT_VALUE)
		return copy(edit->value, to);
	if (v->type >= JSON_ARRAY)
		return put_container(e, v, to);
	*to = *v;
	return to + 1;
}

const struct json_node *json_edits_apply(const struct json_edits *e, struct arena *arena,
					 uint32_t *nodes)
{
	uint64_t most = e->nodes + e->added;

	if (e->failed || most > UINT32_MAX)
		return NULL;
	struct json_node *root = arena_alloc(arena, most * sizeof(*root));
	if (!root)
		return NULL;
	const struct json_node *end = put(e, e->root, root);
	*nodes = (uint32_t)(end - root);
	arena_resize(arena, root, *nodes * sizeof(*root));
	return root;
}
