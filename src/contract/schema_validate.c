/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A value against a program, node by node; see schema_run.h.
 *
 *   check_child               an item or member: mostly its type or quick form is enough
 *     check                   one node of the program at one value
 *       check_string, ...     its parts for the value's type
 *       check_deep            what has values inside, or other schemas in its place
 *         check_other         what holds for every type: const, enum, references, allOf, ...
 *           check             at the same value
 *         check_array, _object
 *           check_child       at the items and members
 *
 * What unevaluatedProperties and unevaluatedItems need to know is noted in a set of bits, one per
 * member or item, and only where somebody asks. Which members the schema speaks of at all is
 * marked per node of the value's tape, for schema_validate_undeclared only.
 */
#include "contract/schema_number.h"
#include "contract/schema_plan.h"
#include "contract/schema_quick.h"
#include "contract/schema_run.h"

/* A leaf of the schema pays for no more than its own part: what is kept apart from `check` needs
 * no room in its frame. */
#define NOINLINE      __attribute__((noinline))
#define ALWAYS_INLINE inline __attribute__((always_inline))

static bool check(struct run *r, const struct schema_node *s, const struct json_node *v,
		  struct seen *seen);

/* A member or item against its schema. `keyword` is blamed for a schema that is false. */
static inline bool check_child(struct run *r, const struct schema_node *s,
			       const struct json_node *v, const char *keyword)
{
	if (is_settled(s, v))
		return spend(r, 1, v, "steps");
	if (check(r, s, v, NULL))
		return true;
	if (s->never)
		schema_fail(r, v, keyword);
	return false;
}

/* A check that may fail without harm: what a failed one noted does not count. */
static bool try_check(struct run *r, const struct schema_node *s, const struct json_node *v,
		      struct seen *seen)
{
	uint32_t marks = marks_count(r);
	struct seen own;

	if (!seen) {
		bool holds = check(r, s, v, NULL);
		if (!holds)
			marks_take_back(r, marks);
		return holds;
	}
	if (!schema_seen_init(r, &own, v) || !check(r, s, v, &own)) {
		marks_take_back(r, marks);
		return false;
	}
	seen_merge(seen, &own);
	return true;
}

/* ---- strings and numbers */

/* Characters, not bytes: all bytes that do not continue one. */
static NOINLINE uint32_t count_characters(const struct json_node *v)
{
	const uint64_t tops = UINT64_C(0x8080808080808080), ones = UINT64_C(0x0101010101010101);
	uint32_t count = v->len, i = 0;

	for (; v->len - i >= 8; i += 8) {
		uint64_t word = slice_load8(v->data + i);
		uint64_t continuing = (word & ~(word << 1) & tops) >> 7;
		count -= (uint32_t)(continuing * ones >> 56);
	}
	for (; i < v->len; i++)
		count -= ((uint8_t)v->data[i] & 0xc0) == 0x80;
	return count;
}

static bool match(struct run *r, const struct regex *regex, const struct json_node *v,
		  const char *keyword)
{
	if (!spend(r, 8 + v->len / 16, v, keyword))
		return false;
	enum regex_result result = regex_match(regex, json_string(v), r->room->regex);
	if (result == REGEX_BOUND)
		return schema_hit_bound(r, v, keyword);
	return result == REGEX_YES;
}

static bool check_string(struct run *r, const struct schema_string *s, const struct json_node *v)
{
	/* A character has one to four bytes; mostly that is enough to know. */
	if (v->len > s->max || v->len / 4 < s->min) {
		uint32_t characters = count_characters(v);
		if (characters > s->max)
			return schema_fail(r, v, "maxLength");
		if (characters < s->min)
			return schema_fail(r, v, "minLength");
	}
	if (s->pattern && !match(r, s->pattern, v, "pattern"))
		return schema_fail(r, v, "pattern");
	if (s->format && !s->format(json_string(v)))
		return schema_fail(r, v, "format");
	return true;
}

static inline bool check_number(struct run *r, const struct schema_number *s,
				const struct json_node *v)
{
	if (s->min && schema_number_cmp(v, s->min) < 0)
		return schema_fail(r, v, "minimum");
	if (s->max && schema_number_cmp(v, s->max) > 0)
		return schema_fail(r, v, "maximum");
	if (s->above && schema_number_cmp(v, s->above) <= 0)
		return schema_fail(r, v, "exclusiveMinimum");
	if (s->below && schema_number_cmp(v, s->below) >= 0)
		return schema_fail(r, v, "exclusiveMaximum");
	if (s->multiple_of && !schema_number_multiple(v, s->multiple_of))
		return schema_fail(r, v, "multipleOf");
	return true;
}

/* ---- arrays */

