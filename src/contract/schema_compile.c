/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keywords -> program; see schema_compile.h.
 *
 * Schemas are compiled one after the other from a list of jobs, so that nesting costs no stack
 * and a reference to a schema that is not compiled yet is just its node's address.
 */
#include "contract/schema_compile.h"

#include <errno.h>

#include "contract/schema_number.h"

/* What one schema is compiled from and into. */
struct unit {
	struct compiler *c;
	struct resource *r;
	const struct json_node *schema;
	struct schema_node *node;
	bool validation, applicator, unevaluated; /* vocabularies */
};

static const unsigned ALL_TYPES = 1u << JSON_NULL | 1u << JSON_BOOL | 1u << JSON_NUMBER |
				  1u << JSON_STRING | 1u << JSON_ARRAY | 1u << JSON_OBJECT;

static const struct json_node *keyword(const struct unit *u, const char *name)
{
	return json_member(u->schema, slice_from_cstr(name));
}

static bool refuse(const struct unit *u, const struct json_node *at, const char *what)
{
	return schema_refuse(u->c, u->r, at, "%s", what);
}

/* ---- children */

/* The node of the schema at that place, compiled now or later. */
static const struct schema_node *node_of(struct compiler *c, struct resource *r,
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

static const struct schema_node *child(const struct unit *u, const char *name)
{
	const struct json_node *v = keyword(u, name);

	return v ? node_of(u->c, u->r, v) : NULL;
}

static struct schema_list list_of(const struct unit *u, const struct json_node *v)
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
		list.items[list.count++] = node_of(u->c, u->r, item);
	return list;
}

static struct schema_list children(const struct unit *u, const char *name)
{
	const struct json_node *v = keyword(u, name);

	return v ? list_of(u, v) : (struct schema_list){NULL, 0};
}

/* ---- numbers in keywords */

/* A count that is not negative; `otherwise` if it is not given. What is beyond 32 bits is as
 * good as their maximum: nothing is longer. */
static uint32_t count(const struct unit *u, const char *name, uint32_t otherwise)
{
	const struct json_node *v = keyword(u, name);
	int64_t value;

	if (!v)
		return otherwise;
	if (json_type(v) != JSON_NUMBER || !json_is_whole(v) || json_double(v) < 0) {
		refuse(u, v, "a whole number from 0 on is needed");
		return otherwise;
	}
	if (!json_integer(v, &value) || value > UINT32_MAX)
		return UINT32_MAX;
	return (uint32_t)value;
}

static const struct json_node *number(const struct unit *u, const char *name)
{
	const struct json_node *v = keyword(u, name);

	if (v && json_type(v) != JSON_NUMBER)
		refuse(u, v, "a number is needed");
	return v;
}

static const struct json_node *typed(const struct unit *u, const char *name, enum json_type type)
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

/* ---- strings and numbers */

static const struct regex *regex_at(const struct unit *u, const struct json_node *at)
{
	const char *why;
	const struct regex *re = regex_compile(json_string(at), u->c->arena, &why);

	if (!re)
		schema_refuse(u->c, u->r, at, "the regular expression is refused: %s", why);
	return re;
}

static format_fn compile_format(const struct unit *u)
{
	const struct json_node *v = typed(u, "format", JSON_STRING);
	format_fn format = v ? format_find(json_string(v)) : NULL;

	u->node->int64 = v && slice_eq(json_string(v), SLICE("int64"));
	if (v && !format && !u->node->int64 && u->c->options->strict)
		refuse(u, v, "this format is not known");
	return u->r->dialect.vocab & VOCAB_FORMAT ? format : NULL;
}

static void compile_string(const struct unit *u)
{
	struct schema_string s = {.max = UINT32_MAX};

	s.format = compile_format(u);
	if (u->validation) {
		const struct json_node *pattern = typed(u, "pattern", JSON_STRING);
		s.min = count(u, "minLength", 0);
		s.max = count(u, "maxLength", UINT32_MAX);
		s.pattern = pattern ? regex_at(u, pattern) : NULL;
	}
	if (!s.format && !s.pattern && s.min == 0 && s.max == UINT32_MAX)
		return;
	struct schema_string *part = schema_alloc(u->c, 1, sizeof(*part));
	if (part)
		*part = s;
	u->node->string = part;
}

static void compile_number(const struct unit *u)
{
	struct schema_number s = {
		.min = number(u, "minimum"),
		.max = number(u, "maximum"),
		.above = number(u, "exclusiveMinimum"),
		.below = number(u, "exclusiveMaximum"),
		.multiple_of = number(u, "multipleOf"),
	};

	if (!s.min && !s.max && !s.above && !s.below && !s.multiple_of)
		return;
	if (u->c->failed)
		return;
	if (s.multiple_of && !schema_number_divides(s.multiple_of)) {
		refuse(u, s.multiple_of, "a number above 0 with at most 18 digits is needed");
		return;
	}
	struct schema_number *part = schema_alloc(u->c, 1, sizeof(*part));
	if (part)
		*part = s;
	u->node->number = part;
}

