/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a contract's schema says, as types of expressions.
 *
 *	message.usr        the schema of `say` lists user and text, no usr: refused
 *	message.user       {type: string}: a string
 *	last.position.at   the message `position` as the application sent it, and when
 *
 * Members are looked up when an expression asks for them, once; so a schema that refers to
 * itself costs nothing.
 */
#include "conf/load_priv.h"

enum { LISTS_MAX = 8, NAMES_MAX = 256 };

/* A member that was asked for. */
struct member {
	struct slice name;
	enum cel_member_answer answer;
	struct cel_member is;
	struct member *next;
};

struct typing {
	struct cel_object object;
	struct load *l;
	const struct schema_shape *shape; /* NULL: only the members listed */
	enum conf_undeclared undeclared;
	const struct load_member *members; /* before those of the shape */
	size_t member_count;
	struct member *asked;
};

static struct cel_type *new_type(struct load *l, struct cel_type type)
{
	struct cel_type *out = load_room(l, 1, sizeof(*out));

	if (out)
		*out = type;
	return out;
}

static const struct cel_type *new_object(struct load *l, const struct typing *typing);

static const struct cel_type *type_of(struct load *l, const struct schema_shape *shape,
				      enum conf_undeclared undeclared, struct slice name,
				      unsigned depth);

static const struct cel_type *list_of(struct load *l, const struct schema_shape *shape,
				      enum conf_undeclared undeclared, struct slice name,
				      unsigned depth)
{
	const struct schema_shape *item = NULL;
	const struct cel_type *of = &cel_dyn;
	uint32_t most = schema_shape_items_max(shape);

	if (depth < LISTS_MAX && schema_shape_item(shape, l->arena, &item) == SCHEMA_ANSWER_KNOWN)
		of = type_of(l, item, undeclared, arena_printf(l->arena, "%.*s[]", SLICE_ARG(name)),
			     depth + 1);
	const struct cel_type *list =
		new_type(l, (struct cel_type){.form = CEL_T_LIST,
					      .at_most = most == UINT32_MAX ? 0 : most,
					      .of = {of, &cel_dyn}});
	return list ? list : &cel_list_of_dyn;
}

static const struct cel_type *type_of(struct load *l, const struct schema_shape *shape,
				      enum conf_undeclared undeclared, struct slice name,
				      unsigned depth)
{
	switch (schema_shape_types(shape)) {
	case 1u << JSON_NULL:
		return &cel_types[CEL_NULL];
	case 1u << JSON_BOOL:
		return &cel_types[CEL_BOOL];
	case 1u << JSON_NUMBER:
		return &cel_types[schema_shape_whole(shape) ? CEL_INT : CEL_DOUBLE];
	case 1u << JSON_STRING:
		return &cel_types[CEL_STRING];
	case 1u << JSON_ARRAY:
		return list_of(l, shape, undeclared, name, depth);
	case 1u << JSON_OBJECT:
		return new_object(l, &(struct typing){.l = l,
						      .object.name = name,
						      .shape = shape,
						      .undeclared = undeclared});
	default:
		return &cel_dyn;
	}
}

/* ---- members */

struct names {
	struct slice list[NAMES_MAX];
	size_t count;
};

static void add_name(void *with, struct slice name)
{
	struct names *n = with;

	if (n->count < NAMES_MAX)
		n->list[n->count++] = name;
}

static struct slice nearest(const struct typing *t, struct slice name)
{
	struct names n = {.count = 0};

	for (size_t i = 0; i < t->member_count; i++)
		add_name(&n, t->members[i].name);
	if (t->shape)
		schema_shape_names(t->shape, add_name, &n);
	return diag_nearest(name, n.list, n.count);
}

static enum cel_member_answer ask_shape(const struct typing *t, struct slice name,
					struct cel_member *out)
{
	const struct schema_shape *shape = NULL;

	switch (schema_shape_member(t->shape, name, t->l->arena, &shape)) {
	case SCHEMA_ANSWER_KNOWN:
		out->type = type_of(t->l, shape, t->undeclared,
				    arena_printf(t->l->arena, "%.*s.%.*s",
						 SLICE_ARG(t->object.name), SLICE_ARG(name)),
				    0);
		return CEL_MEMBER_KNOWN;
	case SCHEMA_ANSWER_OPEN:
		return CEL_MEMBER_OPEN;
	case SCHEMA_ANSWER_UNDECLARED:
		if (t->undeclared == CONF_UNDECLARED_ALLOW)
			return CEL_MEMBER_OPEN;
		break;
	case SCHEMA_ANSWER_NO:
		break;
	}
	out->nearest = nearest(t, name);
	return CEL_MEMBER_REFUSED;
}