static bool check_contains(struct run *r, const struct schema_array *s, const struct json_node *v,
			   struct seen *seen)
{
	uint32_t index = 0, found = 0;

	JSON_EACH (item, v) {
		if (try_check(r, s->contains, item, NULL)) {
			found++;
			if (s->contains_counts)
				seen_add(seen, index);
		}
		if (r->bound)
			return false;
		index++;
	}
	if (found < s->contains_min)
		return schema_fail(r, v, s->contains_min == 1 ? "contains" : "minContains");
	return found <= s->contains_max || schema_fail(r, v, "maxContains");
}

static NOINLINE bool check_array(struct run *r, const struct schema_array *s,
				 const struct json_node *v, struct seen *seen)
{
	if (v->len > s->max)
		return schema_fail(r, v, "maxItems");
	if (v->len < s->min)
		return schema_fail(r, v, "minItems");
	if (s->items || s->prefix.count) {
		uint32_t index = 0;
		JSON_EACH (item, v) {
			if (index < s->prefix.count) {
				if (!check_child(r, s->prefix.items[index], item,
						 s->prefix_keyword))
					return false;
			} else if (!s->items) {
				break;
			} else if (!check_child(r, s->items, item, s->items_keyword)) {
				return false;
			}
			seen_add(seen, index++);
		}
	}
	if (s->contains && !check_contains(r, s, v, seen))
		return false;
	if (!s->unique || v->len < 2)
		return true;
	return schema_unique(r, v);
}

static bool check_unevaluated_items(struct run *r, const struct schema_array *s,
				    const struct json_node *v, const struct seen *seen)
{
	uint32_t index = 0;

	JSON_EACH (item, v) {
		if (!seen_has(seen, index++) &&
		    !check_child(r, s->unevaluated, item, "unevaluatedItems"))
			return false;
	}
	return true;
}

/* ---- objects */

static bool check_patterns(struct run *r, const struct schema_object *s,
			   const struct json_node *key, bool *matched)
{
	for (uint32_t i = 0; i < s->pattern_count; i++) {
		if (match(r, s->patterns[i].regex, key, "patternProperties")) {
			*matched = true;
			if (!check_child(r, s->patterns[i].schema, json_value_of(key),
					 "patternProperties"))
				return false;
		}
	}
	return !r->bound;
}

/* What the presence of a member asks of the object. */
static bool check_dependent(struct run *r, const struct schema_object *s,
			    const struct schema_name *name, const struct json_node *v,
			    struct seen *seen)
{
	if (!spend(r, (uint64_t)name->needs_count * (1 + v->len / 8), v, s->needs_keyword))
		return false;
	for (uint32_t i = 0; i < name->needs_count; i++)
		if (!json_member_named(v, &name->needs[i]))
			return schema_fail(r, v, s->needs_keyword);
	if (!name->dependent || check(r, name->dependent, v, seen))
		return true;
	if (name->dependent->never)
		schema_fail(r, v, s->dependents_keyword);
	return false;
}

static inline bool check_member(struct run *r, const struct schema_object *s,
				const struct json_node *key, const struct json_node *v,
				uint32_t *required, bool *evaluated, struct seen *seen)
{
	const struct schema_name *name =
		s->has_names
			? schema_names_find(&s->names, key->data, key->len, key->as.string.hash)
			: NULL;
	bool matched = false;

	if (name) {
		*required += name->required;
		if (name->schema) {
			matched = true;
			if (!check_child(r, name->schema, json_value_of(key), "properties"))
				return false;
		}
		if (s->has_dependents && !check_dependent(r, s, name, v, seen))
			return false;
	}
	if (s->pattern_count && !check_patterns(r, s, key, &matched))
		return false;
	if (!matched && s->additional) {
		matched = true;
		if (!check_child(r, s->additional, json_value_of(key), "additionalProperties"))
			return false;
	}
	if (matched && r->marks)
		mark(r, key);
	*evaluated = matched;
	return !s->property_names || check_child(r, s->property_names, key, "propertyNames");
}

/* The same for what most messages are: nobody asks which members were evaluated, and of each one
 * no more than its name decides which schema it has. */
static NOINLINE bool check_members(struct run *r, const struct schema_object *s,
				   const struct json_node *v)
{
	const struct json_node *const end = json_end(v);
	uint32_t required = 0;

	for (const struct json_node *key = v + 1; key != end; key = json_next(key + 1)) {
		const struct schema_name *name =
			schema_names_find(&s->names, key->data, key->len, key->as.string.hash);
		const struct schema_node *schema = s->additional;
		const char *keyword = "additionalProperties";
		if (name) {
			required += name->required;
			if (name->schema) {
				schema = name->schema;
				keyword = "properties";
			}
		}
		if (schema && !check_child(r, schema, json_value_of(key), keyword))
			return false;
	}
	return required == s->required || schema_fail(r, v, "required");
}

