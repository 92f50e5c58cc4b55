/* SPDX-License-Identifier: Apache-2.0 */
/* Fields of rules in messages; see place.h. Recursion is bounded by the depth of a tape. */
#include "policy/place.h"

struct walk {
	const struct conf_field *field;
	place_fn each;
	void *with;
};

static bool step(const struct walk *w, const struct json_node *v, size_t at);

static bool step_object(const struct walk *w, const struct json_node *v, size_t at)
{
	const struct conf_step *s = &w->field->steps[at];

	if (!s->any) {
		const struct json_node *member = json_member_named(v, &s->name);
		return !member || step(w, member, at + 1);
	}
	JSON_EACH_MEMBER (key, v)
		if (!step(w, json_value_of(key), at + 1))
			return false;
	return true;
}

static bool step_array(const struct walk *w, const struct json_node *v, size_t at)
{
	const struct conf_step *s = &w->field->steps[at];

	if (s->index) {
		const struct json_node *item = json_item(v, s->at);
		return !item || step(w, item, at + 1);
	}
	JSON_EACH (item, v)
		if (!step(w, item, s->any ? at + 1 : at))
			return false;
	return true;
}

static bool step(const struct walk *w, const struct json_node *v, size_t at)
{
	if (at == w->field->count)
		return w->each(w->with, v);
	switch (json_type(v)) {
	case JSON_OBJECT:
		return step_object(w, v, at);
	case JSON_ARRAY:
		return step_array(w, v, at);
	case JSON_NONE:
	case JSON_NULL:
	case JSON_BOOL:
	case JSON_NUMBER:
	case JSON_STRING:
		break;
	}
	return true;
}

/* As far as the steps are names of members, which mostly they all are: the value there, or NULL,
 * and how many steps that took. */
static const struct json_node *follow(const struct conf_field *field, const struct json_node *v,
				      size_t *at)
{
	for (*at = 0; *at < field->count && json_type(v) == JSON_OBJECT; ++*at) {
		const struct conf_step *s = &field->steps[*at];
		if (s->any)
			break;
		v = json_member_named(v, &s->name);
	}
	return v;
}

bool place_each(const struct conf_field *field, const struct json_node *root, place_fn each,
		void *with)
{
	const struct walk w = {field, each, with};
	size_t at;
	const struct json_node *v = follow(field, root, &at);

	return !v || step(&w, v, at);
}

/* --- strings */

struct strings {
	place_fn each;
	void *with;
};

static bool strings_in(void *with, const struct json_node *value)
{
	const struct strings *s = with;

	for (const struct json_node *at = value; at < json_next(value); at++)
		if (at->type == JSON_STRING && !(at->flags & JSON_IS_KEY) && !s->each(s->with, at))
			return false;
	return true;
}

bool place_each_string(const struct conf_field *field, const struct json_node *root, place_fn each,
		       void *with)
{
	struct strings s = {each, with};
	const struct walk w = {field, strings_in, &s};
	size_t at;
	const struct json_node *v = follow(field, root, &at);

	if (!v)
		return true;
	if (at == field->count && v->type == JSON_STRING)
		return each(with, v);
	return step(&w, v, at);
}

/* --- one */

struct one {
	const struct json_node *found;
	bool several;
};

static bool take(void *with, const struct json_node *value)
{
	struct one *one = with;

	one->several = one->found != NULL;
	one->found = value;
	return !one->several;
}

const struct json_node *place_one(const struct conf_field *field, const struct json_node *root)
{
	struct one one = {0};

	(void)place_each(field, root, take, &one);
	return one.several ? NULL : one.found;
}
