/* SPDX-License-Identifier: Apache-2.0 */
/* Values: where they come from, what they equal; see value.h. */
#include "cel/value.h"

#include <math.h>

/* clang-format off */
static const struct slice names[CEL_KINDS] = {
	[CEL_ERROR]     = SLICE_INIT("error"),
	[CEL_NULL]      = SLICE_INIT("null_type"),
	[CEL_BOOL]      = SLICE_INIT("bool"),
	[CEL_INT]       = SLICE_INIT("int"),
	[CEL_UINT]      = SLICE_INIT("uint"),
	[CEL_DOUBLE]    = SLICE_INIT("double"),
	[CEL_STRING]    = SLICE_INIT("string"),
	[CEL_BYTES]     = SLICE_INIT("bytes"),
	[CEL_LIST]      = SLICE_INIT("list"),
	[CEL_MAP]       = SLICE_INIT("map"),
	[CEL_TIMESTAMP] = SLICE_INIT("google.protobuf.Timestamp"),
	[CEL_DURATION]  = SLICE_INIT("google.protobuf.Duration"),
	[CEL_TYPE]      = SLICE_INIT("type"),
	[CEL_IP]        = SLICE_INIT("net.IP"),
	[CEL_CIDR]      = SLICE_INIT("net.CIDR"),
};
/* clang-format on */

struct slice cel_kind_name(enum cel_kind kind)
{
	return kind < CEL_KINDS ? names[kind] : names[CEL_ERROR];
}

static struct cel_value from_number(const struct json_node *v)
{
	struct cel_value n = json_is_integer(v) ? cel_int(v->as.integer) : cel_double(v->as.real);

	n.flags = CEL_FROM_JSON;
	return n;
}

struct cel_value cel_from_json_other(const struct json_node *v)
{
	switch (json_type(v)) {
	case JSON_NULL:
		return cel_null();
	case JSON_BOOL:
		return cel_bool(json_is_true(v));
	case JSON_NUMBER:
		return from_number(v);
	case JSON_STRING:
		return cel_string(json_string(v));
	case JSON_ARRAY:
	case JSON_OBJECT:
		return (struct cel_value){.kind = v->type == JSON_ARRAY ? CEL_LIST : CEL_MAP,
					  .flags = CEL_FROM_JSON,
					  .count = v->len,
					  .as.json = v};
	case JSON_NONE:
		break;
	}
	return (struct cel_value){0};
}

/* ---- numbers */

static int order(bool below, bool above)
{
	return below ? -1 : above;
}

/* Exactly: a double is never rounded to an integer, nor the other way round. */
static int cmp_int_double(int64_t n, double d)
{
	if (isnan(d))
		return CEL_UNORDERED;
	if (d >= 0x1p63)
		return -1;
	if (d < -0x1p63)
		return 1;
	int64_t whole = (int64_t)d; /* towards zero */
	if (n != whole)
		return n < whole ? -1 : 1;
	double rest = d - (double)whole;
	return order(rest > 0, rest < 0);
}

static int cmp_uint_double(uint64_t n, double d)
{
	if (isnan(d))
		return CEL_UNORDERED;
	if (d >= 0x1p64)
		return -1;
	if (d < 0)
		return 1;
	uint64_t whole = (uint64_t)d;
	if (n != whole)
		return n < whole ? -1 : 1;
	return d - (double)whole > 0 ? -1 : 0;
}

static int cmp_int_uint(int64_t a, uint64_t b)
{
	if (a < 0)
		return -1;
	return order((uint64_t)a<b, (uint64_t)a> b);
}

static int reversed(int cmp)
{
	return cmp == CEL_UNORDERED ? cmp : -cmp;
}

static int cmp_with_int(int64_t a, const struct cel_value *b)
{
	if (b->kind == CEL_INT)
		return order(a<b->as.integer, a> b->as.integer);
	if (b->kind == CEL_UINT)
		return cmp_int_uint(a, b->as.natural);
	return cmp_int_double(a, b->as.real);
}