static NOINLINE bool check_object(struct run *r, const struct schema_object *s,
				  const struct json_node *v, struct seen *seen)
{
	uint32_t required = 0, index = 0;

	if (v->len > s->max)
		return schema_fail(r, v, "maxProperties");
	if (v->len < s->min)
		return schema_fail(r, v, "minProperties");
	if (s->plain && !seen && !r->marks)
		return check_members(r, s, v);
	if (s->lists && r->marks)
		mark(r, v);
	JSON_EACH_MEMBER (key, v) {
		bool evaluated;
		if (!check_member(r, s, key, v, &required, &evaluated, seen))
			return false;
		if (seen && evaluated)
			seen_add(seen, index);
		index++;
	}
	return required == s->required || schema_fail(r, v, "required");
}

static bool check_unevaluated_members(struct run *r, const struct schema_object *s,
				      const struct json_node *v, const struct seen *seen)
{
	uint32_t index = 0;

	JSON_EACH_MEMBER (key, v) {
		if (seen_has(seen, index++))
			continue;
		if (!check_child(r, s->unevaluated, json_value_of(key), "unevaluatedProperties"))
			return false;
		if (r->marks)
			mark(r, key);
	}
	return true;
}

/* ---- what holds for every type */

/* schema_equal; mostly it is about texts. */
static inline bool is_same(const struct json_node *a, const struct json_node *b)
{
	if (a->type == JSON_STRING && b->type == JSON_STRING)
		return a->len == b->len && slice_same(a->data, b->data, a->len);
	return schema_equal(a, b);
}

static bool check_enumeration(struct run *r, const struct schema_other *s,
			      const struct json_node *v)
{
	if (s->has_words) {
		if (v->type == JSON_STRING && is_word(&s->words, v))
			return true;
		return schema_fail(r, v, "enum");
	}
	JSON_EACH (item, s->enumeration) {
		if (!spend(r, 1, v, "enum"))
			return false;
		if (is_same(item, v))
			return true;
	}
	return schema_fail(r, v, "enum");
}

static inline bool check_values(struct run *r, const struct schema_other *s,
				const struct json_node *v)
{
	if (s->constant && !is_same(s->constant, v))
		return schema_fail(r, v, "const");
	return !s->enumeration || check_enumeration(r, s, v);
}

/* The whole list when somebody asks what was evaluated, else up to the first that holds. */
static bool check_any(struct run *r, const struct schema_list *any, const struct json_node *v,
		      struct seen *seen)
{
	bool holds = false;

	for (uint32_t i = 0; i < any->count && (!holds || seen); i++)
		holds |= try_check(r, any->items[i], v, seen);
	return (holds && !r->bound) || schema_fail(r, v, "anyOf");
}

static bool check_one(struct run *r, const struct schema_list *one, const struct json_node *v,
		      struct seen *seen)
{
	uint32_t holding = 0;

	for (uint32_t i = 0; i < one->count && holding < 2; i++)
		holding += try_check(r, one->items[i], v, seen);
	return (holding == 1 && !r->bound) || schema_fail(r, v, "oneOf");
}

static bool check_condition(struct run *r, const struct schema_other *s, const struct json_node *v,
			    struct seen *seen)
{
	bool holds = try_check(r, s->condition, v, seen);
	const struct schema_node *next = holds ? s->then : s->otherwise;

	if (r->bound)
		return false;
	if (!next || check(r, next, v, seen))
		return true;
	if (next->never)
		schema_fail(r, v, holds ? "then" : "else");
	return false;
}

static const struct schema_node *dynamic_target(const struct run *r, const struct schema_dynamic *d)
{
	for (uint32_t i = 0; d->anchor && i < r->scopes; i++) {
		const struct schema_resource *resource = &r->schema->resources[r->room->scope[i]];
		for (uint32_t k = 0; k < resource->count; k++)
			if (resource->anchors[k].name == d->anchor)
				return resource->anchors[k].node;
	}
	return d->fallback;
}

static NOINLINE bool check_other(struct run *r, const struct schema_other *s,
				 const struct json_node *v, struct seen *seen)
{
	if (!check_values(r, s, v))
		return false;
	if (s->only_values)
		return !r->bound;
	if (s->ref && !check(r, s->ref, v, seen))
		return s->ref->never ? schema_fail(r, v, "$ref") : false;
	if (s->dynamic.fallback && !check(r, dynamic_target(r, &s->dynamic), v, seen))
		return false;
	for (uint32_t i = 0; i < s->all.count; i++)
		if (!check(r, s->all.items[i], v, seen))
			return s->all.items[i]->never ? schema_fail(r, v, "allOf") : false;
	if (s->any.count && !check_any(r, &s->any, v, seen))
		return false;
	if (s->one.count && !check_one(r, &s->one, v, seen))
		return false;
	if (s->condition && !check_condition(r, s, v, seen))
		return false;
	if (s->none && try_check(r, s->none, v, NULL))
		return schema_fail(r, v, "not");
	return !r->bound;
}

