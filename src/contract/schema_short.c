/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Short forms: what most values that satisfy a node are asked, so that the validator sees it at a
 * look. They only ever say yes; see schema_program.h.
 */
#include "contract/schema_compile.h"

/* Values of which it is enough to know the type: the validator need not go on then. */
static uint8_t plain_types(const struct schema_node *n)
{
	unsigned asked = 0;

	if (n->other)
		return 0;
	asked |= n->string ? 1u << JSON_STRING : 0;
	asked |= n->number || n->whole || n->int64 ? 1u << JSON_NUMBER : 0;
	asked |= n->array ? 1u << JSON_ARRAY : 0;
	asked |= n->object ? 1u << JSON_OBJECT : 0;
	return (uint8_t)(n->types & ~asked);
}

static struct schema_quick quick_text(const struct schema_string *s)
{
	struct schema_quick q = {.kind = SCHEMA_QUICK_TEXT};

	if (s->pattern || s->min > UINT32_MAX / 4)
		return (struct schema_quick){0};
	q.is.bytes.least = s->min * 4; /* a character has up to four */
	q.is.bytes.most = s->max;
	q.is.bytes.format = s->format;
	return q;
}

/* The bound, moved by so much; false when it is none that an integer can be compared with. */
static bool integer_bound(const struct json_node *bound, int64_t more, int64_t *out)
{
	if (!bound)
		return true;
	return bound->flags & JSON_IS_INTEGER &&
	       !__builtin_add_overflow(bound->as.integer, more, out);
}

static struct schema_quick quick_integer(const struct schema_number *s)
{
	struct schema_quick q = {.kind = SCHEMA_QUICK_INTEGER};
	int64_t least = INT64_MIN, most = INT64_MAX, above = INT64_MIN, below = INT64_MAX;

	if (s && (s->multiple_of || !integer_bound(s->min, 0, &least) ||
		  !integer_bound(s->max, 0, &most) || !integer_bound(s->above, 1, &above) ||
		  !integer_bound(s->below, -1, &below)))
		return (struct schema_quick){0};
	q.is.integer.least = least > above ? least : above;
	q.is.integer.most = most < below ? most : below;
	return q;
}

static struct schema_quick quick_values(const struct schema_other *o)
{
	if (o->only_values && !o->enumeration && json_type(o->constant) == JSON_STRING)
		return (struct schema_quick){SCHEMA_QUICK_WORD, {.word = o->constant}};
	if (o->only_values && !o->constant && o->has_words)
		return (struct schema_quick){SCHEMA_QUICK_WORDS, {.words = &o->words}};
	return (struct schema_quick){0};
}

static struct schema_quick quick_of(const struct schema_node *n)
{
	const struct schema_other *o = n->other;
	bool text = n->types & 1u << JSON_STRING, number = n->types & 1u << JSON_NUMBER;

	if (o)
		return text && !n->string ? quick_values(o) : (struct schema_quick){0};
	if (text && n->string)
		return quick_text(n->string);
	if (number && !n->int64)
		return quick_integer(n->number);
	return (struct schema_quick){0};
}

void schema_shorten(struct schema_node *n)
{
	n->plain = plain_types(n);
	n->quick = quick_of(n);
}
