/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keywords -> program; see schema_compile.h, and schema_unit.h for its parts.
 *
 *   schema_compile_at           a document, the schema in it, its cost
 *     compile_all               until nothing is new
 *       compile_jobs
 *         compile_schema        one schema: its types, and then its parts
 *       schema_compile_anchors
 *
 * Schemas are compiled one after the other from a list of jobs, so that nesting costs no stack
 * and a reference to a schema that is not compiled yet is just its node's address.
 */
#include "contract/schema_compile.h"

#include <errno.h>

#include "contract/schema_unit.h"

/* ---- keywords */

const struct schema_node *schema_node_of(struct compiler *c, struct resource *r,
					 const struct json_node *schema)
{
	if (schema->type != JSON_OBJECT && schema->type != JSON_BOOL) {
		schema_refuse(c, r, schema, "a schema is an object, true or false");
		return NULL;
	}
	struct place *p = schema_place(c, r, schema);
	if (!p || p->node)
		return p ? p->node : NULL;
	if (++c->node_count > SCHEMA_NODES_MAX) {
		schema_refuse(c, r, schema, "the schema has too many parts");
		return NULL;
	}
	struct job *job = schema_alloc(c, 1, sizeof(*job));
	p->node = schema_alloc(c, 1, sizeof(*p->node));
	if (!job || !p->node)
		return NULL;
	*job = (struct job){schema, p->resource, p->node, c->jobs};
	c->jobs = job;
	return p->node;
}

struct schema_list schema_list_of(const struct unit *u, const struct json_node *v)
{
	struct schema_list list = {NULL, 0};

	if (json_type(v) != JSON_ARRAY || v->len == 0) {
		refuse(u, v, "a list of at least one schema is needed");
		return list;
	}
	list.items = schema_alloc(u->c, v->len, sizeof(struct schema_node *));
	if (!list.items)
		return list;
	JSON_EACH (item, v)
		list.items[list.count++] = schema_node_of(u->c, u->r, item);
	return list;
}

const struct json_node *schema_typed(const struct unit *u, const char *name, enum json_type type)
{
	const struct json_node *v = keyword(u, name);

	if (v && json_type(v) != type) {
		schema_refuse(u->c, u->r, v, "%s is needed here, not %s", json_type_name(type),
			      json_type_name(json_type(v)));
		return NULL;
	}
	return v;
}

/* ---- type */

static bool add_type(const struct unit *u, const struct json_node *v, bool *number)
{
	static const struct {
		struct slice name;
		enum json_type type;
	} types[] = {
		{SLICE_INIT("null"), JSON_NULL},     {SLICE_INIT("boolean"), JSON_BOOL},
		{SLICE_INIT("number"), JSON_NUMBER}, {SLICE_INIT("integer"), JSON_NUMBER},
		{SLICE_INIT("string"), JSON_STRING}, {SLICE_INIT("array"), JSON_ARRAY},
		{SLICE_INIT("object"), JSON_OBJECT},
	};
	struct slice name = json_string(v);

	for (size_t i = 0; json_type(v) == JSON_STRING && i < sizeof(types) / sizeof(types[0]);
	     i++) {
		if (!slice_eq(name, types[i].name))
			continue;
		u->node->types |= (uint8_t)(1u << types[i].type);
		*number |= slice_eq(name, SLICE("number"));
		u->node->whole |= slice_eq(name, SLICE("integer"));
		return true;
	}
	return refuse(u, v, "no such type");
}

static void compile_type(const struct unit *u)
{
	const struct json_node *type = u->validation ? keyword(u, "type") : NULL;
	bool any_number = false;

	if (!type) {
		u->node->types = (uint8_t)ALL_TYPES;
		return;
	}
	u->node->types = 0;
	if (json_type(type) == JSON_ARRAY) {
		if (type->len == 0)
			refuse(u, type, "an empty list of types");
		JSON_EACH (item, type)
			add_type(u, item, &any_number);
	} else {
		add_type(u, type, &any_number);
	}
	if (any_number)
		u->node->whole = false;
}

/* ---- one schema */

static void check_strictly(const struct unit *u)
{
	JSON_EACH_MEMBER (key, u->schema) {
		struct slice name = json_string(key);
		if (!schema_keyword_known(name) && !slice_starts_with(name, SLICE("x-"))) {
			schema_refuse(u->c, u->r, key, "the keyword %.*s is not known",
				      SLICE_ARG(name));
			return;
		}
	}
}

