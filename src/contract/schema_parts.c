/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keywords for values of one type; see schema_unit.h.
 *
 *   compile_string, _number    format, pattern, lengths; bounds
 *   compile_array              items, contains, ...
 *   compile_object
 *     compile_names            properties, required, dependencies, ...: a table of names
 *     compile_patterns         patternProperties
 *
 * A part of which nothing is asked stays NULL.
 */
#include "contract/schema_number.h"
#include "contract/schema_unit.h"

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
	const struct json_node *v = schema_typed(u, "format", JSON_STRING);
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
		const struct json_node *pattern = schema_typed(u, "pattern", JSON_STRING);
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
			s->prefix = schema_list_of(u, items);
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
		const struct json_node *unique = schema_typed(u, "uniqueItems", JSON_BOOL);
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

/* ---- objects */

struct object_keywords {
	const struct json_node *properties, *required, *dependencies, *needs, *dependents,
		*patterns;
};

static bool read_object_keywords(const struct unit *u, struct object_keywords *k)
{
	*k = (struct object_keywords){0};
	if (u->applicator) {
		k->properties = schema_typed(u, "properties", JSON_OBJECT);
		k->patterns = schema_typed(u, "patternProperties", JSON_OBJECT);
		k->dependencies = schema_typed(u, "dependencies", JSON_OBJECT);
		if (u->r->dialect.draft != SCHEMA_DRAFT_07)
			k->dependents = schema_typed(u, "dependentSchemas", JSON_OBJECT);
	}
	if (u->validation) {
		k->required = schema_typed(u, "required", JSON_ARRAY);
		if (u->r->dialect.draft != SCHEMA_DRAFT_07)
			k->needs = schema_typed(u, "dependentRequired", JSON_OBJECT);
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
	const struct schema_node *dependent = schema_node_of(u->c, u->r, schema);

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
				schema_node_of(u->c, u->r, json_value_of(key));
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
			schema_node_of(u->c, u->r, json_value_of(key)),
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

void schema_compile_parts(const struct unit *u)
{
	compile_string(u);
	if (u->validation)
		compile_number(u);
	compile_array(u);
	compile_object(u);
}