/* ---- one node */

static ALWAYS_INLINE bool check_scalar(struct run *r, const struct schema_node *s,
				       const struct json_node *v)
{
	if (v->type == JSON_STRING)
		return !s->string || check_string(r, s->string, v);
	if (v->type == JSON_NUMBER)
		return !s->number || check_number(r, s->number, v);
	return true;
}

static ALWAYS_INLINE bool check_parts(struct run *r, const struct schema_node *s,
				      const struct json_node *v, struct seen *seen)
{
	if (s->other && !check_other(r, s->other, v, seen))
		return false;
	if (v->type == JSON_OBJECT)
		return !s->object || check_object(r, s->object, v, seen);
	if (v->type == JSON_ARRAY)
		return !s->array || check_array(r, s->array, v, seen);
	return check_scalar(r, s, v);
}

/* With a set of its own, which goes to whoever asked when all is well. */
static bool check_unevaluated(struct run *r, const struct schema_node *s, const struct json_node *v,
			      struct seen *seen) __attribute__((noinline));

static bool check_unevaluated(struct run *r, const struct schema_node *s, const struct json_node *v,
			      struct seen *seen)
{
	struct seen own;

	if (!schema_seen_init(r, &own, v) || !check_parts(r, s, v, &own))
		return false;
	if (v->type == JSON_ARRAY ? !check_unevaluated_items(r, s->array, v, &own)
				  : !check_unevaluated_members(r, s->object, v, &own))
		return false;
	seen_all(seen);
	return true;
}

static inline bool asks_unevaluated(const struct schema_node *s, const struct json_node *v)
{
	return (v->type == JSON_OBJECT && s->object && s->object->unevaluated) ||
	       (v->type == JSON_ARRAY && s->array && s->array->unevaluated);
}

/* What has parts of its own, or schemas that apply in its place. */
static NOINLINE bool check_deep(struct run *r, const struct schema_node *s,
				const struct json_node *v, struct seen *seen)
{
	uint32_t scopes = r->scopes;

	if (r->schema->dynamic && (scopes == 0 || r->room->scope[scopes - 1] != s->resource))
		r->room->scope[r->scopes++] = s->resource;
	r->depth++;
	bool holds = asks_unevaluated(s, v) ? check_unevaluated(r, s, v, seen)
					    : check_parts(r, s, v, seen);
	r->depth--;
	r->scopes = scopes;
	return holds;
}

static bool check(struct run *r, const struct schema_node *s, const struct json_node *v,
		  struct seen *seen)
{
	if (__builtin_expect(r->steps == 0 || r->depth == SCHEMA_DEPTH_MAX, 0))
		return schema_hit_bound(r, v, r->steps == 0 ? "steps" : "depth");
	r->steps--;
	if (!(s->types >> v->type & 1))
		return schema_fail(r, v, s->never ? "false" : "type");
	if (v->type == JSON_NUMBER) {
		if (s->whole && !schema_number_whole(v))
			return schema_fail(r, v, "type");
		if (s->int64 && r->marks)
			mark(r, v);
	}
	if (v->type >= JSON_ARRAY || (s->other && !s->other->only_values))
		return check_deep(r, s, v, seen);
	return (!s->other || check_values(r, s->other, v)) && check_scalar(r, s, v);
}

bool schema_check(struct run *r, const struct schema_node *s, const struct json_node *v)
{
	return check(r, s, v, NULL) && !r->bound;
}

/* ---- what a plan left to ask */

/* What is not settled at a quick look. */
static NOINLINE bool holds_in_full(const struct schema *s, const struct schema_node *node,
				   const struct json_node *v, struct schema_room *room)
{
	struct run r = {.schema = s, .room = room, .steps = SCHEMA_STEPS_FREE};

	if (room->arena.block)
		arena_reset(&room->arena);
	return schema_check(&r, node, v);
}

bool schema_plan_holds(const struct schema_plan *plan, const struct json_node *value,
		       struct schema_room *room)
{
	if (!plan->schema)
		return false;
	for (uint32_t i = 0; i < plan->count; i++) {
		const struct schema_node *s = plan->checks[i].schema;
		const struct json_node *v = value + plan->checks[i].node;
		if (holds_quickly(&s->quick, v))
			continue;
		/* Whether a big one may stand there only the whole schema knows. */
		if (v->flags & JSON_IS_BIG || !holds_in_full(plan->schema, s, v, room))
			return false;
	}
	return true;
}