/* ---- arrays */

/* items and prefixItems, or, before 2020-12, items and additionalItems. */
static void compile_items(const struct unit *u, struct schema_array *s)
{
	const struct json_node *items = keyword(u, "items");

	s->items_keyword = "items";
	s->prefix_keyword = "prefixItems";
	if (u->r->dialect.draft == SCHEMA_2020_12) {
		if (items && json_type(items) == JSON_ARRAY) {
			refuse(u, items, "a list of schemas is called prefixItems in 2020-12");
			return;
		}
		s->prefix = children(u, "prefixItems");
		s->items = child(u, "items");
	} else if (items && json_type(items) == JSON_ARRAY) {
		s->prefix_keyword = "items";
		s->items_keyword = "additionalItems";
		if (items->len)
			s->prefix = list_of(u, items);
		s->items = child(u, "additionalItems");
	} else {
		s->items = child(u, "items");
	}
}

static void compile_contains(const struct unit *u, struct schema_array *s)
{
	bool old = u->r->dialect.draft == SCHEMA_DRAFT_07;

	s->contains = child(u, "contains");
	s->contains_counts = u->r->dialect.draft == SCHEMA_2020_12;
	s->contains_min = 1;
	s->contains_max = UINT32_MAX;
	if (!old && u->validation) {
		s->contains_min = count(u, "minContains", 1);
		s->contains_max = count(u, "maxContains", UINT32_MAX);
	}
}

static void compile_array(const struct unit *u)
{
	struct schema_array s = {.max = UINT32_MAX};

	if (u->applicator) {
		compile_items(u, &s);
		compile_contains(u, &s);
	}
	if (u->unevaluated)
		s.unevaluated = child(u, "unevaluatedItems");
	if (u->validation) {
		const struct json_node *unique = typed(u, "uniqueItems", JSON_BOOL);
		s.min = count(u, "minItems", 0);
		s.max = count(u, "maxItems", UINT32_MAX);
		s.unique = json_is_true(unique);
	}
	if (!s.items && !s.prefix.count && !s.contains && !s.unevaluated && !s.unique &&
	    s.min == 0 && s.max == UINT32_MAX)
		return;
	struct schema_array *part = schema_alloc(u->c, 1, sizeof(*part));
	if (part)
		*part = s;
	u->node->array = part;
}

/* A string's bytes; an empty string has some too, as long as the document lives. */
static struct slice name_text(const struct json_node *v)
{
	struct slice s = json_string(v);

	return s.data ? s : SLICE("");
}

/* ---- objects */

struct object_keywords {
	const struct json_node *properties, *required, *dependencies, *needs, *dependents,
		*patterns;
};

static bool read_object_keywords(const struct unit *u, struct object_keywords *k)
{
	*k = (struct object_keywords){0};
	if (u->applicator) {
		k->properties = typed(u, "properties", JSON_OBJECT);
		k->patterns = typed(u, "patternProperties", JSON_OBJECT);
		k->dependencies = typed(u, "dependencies", JSON_OBJECT);
		if (u->r->dialect.draft != SCHEMA_DRAFT_07)
			k->dependents = typed(u, "dependentSchemas", JSON_OBJECT);
	}
	if (u->validation) {
		k->required = typed(u, "required", JSON_ARRAY);
		if (u->r->dialect.draft != SCHEMA_DRAFT_07)
			k->needs = typed(u, "dependentRequired", JSON_OBJECT);
	}
	return !u->c->failed;
}

static void put_required(const struct unit *u, const struct json_node *list,
			 struct schema_object *s)
{
	JSON_EACH (item, list) {
		if (json_type(item) != JSON_STRING) {
			refuse(u, item, "the name of a member is needed");
			return;
		}
		struct schema_name *n = schema_names_put(&s->names, name_text(item));
		s->required += !n->required;
		n->required = true;
	}
}

static void put_needs(const struct unit *u, struct schema_name *n, const struct json_node *list)
{
	if (json_type(list) != JSON_ARRAY) {
		refuse(u, list, "a list of names is needed");
		return;
	}
	/* dependencies and dependentRequired may both speak of it */
	struct json_name *needs = schema_alloc(u->c, n->needs_count + list->len, sizeof(*needs));
	if (!needs)
		return;
	if (n->needs_count)
		memcpy(needs, n->needs, n->needs_count * sizeof(*needs));
	JSON_EACH (item, list) {
		if (json_type(item) != JSON_STRING) {
			refuse(u, item, "the name of a member is needed");
			return;
		}
		needs[n->needs_count++] = json_name(name_text(item));
	}
	n->needs = needs;
}

/* A second one for the same name: both apply. */
static void put_dependent(const struct unit *u, struct schema_name *n,
			  const struct json_node *schema)
{
	const struct schema_node *dependent = node_of(u->c, u->r, schema);

	if (!n->dependent) {
		n->dependent = dependent;
		return;
	}
	struct schema_node *both = schema_alloc(u->c, 1, sizeof(*both));
	struct schema_other *other = schema_alloc(u->c, 1, sizeof(*other));
	if (!both || !other)
		return;
	other->all.items = schema_alloc(u->c, 2, sizeof(dependent));
	if (!other->all.items)
		return;
	other->all.items[0] = n->dependent;
	other->all.items[1] = dependent;
	other->all.count = 2;
	both->types = (uint8_t)ALL_TYPES;
	both->resource = u->r->number;
	both->other = other;
	n->dependent = both;
}

