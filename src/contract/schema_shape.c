/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shapes over the compiled program; see schema_shape.h.
 *
 *   leaf     a node of the program: its own keywords and all that it applies in its place
 *   all      every part holds (allOf, a member that two keywords speak of)
 *   any      one part holds (anyOf, the items of a tuple)
 *
 * The program has no cycle that stays at one value, so walks end; a count of steps ends those
 * that would take too long.
 */
#include "contract/schema_shape.h"

#include "contract/schema_program.h"

enum { STEPS = 20000, EVERY_TYPE = 0x7e };

struct schema_shape {
	const struct schema_node *node; /* of a leaf */
	bool any;                       /* else: of the parts one, or all */
	const struct schema_shape **parts;
	uint32_t count;
};

/* One question. `mixed`: out of steps or memory, or something that cannot be known. */
struct walk {
	struct arena *arena;
	unsigned steps;
	struct slice name;
	bool items; /* asked about: items, else the member `name` */
};

static bool step(struct walk *w)
{
	return w->steps && w->steps--;
}

/* ---- making them */

static const struct schema_shape *leaf(struct arena *a, const struct schema_node *node)
{
	struct schema_shape *s = arena_calloc(a, 1, sizeof(*s));

	if (s)
		s->node = node;
	return s;
}

const struct schema_shape *schema_shape_of(const struct schema *s, struct arena *a)
{
	return leaf(a, s->root);
}

/* Both, or either of them; one alone if the other is NULL. */
static const struct schema_shape *pair(struct arena *a, bool any, const struct schema_shape *x,
				       const struct schema_shape *y)
{
	if (!x || !y)
		return x ? x : y;
	struct schema_shape *s = arena_calloc(a, 1, sizeof(*s));
	if (!s)
		return NULL;
	s->parts = arena_calloc(a, 2, sizeof(*s->parts));
	if (!s->parts)
		return NULL;
	s->any = any;
	s->count = 2;
	s->parts[0] = x;
	s->parts[1] = y;
	return s;
}

/* ---- types */

static unsigned types_of(struct walk *w, const struct schema_node *n);

static unsigned types_of_list(struct walk *w, const struct schema_list *list)
{
	unsigned types = 0;

	for (uint32_t i = 0; i < list->count; i++)
		types |= types_of(w, list->items[i]);
	return list->count ? types : EVERY_TYPE;
}

static unsigned types_of_values(const struct schema_other *o)
{
	unsigned types = EVERY_TYPE, some = 0;

	if (o->constant)
		types &= 1u << json_type(o->constant);
	if (!o->enumeration)
		return types;
	JSON_EACH (value, o->enumeration)
		some |= 1u << json_type(value);
	return types & some;
}

static unsigned types_of_other(struct walk *w, const struct schema_other *o)
{
	unsigned types = types_of_values(o);

	if (o->ref)
		types &= types_of(w, o->ref);
	if (o->dynamic.fallback && !o->dynamic.anchor)
		types &= types_of(w, o->dynamic.fallback);
	for (uint32_t i = 0; i < o->all.count; i++)
		types &= types_of(w, o->all.items[i]);
	types &= types_of_list(w, &o->any) & types_of_list(w, &o->one);
	if (o->then && o->otherwise)
		types &= types_of(w, o->then) | types_of(w, o->otherwise);
	return types;
}

static unsigned types_of(struct walk *w, const struct schema_node *n)
{
	if (!step(w))
		return EVERY_TYPE;
	unsigned types = n->never ? 0 : n->types;
	return n->other ? types & types_of_other(w, n->other) : types;
}

static unsigned shape_types(struct walk *w, const struct schema_shape *s)
{
	unsigned types = s->any ? 0 : EVERY_TYPE;

	if (s->node)
		return types_of(w, s->node);
	for (uint32_t i = 0; i < s->count; i++) {
		unsigned part = shape_types(w, s->parts[i]);
		types = s->any ? types | part : types & part;
	}
	return types;
}

unsigned schema_shape_types(const struct schema_shape *s)
{
	struct walk w = {.steps = STEPS};

	return shape_types(&w, s);
}

/* ---- whole numbers */

static bool whole_values(const struct schema_other *o)
{
	bool whole = o->constant && json_is_whole(o->constant), all = o->enumeration != NULL;

	if (o->enumeration)
		JSON_EACH (value, o->enumeration)
			all &= json_type(value) != JSON_NUMBER || json_is_whole(value);
	return whole || all;
}

static bool whole(struct walk *w, const struct schema_node *n);

static bool whole_list(struct walk *w, const struct schema_list *list)
{
	bool all = list->count > 0;

	for (uint32_t i = 0; all && i < list->count; i++)
		all = whole(w, list->items[i]);
	return all;
}