static int cmp_with_uint(uint64_t a, const struct cel_value *b)
{
	if (b->kind == CEL_INT)
		return reversed(cmp_int_uint(b->as.integer, a));
	if (b->kind == CEL_UINT)
		return order(a<b->as.natural, a> b->as.natural);
	return cmp_uint_double(a, b->as.real);
}

int cel_number_cmp(const struct cel_value *a, const struct cel_value *b)
{
	if (a->kind == CEL_INT)
		return cmp_with_int(a->as.integer, b);
	if (a->kind == CEL_UINT)
		return cmp_with_uint(a->as.natural, b);
	if (b->kind == CEL_INT)
		return reversed(cmp_int_double(b->as.integer, a->as.real));
	if (b->kind == CEL_UINT)
		return reversed(cmp_uint_double(b->as.natural, a->as.real));
	if (isnan(a->as.real) || isnan(b->as.real))
		return CEL_UNORDERED;
	return order(a->as.real<b->as.real, a->as.real> b->as.real);
}

static double as_double(const struct cel_value *v)
{
	if (v->kind == CEL_INT)
		return (double)v->as.integer;
	return v->kind == CEL_UINT ? (double)v->as.natural : v->as.real;
}

int cel_number_order(const struct cel_value *a, const struct cel_value *b)
{
	bool one_is_double = (a->kind == CEL_DOUBLE) != (b->kind == CEL_DOUBLE);

	if (one_is_double && as_double(a) == as_double(b))
		return 0;
	return cel_number_cmp(a, b);
}

/* ---- lists and maps */

bool cel_walk_next(struct cel_walk *w, struct cel_value *key, struct cel_value *value)
{
	const struct cel_value *of = w->of;
	struct cel_value k = cel_int(w->index), v;

	if (w->index >= of->count)
		return false;
	if (!w->at && of->kind == CEL_LIST) {
		v = of->as.items[w->index];
	} else if (!w->at) {
		k = of->as.entries[w->index].key;
		v = of->as.entries[w->index].value;
	} else {
		if (of->kind == CEL_MAP) {
			k = cel_string(json_string(w->at));
			w->at = json_value_of(w->at);
		}
		v = cel_from_json(w->at);
		w->at = json_next(w->at);
	}
	w->index++;
	if (key)
		*key = k;
	if (value)
		*value = v;
	return true;
}

static bool take(uint64_t *steps, uint64_t n)
{
	if (*steps <= n) {
		*steps = 0;
		return false;
	}
	*steps -= n;
	return true;
}

struct cel_value cel_list_item(const struct cel_value *list, uint64_t index)
{
	if (index >= list->count)
		return (struct cel_value){0};
	if (!(list->flags & CEL_FROM_JSON))
		return list->as.items[index];
	return cel_from_json(json_item(list->as.json, (uint32_t)index));
}

struct cel_value cel_map_member(const struct cel_value *map, const struct json_name *name,
				uint64_t *steps)
{
	if (!take(steps, map->count / 8 + 1))
		return (struct cel_value){0};
	if (map->flags & CEL_FROM_JSON)
		return cel_from_json(json_member_named(map->as.json, name));
	for (uint32_t i = 0; i < map->count; i++) {
		const struct cel_entry *e = &map->as.entries[i];
		if (e->key.kind == CEL_STRING && slice_eq(e->key.as.text, name->text))
			return e->value;
	}
	return (struct cel_value){0};
}

/* Keys are scalars: no recursion. */
static bool same_key(const struct cel_value *a, const struct cel_value *b)
{
	if (cel_is_number(a) && cel_is_number(b))
		return cel_number_cmp(a, b) == 0;
	if (a->kind != b->kind)
		return false;
	if (a->kind == CEL_BOOL)
		return a->as.truth == b->as.truth;
	return a->kind == CEL_STRING && slice_eq(a->as.text, b->as.text);
}