static void compile_schema(struct compiler *c, const struct job *job)
{
	unsigned vocab = job->resource->dialect.vocab;
	struct unit u = {
		.c = c,
		.r = job->resource,
		.schema = job->schema,
		.node = job->node,
		.validation = vocab & VOCAB_VALIDATION,
		.applicator = vocab & VOCAB_APPLICATOR,
		.unevaluated = vocab & VOCAB_UNEVALUATED &&
			       job->resource->dialect.draft != SCHEMA_DRAFT_07,
	};

	u.node->resource = u.r->number;
	u.r->used = true;
	if (u.schema->type == JSON_BOOL) {
		u.node->never = !json_is_true(u.schema);
		u.node->types = (uint8_t)(u.node->never ? 0 : ALL_TYPES);
		u.node->plain = u.node->types;
		return;
	}
	if (c->options->strict)
		check_strictly(&u);
	if (schema_compile_lone_reference(&u))
		return;
	compile_type(&u);
	schema_compile_parts(&u);
	schema_compile_other(&u);
	schema_shorten(u.node);
}

static void compile_jobs(struct compiler *c)
{
	while (c->jobs && !c->failed) {
		struct job *job = c->jobs;
		c->jobs = job->next;
		compile_schema(c, job);
	}
}

/* ---- the whole */

/* An anchor's schema may bring new resources, so again until nothing is new. */
static void compile_all(struct compiler *c, struct schema *s)
{
	uint32_t nodes;

	compile_jobs(c);
	do {
		nodes = c->node_count;
		s->resource_count = c->resource_count;
		s->resources = schema_alloc(c, c->resource_count, sizeof(*s->resources));
		if (!s->resources)
			return;
		if (c->dynamic)
			schema_compile_anchors(c, s);
		compile_jobs(c);
	} while (!c->failed && (nodes != c->node_count || s->resource_count != c->resource_count));
}

static bool count_cost(struct compiler *c, struct schema *s, struct resource *root)
{
	uint64_t most = c->options->cost_max ? c->options->cost_max : (uint64_t)SCHEMA_COST_MAX;

	for (struct document *d = c->documents; d; d = d->next) {
		for (uint32_t i = 0; i < d->nodes; i++) {
			struct schema_node *n = d->places[i].node;
			const char *wrong = n ? schema_cost_count(n) : NULL;
			if (wrong)
				return schema_refuse(c, d->places[i].resource, d->root + i, "%s",
						     wrong);
			if (n && n->cost > s->cost)
				s->cost = n->cost;
			if (n && n->cost > most)
				return schema_refuse(
					c, d->places[i].resource, d->root + i,
					"one value would be checked %llu times, more than %llu",
					(unsigned long long)n->cost, (unsigned long long)most);
		}
	}
	(void)root;
	return true;
}

int schema_compile_at(const struct json_node *root, struct slice pointer, struct slice base,
		      const struct schema_options *options, struct arena *arena,
		      const struct schema **schema, struct schema_error *error)
{
	struct compiler c = {.options = options, .arena = arena, .error = error};

	*schema = NULL;
	*error = (struct schema_error){.document = ""};
	struct schema *s = schema_alloc(&c, 1, sizeof(*s));
	struct resource *r = s ? schema_add_document(&c, root, base, NULL) : NULL;
	struct resource *top = r;
	const struct json_node *at = r ? schema_walk(&c, &r, pointer) : NULL;
	if (r && !at)
		schema_refuse(&c, top, root, "there is nothing at %.*s", SLICE_ARG(pointer));
	if (at)
		s->root = schema_node_of(&c, r, at);
	if (s && s->root)
		compile_all(&c, s);
	if (!c.failed)
		count_cost(&c, s, r);
	if (c.failed)
		return c.no_memory ? -ENOMEM : SCHEMA_REFUSED;
	s->nodes = c.node_count;
	s->dynamic = c.dynamic;
	s->closed = !c.open;
	*schema = s;
	return 0;
}

int schema_compile(const struct json_node *root, struct slice base,
		   const struct schema_options *options, struct arena *arena,
		   const struct schema **schema, struct schema_error *error)
{
	return schema_compile_at(root, slice_of("", 0), base, options, arena, schema, error);
}

uint64_t schema_cost(const struct schema *s)
{
	return s->cost;
}

bool schema_closed(const struct schema *s)
{
	return s->closed;
}

uint32_t schema_count(const struct schema *s)
{
	return s->nodes;
}