static enum cel_member_answer find(const struct typing *t, struct slice name,
				   struct cel_member *out)
{
	for (size_t i = 0; i < t->member_count; i++)
		if (slice_eq(t->members[i].name, name)) {
			out->type = t->members[i].type;
			return CEL_MEMBER_KNOWN;
		}
	if (t->shape)
		return ask_shape(t, name, out);
	out->nearest = nearest(t, name);
	return CEL_MEMBER_REFUSED;
}

static enum cel_member_answer member(const struct cel_object *object, struct slice name,
				     struct cel_member *out)
{
	/* The table of what was asked is the one thing that changes, while the file is read. */
	struct typing *t = (struct typing *)(uintptr_t)object->context;

	for (const struct member *m = t->asked; m; m = m->next)
		if (slice_eq(m->name, name)) {
			*out = m->is;
			return m->answer;
		}
	struct member *m = load_room(t->l, 1, sizeof(*m));
	if (!m)
		return CEL_MEMBER_REFUSED;
	m->name = load_copy(t->l, name);
	m->answer = find(t, m->name, &m->is);
	m->next = t->asked;
	t->asked = m;
	*out = m->is;
	return m->answer;
}

static const struct cel_type *new_object(struct load *l, const struct typing *typing)
{
	struct typing *t = load_room(l, 1, sizeof(*t));

	if (!t)
		return &cel_dyn;
	*t = *typing;
	t->object.member = member;
	t->object.context = t;
	const struct cel_type *type =
		new_type(l, (struct cel_type){.form = CEL_T_OBJECT, .object = &t->object});
	return type ? type : &cel_dyn;
}

const struct cel_type *load_type(struct load *l, const struct schema_shape *shape,
				 enum conf_undeclared undeclared, struct slice name)
{
	return shape ? type_of(l, shape, undeclared, name, 0) : &cel_dyn;
}

const struct cel_type *load_type_object(struct load *l, struct slice name,
					const struct load_member *members, size_t count)
{
	return new_object(
		l, &(struct typing){
			   .l = l, .object.name = name, .members = members, .member_count = count});
}

/* ---- messages */

const struct cel_type *load_type_message(struct load_rules *r, size_t index)
{
	const struct contract_message *m = &r->contract->messages[index];

	if (r->types[index])
		return r->types[index];
	const struct schema_shape *shape =
		m->schema ? schema_shape_of(m->schema, r->l->arena) : NULL;
	r->types[index] = load_type(
		r->l, shape, r->out->messages.undeclared,
		arena_printf(r->l->arena, "message %.*s", SLICE_ARG(slice_first(m->id, 80))));
	return r->types[index];
}

/* A remembered message, with the moment at which it came. */
static const struct cel_type *remembered(struct load_rules *r, size_t index)
{
	const struct contract_message *m = &r->contract->messages[index];
	struct load_member *at = load_room(r->l, 1, sizeof(*at));
	const struct schema_shape *shape =
		m->schema ? schema_shape_of(m->schema, r->l->arena) : NULL;

	if (!at || !shape || schema_shape_types(shape) != 1u << JSON_OBJECT)
		return &cel_dyn;
	*at = (struct load_member){SLICE("at"), &cel_types[CEL_TIMESTAMP]};
	return new_object(r->l,
			  &(struct typing){.l = r->l,
					   .object.name = arena_printf(r->l->arena, "last.%.*s",
								       SLICE_ARG(m->id)),
					   .shape = shape,
					   .undeclared = r->out->messages.undeclared,
					   .members = at,
					   .member_count = 1});
}

const struct cel_type *load_type_last(struct load_rules *r)
{
	size_t most = r->contract ? r->contract->count : 0, count = 0;

	if (r->last)
		return r->last;
	struct load_member *members = load_room(r->l, most, sizeof(*members));

	for (size_t i = 0; members && i < most; i++)
		if (load_rules_remembers(r, i))
			members[count++] =
				(struct load_member){r->contract->messages[i].id, remembered(r, i)};
	r->last = load_type_object(r->l, SLICE("last"), members, count);
	return r->last;
}