static bool whole(struct walk *w, const struct schema_node *n)
{
	const struct schema_other *o = n->other;

	if (!step(w))
		return false;
	if (n->whole || !(n->types & 1u << JSON_NUMBER) || n->never)
		return true;
	if (!o)
		return false;
	for (uint32_t i = 0; i < o->all.count; i++)
		if (whole(w, o->all.items[i]))
			return true;
	return whole_values(o) || (o->ref && whole(w, o->ref)) || whole_list(w, &o->any) ||
	       whole_list(w, &o->one);
}

static bool shape_whole(struct walk *w, const struct schema_shape *s)
{
	if (s->node)
		return whole(w, s->node);
	for (uint32_t i = 0; i < s->count; i++)
		if (shape_whole(w, s->parts[i]) != s->any)
			return !s->any;
	return s->any;
}

bool schema_shape_whole(const struct schema_shape *s)
{
	struct walk w = {.steps = STEPS};

	return shape_whole(&w, s);
}

/* ---- how many items */

static uint32_t items_max(struct walk *w, const struct schema_node *n);

static uint32_t items_max_list(struct walk *w, const struct schema_list *list)
{
	uint32_t most = 0;

	for (uint32_t i = 0; i < list->count; i++) {
		uint32_t part = items_max(w, list->items[i]);
		most = part > most ? part : most;
	}
	return list->count ? most : UINT32_MAX;
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static uint32_t items_max(struct walk *w, const struct schema_node *n)
{
	const struct schema_other *o = n->other;
	uint32_t most = UINT32_MAX;

	if (!step(w))
		return most;
	if (n->array) {
		most = n->array->max;
		if (n->array->items && n->array->items->never)
			most = least(most, n->array->prefix.count);
	}
	if (!o)
		return most;
	if (o->ref)
		most = least(most, items_max(w, o->ref));
	for (uint32_t i = 0; i < o->all.count; i++)
		most = least(most, items_max(w, o->all.items[i]));
	return least(most, least(items_max_list(w, &o->any), items_max_list(w, &o->one)));
}

static uint32_t shape_items_max(struct walk *w, const struct schema_shape *s)
{
	uint32_t most = s->any ? 0 : UINT32_MAX;

	if (s->node)
		return items_max(w, s->node);
	for (uint32_t i = 0; i < s->count; i++) {
		uint32_t part = shape_items_max(w, s->parts[i]);
		if (s->any ? part > most : part < most)
			most = part;
	}
	return most;
}

uint32_t schema_shape_items_max(const struct schema_shape *s)
{
	struct walk w = {.steps = STEPS};

	return shape_items_max(&w, s);
}

/* ---- members and items */

enum answer {
	SILENT = 0, /* does not speak of it: anything may be there */
	UNDECLARED, /* lists others */
	MIXED,      /* spoken of, but it cannot be said what it is */
	KNOWN,
	NEVER,
};

struct found {
	enum answer answer;
	const struct schema_shape *shape; /* of KNOWN */
};

static struct found look(struct walk *w, const struct schema_node *n);

/* Both hold. */
static struct found both(struct walk *w, struct found x, struct found y)
{
	if (x.answer == NEVER || y.answer == NEVER)
		return (struct found){NEVER, NULL};
	if (x.answer == KNOWN && y.answer == KNOWN)
		return (struct found){KNOWN, pair(w->arena, false, x.shape, y.shape)};
	return x.answer > y.answer ? x : y;
}

/* One of them holds. */
static struct found either(struct walk *w, struct found x, struct found y)
{
	struct found more = x.answer > y.answer ? x : y, less = x.answer > y.answer ? y : x;

	if (more.answer == NEVER)
		return less;
	if (more.answer == KNOWN && less.answer == KNOWN)
		return (struct found){KNOWN, pair(w->arena, true, x.shape, y.shape)};
	if (more.answer == less.answer)
		return x;
	/* What one lists the other may have as something else, unless it lists others. */
	if (less.answer == UNDECLARED)
		return more;
	return (struct found){more.answer == UNDECLARED ? SILENT : MIXED, NULL};
}

static struct found known(struct walk *w, const struct schema_node *schema)
{
	if (schema->never)
		return (struct found){NEVER, NULL};
	const struct schema_shape *shape = leaf(w->arena, schema);
	return (struct found){shape ? KNOWN : MIXED, shape};
}

static struct found look_patterns(struct walk *w, const struct schema_object *o)
{
	struct found f = {SILENT, NULL};
	struct regex_room *room = o->pattern_count ? regex_room_new() : NULL;

	for (uint32_t i = 0; i < o->pattern_count; i++) {
		enum regex_result r =
			room ? regex_match(o->patterns[i].regex, w->name, room) : REGEX_BOUND;
		if (r == REGEX_YES)
			f = both(w, f, known(w, o->patterns[i].schema));
		else if (r == REGEX_BOUND)
			f = both(w, f, (struct found){MIXED, NULL});
	}
	if (room)
		regex_room_free(room);
	return f;
}

/* A schema for objects that have a certain member may say more of others. */
static struct found look_dependents(struct walk *w, const struct schema_object *o)
{
	struct found f = {SILENT, NULL};

	for (uint32_t i = 0; o->has_dependents && o->has_names && i <= o->names.mask; i++) {
		const struct schema_name *n = &o->names.slots[i];
		if (n->text.data && n->dependent && look(w, n->dependent).answer >= MIXED)
			f.answer = MIXED;
	}
	return f;
}

static struct found look_member(struct walk *w, const struct schema_object *o)
{
	struct found f = look_patterns(w, o);

	if (o->has_names) {
		const struct schema_name *n = schema_names_find(
			&o->names, w->name.data, (uint32_t)w->name.len, json_key_hash(w->name));
		if (n && n->schema)
			f = both(w, f, known(w, n->schema));
	}
	if (f.answer == SILENT && o->additional)
		f = known(w, o->additional);
	if (f.answer == SILENT && o->lists)
		f.answer = UNDECLARED;
	return both(w, f, look_dependents(w, o));
}

static struct found look_items(struct walk *w, const struct schema_array *a)
{
	struct found f = {SILENT, NULL};

	if (a->items)
		f = known(w, a->items);
	else if (a->prefix.count)
		f.answer = MIXED;
	for (uint32_t i = 0; i < a->prefix.count; i++)
		f = either(w, f, known(w, a->prefix.items[i]));
	return f;
}

static struct found look_list(struct walk *w, const struct schema_list *list)
{
	unsigned wanted = 1u << (w->items ? JSON_ARRAY : JSON_OBJECT);
	struct found f = {NEVER, NULL};
	bool some = false;

	for (uint32_t i = 0; i < list->count; i++) {
		if (!(types_of(w, list->items[i]) & wanted))
			continue;
		struct found part = look(w, list->items[i]);
		f = some ? either(w, f, part) : part;
		some = true;
	}
	return list->count ? f : (struct found){SILENT, NULL};
}

/* `if` holds together with `then`, or `else` alone. */
static struct found look_condition(struct walk *w, const struct schema_other *o)
{
	struct found yes = look(w, o->condition), no = {SILENT, NULL};

	if (yes.answer == UNDECLARED || yes.answer == NEVER)
		yes.answer = SILENT;
	if (o->then)
		yes = both(w, yes, look(w, o->then));
	if (o->otherwise)
		no = look(w, o->otherwise);
	return either(w, yes, no);
}

static struct found look_other(struct walk *w, const struct schema_other *o)
{
	struct found f = {SILENT, NULL};

	if (o->ref)
		f = look(w, o->ref);
	if (o->dynamic.fallback)
		f = both(w, f,
			 o->dynamic.anchor ? (struct found){MIXED, NULL}
					   : look(w, o->dynamic.fallback));
	for (uint32_t i = 0; i < o->all.count; i++)
		f = both(w, f, look(w, o->all.items[i]));
	f = both(w, f, look_list(w, &o->any));
	f = both(w, f, look_list(w, &o->one));
	return o->condition ? both(w, f, look_condition(w, o)) : f;
}

/* unevaluated*: for what nothing else in its place speaks of. */
static struct found look_unevaluated(struct walk *w, const struct schema_node *n, struct found f)
{
	const struct schema_node *rest = NULL;

	if (w->items && n->array)
		rest = n->array->unevaluated;
	else if (!w->items && n->object)
		rest = n->object->unevaluated;
	return rest && f.answer < MIXED ? known(w, rest) : f;
}

static struct found look(struct walk *w, const struct schema_node *n)
{
	struct found f = {SILENT, NULL};

	if (!step(w))
		return (struct found){MIXED, NULL};
	if (w->items && n->array)
		f = look_items(w, n->array);
	else if (!w->items && n->object)
		f = look_member(w, n->object);
	if (n->other)
		f = both(w, f, look_other(w, n->other));
	return look_unevaluated(w, n, f);
}

static struct found look_shape(struct walk *w, const struct schema_shape *s)
{
	unsigned wanted = 1u << (w->items ? JSON_ARRAY : JSON_OBJECT);
	struct found f = {s->any ? NEVER : SILENT, NULL};
	bool some = false;

	if (s->node)
		return look(w, s->node);
	for (uint32_t i = 0; i < s->count; i++) {
		if (s->any && !(shape_types(w, s->parts[i]) & wanted))
			continue;
		struct found part = look_shape(w, s->parts[i]);
		f = !s->any ? both(w, f, part) : some ? either(w, f, part) : part;
		some = true;
	}
	return f;
}

static enum schema_answer answer(struct walk *w, const struct schema_shape *s,
				 const struct schema_shape **out)
{
	struct found f = look_shape(w, s);

	*out = f.shape;
	switch (f.answer) {
	case NEVER:
		return SCHEMA_ANSWER_NO;
	case UNDECLARED:
		return SCHEMA_ANSWER_UNDECLARED;
	case KNOWN:
		return f.shape ? SCHEMA_ANSWER_KNOWN : SCHEMA_ANSWER_OPEN;
	case SILENT:
	case MIXED:
		break;
	}
	return SCHEMA_ANSWER_OPEN;
}

enum schema_answer schema_shape_member(const struct schema_shape *s, struct slice name,
				       struct arena *a, const struct schema_shape **out)
{
	struct walk w = {.arena = a, .steps = STEPS, .name = name};

	return answer(&w, s, out);
}

enum schema_answer schema_shape_item(const struct schema_shape *s, struct arena *a,
				     const struct schema_shape **out)
{
	struct walk w = {.arena = a, .steps = STEPS, .items = true};

	return answer(&w, s, out);
}

/* ---- names */

struct naming {
	void (*each)(void *with, struct slice name);
	void *with;
	struct walk walk;
};

static void name_all(struct naming *n, const struct schema_node *node);

static void name_list(struct naming *n, const struct schema_list *list)
{
	for (uint32_t i = 0; i < list->count; i++)
		name_all(n, list->items[i]);
}

static void name_other(struct naming *n, const struct schema_other *o)
{
	const struct schema_node *const ones[] = {o->ref, o->dynamic.fallback, o->condition,
						  o->then, o->otherwise};

	for (size_t i = 0; i < sizeof(ones) / sizeof(ones[0]); i++)
		if (ones[i])
			name_all(n, ones[i]);
	name_list(n, &o->all);
	name_list(n, &o->any);
	name_list(n, &o->one);
}

static void name_all(struct naming *n, const struct schema_node *node)
{
	const struct schema_object *o = node->object;

	if (!step(&n->walk))
		return;
	for (uint32_t i = 0; o && o->has_names && i <= o->names.mask; i++)
		if (o->names.slots[i].text.data && o->names.slots[i].schema &&
		    !o->names.slots[i].schema->never)
			n->each(n->with, o->names.slots[i].text);
	if (node->other)
		name_other(n, node->other);
}

static void shape_names(struct naming *n, const struct schema_shape *s)
{
	if (s->node)
		name_all(n, s->node);
	for (uint32_t i = 0; i < s->count; i++)
		shape_names(n, s->parts[i]);
}

void schema_shape_names(const struct schema_shape *s, void (*each)(void *with, struct slice name),
			void *with)
{
	struct naming n = {each, with, {.steps = STEPS}};

	shape_names(&n, s);
}

/* ---- texts without a bound */

static bool any_text(struct walk *w, const struct schema_node *n);

static bool any_text_list(struct walk *w, const struct schema_list *list)
{
	for (uint32_t i = 0; i < list->count; i++)
		if (any_text(w, list->items[i]))
			return true;
	return list->count == 0;
}

static bool any_text_other(struct walk *w, const struct schema_other *o)
{
	if (o->constant || o->enumeration || o->none || o->condition || o->dynamic.fallback)
		return false;
	if (o->ref && !any_text(w, o->ref))
		return false;
	for (uint32_t i = 0; i < o->all.count; i++)
		if (!any_text(w, o->all.items[i]))
			return false;
	return any_text_list(w, &o->any) && any_text_list(w, &o->one);
}

static bool any_text(struct walk *w, const struct schema_node *n)
{
	if (!step(w) || n->never || !(n->types & 1u << JSON_STRING))
		return false;
	if (n->string && (n->string->max != UINT32_MAX || n->string->pattern || n->string->format))
		return false;
	return !n->other || any_text_other(w, n->other);
}

static bool shape_any_text(struct walk *w, const struct schema_shape *s)
{
	if (s->node)
		return any_text(w, s->node);
	for (uint32_t i = 0; i < s->count; i++)
		if (shape_any_text(w, s->parts[i]) == s->any)
			return s->any;
	return !s->any;
}

bool schema_shape_any_text(const struct schema_shape *s)
{
	struct walk w = {.steps = STEPS};

	return shape_any_text(&w, s);
}