struct cel_value cel_map_find(const struct cel_value *map, const struct cel_value *key,
			      uint64_t *steps)
{
	if (map->flags & CEL_FROM_JSON) {
		struct json_name name;
		if (key->kind != CEL_STRING)
			return (struct cel_value){0};
		name = json_name(key->as.text);
		return cel_map_member(map, &name, steps);
	}
	if (!take(steps, map->count / 4 + 1))
		return (struct cel_value){0};
	for (uint32_t i = 0; i < map->count; i++)
		if (same_key(&map->as.entries[i].key, key))
			return map->as.entries[i].value;
	return (struct cel_value){0};
}

/* ---- equality */

/* Values from expressions and JSON are less deep; deeper ones are not equal. */
enum { EQUAL_DEPTH = JSON_DEPTH_MAX };

static bool equal(const struct cel_value *a, const struct cel_value *b, uint64_t *steps, int depth);

static bool equal_lists(const struct cel_value *a, const struct cel_value *b, uint64_t *steps,
			int depth)
{
	struct cel_walk wa = cel_walk(a), wb = cel_walk(b);
	struct cel_value va, vb;

	if (a->count != b->count)
		return false;
	while (cel_walk_next(&wa, NULL, &va) && cel_walk_next(&wb, NULL, &vb))
		if (!equal(&va, &vb, steps, depth))
			return false;
	return true;
}

static bool equal_maps(const struct cel_value *a, const struct cel_value *b, uint64_t *steps,
		       int depth)
{
	struct cel_walk w = cel_walk(a);
	struct cel_value key, value;

	if (a->count != b->count)
		return false;
	while (cel_walk_next(&w, &key, &value)) {
		struct cel_value other = cel_map_find(b, &key, steps);
		if (other.kind == CEL_ERROR || !equal(&value, &other, steps, depth))
			return false;
	}
	return true;
}

static bool equal(const struct cel_value *a, const struct cel_value *b, uint64_t *steps, int depth)
{
	if (!take(steps, 1) || depth == 0)
		return false;
	if (cel_is_number(a) && cel_is_number(b))
		return cel_number_cmp(a, b) == 0;
	if (a->kind != b->kind)
		return false;
	switch ((enum cel_kind)a->kind) {
	case CEL_NULL:
		return true;
	case CEL_BOOL:
		return a->as.truth == b->as.truth;
	case CEL_STRING:
	case CEL_BYTES:
		return take(steps, a->as.text.len / 64) && slice_eq(a->as.text, b->as.text);
	case CEL_LIST:
		return equal_lists(a, b, steps, depth - 1);
	case CEL_MAP:
		return equal_maps(a, b, steps, depth - 1);
	case CEL_TIMESTAMP:
		return a->as.integer == b->as.integer && a->count == b->count;
	case CEL_DURATION:
		return a->as.integer == b->as.integer;
	case CEL_TYPE:
		return a->as.type == b->as.type;
	case CEL_IP:
		return address_eq(a->as.address, b->as.address);
	case CEL_CIDR:
		return a->as.prefix->bits == b->as.prefix->bits &&
		       address_eq(&a->as.prefix->network, &b->as.prefix->network);
	case CEL_ERROR:
	case CEL_INT:
	case CEL_UINT:
	case CEL_DOUBLE:
	case CEL_KINDS:
		break;
	}
	return false;
}

bool cel_equal(const struct cel_value *a, const struct cel_value *b, uint64_t *steps)
{
	if (a->kind == CEL_STRING && b->kind == CEL_STRING)
		return take(steps, a->as.text.len / 64 + 1) && a->as.text.len == b->as.text.len &&
		       slice_same(a->as.text.data, b->as.text.data, a->as.text.len);
	return equal(a, b, steps, EQUAL_DEPTH);
}
