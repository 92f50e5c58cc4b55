/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keywords for values of every type; see schema_unit.h.
 *
 *   const, enum                     values, and a table of them if they are texts
 *   $ref                            the node it leads to, wherever that is
 *   $dynamicRef, $recursiveRef      the same, and the number of the anchor that others may have
 *   allOf, anyOf, oneOf, not, if    other schemas at the same value
 *
 * Anchors have numbers, so that the validator need not compare names.
 */
#include "contract/schema_unit.h"

static void compile_enumeration(const struct unit *u, struct schema_other *s)
{
	const struct json_node *list = schema_typed(u, "enum", JSON_ARRAY);
	bool words = json_count(list) > 0;

	s->enumeration = list;
	if (!words)
		return;
	JSON_EACH (item, list)
		words &= json_type(item) == JSON_STRING;
	if (!words || !schema_names_init(u->c, &s->words, list->len))
		return;
	JSON_EACH (item, list)
		schema_names_put(&s->words, name_text(item));
	schema_names_settle(u->c, &s->words);
	s->has_words = true;
}

static uint32_t anchor_number(struct compiler *c, struct slice name)
{
	for (struct anchor_name *n = c->anchor_names; n; n = n->next)
		if (slice_eq(n->text, name))
			return n->number;
	struct anchor_name *n = schema_alloc(c, 1, sizeof(*n));
	if (!n)
		return 0;
	*n = (struct anchor_name){name, ++c->anchor_count, c->anchor_names};
	c->anchor_names = n;
	return n->number;
}

static const struct schema_node *compile_ref(const struct unit *u, const struct json_node *ref)
{
	struct resource *target;
	const struct json_node *found = ref ? schema_follow(u->c, u->r, ref, &target, NULL) : NULL;

	return found ? schema_node_of(u->c, target, found) : NULL;
}

/* Dynamic only if what it leads to at first is a dynamic anchor (2020-12 section 8.2.3.2). */
static void compile_dynamic(const struct unit *u, struct schema_dynamic *d)
{
	const struct json_node *ref = keyword(u, "$dynamicRef");
	struct resource *target;
	bool dynamic = false;

	if (!ref)
		return;
	const struct json_node *found = schema_follow(u->c, u->r, ref, &target, &dynamic);
	if (!found)
		return;
	d->fallback = schema_node_of(u->c, target, found);
	if (dynamic) {
		struct slice text = json_string(ref);
		size_t hash = slice_index(text, '#');
		d->anchor = anchor_number(u->c, slice_from(text, hash + 1));
		u->c->dynamic = true;
	}
}

/* 2019-09: always "#"; dynamic if that resource says so at its root. */
static void compile_recursive(const struct unit *u, struct schema_dynamic *d)
{
	const struct json_node *ref = keyword(u, "$recursiveRef");

	if (!ref)
		return;
	if (!slice_eq(json_string(ref), SLICE("#"))) {
		refuse(u, ref, "$recursiveRef is always #");
		return;
	}
	d->fallback = schema_node_of(u->c, u->r, u->r->root);
	if (json_is_true(json_member(u->r->root, SLICE("$recursiveAnchor")))) {
		d->anchor = anchor_number(u->c, SLICE(" recursive"));
		u->c->dynamic = true;
	}
}

static bool has_only_values(const struct schema_other *s)
{
	return !s->ref && !s->dynamic.fallback && !s->all.count && !s->any.count && !s->one.count &&
	       !s->none && !s->condition;
}

void schema_compile_other(const struct unit *u)
{
	struct schema_other s = {0};

	s.ref = compile_ref(u, keyword(u, "$ref"));
	if (u->r->dialect.draft == SCHEMA_2020_12)
		compile_dynamic(u, &s.dynamic);
	if (u->r->dialect.draft == SCHEMA_2019_09)
		compile_recursive(u, &s.dynamic);
	if (u->validation) {
		s.constant = keyword(u, "const");
		compile_enumeration(u, &s);
	}
	if (u->applicator) {
		s.all = children(u, "allOf");
		s.any = children(u, "anyOf");
		s.one = children(u, "oneOf");
		s.none = child(u, "not");
		s.condition = child(u, "if");
		s.then = s.condition ? child(u, "then") : NULL;
		s.otherwise = s.condition ? child(u, "else") : NULL;
	}
	s.only_values = has_only_values(&s);
	if (s.only_values && !s.constant && !s.enumeration)
		return;
	struct schema_other *part = schema_alloc(u->c, 1, sizeof(*part));
	if (part)
		*part = s;
	u->node->other = part;
}

bool schema_compile_lone_reference(const struct unit *u)
{
	const struct json_node *ref = keyword(u, "$ref");

	if (u->r->dialect.draft != SCHEMA_DRAFT_07 || !ref)
		return false;
	struct schema_other *part = schema_alloc(u->c, 1, sizeof(*part));
	if (part)
		part->ref = compile_ref(u, ref);
	u->node->types = (uint8_t)ALL_TYPES;
	u->node->other = part;
	return true;
}

/* ---- anchors */

void schema_compile_anchors(struct compiler *c, struct schema *s)
{
	for (struct resource *r = c->resources; r && !c->failed; r = r->next) {
		struct schema_resource *out = &s->resources[r->number];
		uint32_t most = 0;
		for (struct anchor *a = r->anchors; a; a = a->next)
			most += a->dynamic;
		if (!r->used || most == 0)
			continue;
		out->anchors = schema_alloc(c, most, sizeof(*out->anchors));
		out->count = 0;
		for (struct anchor *a = r->anchors; a && out->anchors; a = a->next) {
			if (!a->dynamic)
				continue;
			out->anchors[out->count++] = (struct schema_anchor){
				anchor_number(c, a->name), schema_node_of(c, r, a->node)};
		}
	}
}