static void put_names(const struct unit *u, const struct object_keywords *k,
		      struct schema_object *s)
{
	if (k->properties)
		JSON_EACH_MEMBER (key, k->properties)
			schema_names_put(&s->names, name_text(key))->schema =
				node_of(u->c, u->r, json_value_of(key));
	if (k->required)
		put_required(u, k->required, s);
	if (k->dependencies)
		JSON_EACH_MEMBER (key, k->dependencies) {
			struct schema_name *n = schema_names_put(&s->names, name_text(key));
			if (json_type(json_value_of(key)) == JSON_ARRAY)
				put_needs(u, n, json_value_of(key));
			else
				put_dependent(u, n, json_value_of(key));
		}
	if (k->needs)
		JSON_EACH_MEMBER (key, k->needs)
			put_needs(u, schema_names_put(&s->names, name_text(key)),
				  json_value_of(key));
	if (k->dependents)
		JSON_EACH_MEMBER (key, k->dependents)
			put_dependent(u, schema_names_put(&s->names, name_text(key)),
				      json_value_of(key));
}

static void compile_names(const struct unit *u, const struct object_keywords *k,
			  struct schema_object *s)
{
	uint64_t most = (uint64_t)json_count(k->properties) + json_count(k->required) +
			json_count(k->dependencies) + json_count(k->needs) +
			json_count(k->dependents);

	s->has_names = most > 0;
	s->has_dependents = k->dependencies || k->needs || k->dependents;
	s->needs_keyword = k->needs ? "dependentRequired" : "dependencies";
	s->dependents_keyword = k->dependents ? "dependentSchemas" : "dependencies";
	if (s->has_names && schema_names_init(u->c, &s->names, most)) {
		put_names(u, k, s);
		schema_names_settle(u->c, &s->names);
	}
}

static void compile_patterns(const struct unit *u, const struct json_node *patterns,
			     struct schema_object *s)
{
	if (json_count(patterns) == 0)
		return;
	struct schema_pattern *list = schema_alloc(u->c, patterns->len, sizeof(*list));
	if (!list)
		return;
	JSON_EACH_MEMBER (key, patterns) {
		list[s->pattern_count++] = (struct schema_pattern){
			regex_at(u, key),
			node_of(u->c, u->r, json_value_of(key)),
		};
	}
	s->patterns = list;
}

static void compile_object(const struct unit *u)
{
	struct schema_object s = {.max = UINT32_MAX};
	struct object_keywords k;

	if (!read_object_keywords(u, &k))
		return;
	compile_names(u, &k, &s);
	compile_patterns(u, k.patterns, &s);
	if (u->applicator) {
		s.additional = child(u, "additionalProperties");
		s.property_names = child(u, "propertyNames");
	}
	if (u->unevaluated)
		s.unevaluated = child(u, "unevaluatedProperties");
	s.lists = k.properties || k.patterns || s.additional || s.unevaluated;
	u->c->open |= s.lists && !s.additional && !s.unevaluated;
	if (u->validation) {
		s.min = count(u, "minProperties", 0);
		s.max = count(u, "maxProperties", UINT32_MAX);
	}
	if (!s.lists && !s.has_names && !s.patterns && !s.additional && !s.property_names &&
	    !s.unevaluated && s.min == 0 && s.max == UINT32_MAX)
		return;
	s.plain = s.has_names && !s.has_dependents && !s.pattern_count && !s.property_names;
	struct schema_object *part = schema_alloc(u->c, 1, sizeof(*part));
	if (part)
		*part = s;
	u->node->object = part;
}

/* ---- what holds for every type */

static void compile_enumeration(const struct unit *u, struct schema_other *s)
{
	const struct json_node *list = typed(u, "enum", JSON_ARRAY);
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

	return found ? node_of(u->c, target, found) : NULL;
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
	d->fallback = node_of(u->c, target, found);
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
	d->fallback = node_of(u->c, u->r, u->r->root);
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

static void compile_other(const struct unit *u)
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

/* In draft-07 a reference stands alone: what is beside it is not looked at. */
static bool compile_lone_reference(const struct unit *u)
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
	if (compile_lone_reference(&u))
		return;
	compile_type(&u);
	compile_string(&u);
	if (u.validation)
		compile_number(&u);
	compile_array(&u);
	compile_object(&u);
	compile_other(&u);
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

/* Dynamic anchors of every resource that can be entered. True if there is more to compile. */
static void compile_anchors(struct compiler *c, struct schema *s)
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
				anchor_number(c, a->name), node_of(c, r, a->node)};
		}
	}
}

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
			compile_anchors(c, s);
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
		s->root = node_of(&c, r, at);
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
