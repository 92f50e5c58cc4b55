/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Look-ups, numbers and equality over a tape; see value.h. Recursion is bounded by the
 * depth of a tape, JSON_DEPTH_MAX.
 */
#include "json/value.h"

#include <math.h>

#include "json/key.h"

const char *json_type_name(enum json_type type)
{
	static const char *const names[] = {
		[JSON_NONE] = "nothing",  [JSON_NULL] = "null",     [JSON_BOOL] = "boolean",
		[JSON_NUMBER] = "number", [JSON_STRING] = "string", [JSON_ARRAY] = "array",
		[JSON_OBJECT] = "object",
	};
	return (size_t)type < sizeof(names) / sizeof(names[0]) ? names[type] : "nothing";
}

/* ---- numbers */

/* Doubles from -2^63 up to, but not including, 2^63 have an int64 next to them. */
static const double INT64_LIMIT = 9223372036854775808.0;

bool json_is_whole(const struct json_node *v)
{
	if (json_type(v) != JSON_NUMBER)
		return false;
	return (v->flags & JSON_IS_INTEGER) || trunc(v->as.real) == v->as.real;
}

bool json_integer(const struct json_node *v, int64_t *out)
{
	if (!json_is_whole(v))
		return false;
	if (v->flags & JSON_IS_INTEGER) {
		*out = v->as.integer;
		return true;
	}
	if (v->as.real < -INT64_LIMIT || v->as.real >= INT64_LIMIT)
		return false;
	*out = (int64_t)v->as.real;
	return true;
}

static int cmp_double(double a, double b)
{
	return (a > b) - (a < b);
}

static int cmp_integer(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

/* Rounding the integer to a double could make two different numbers equal. */
static int cmp_integer_double(int64_t a, double b)
{
	if (b >= INT64_LIMIT)
		return -1;
	if (b < -INT64_LIMIT)
		return 1;
	double whole = trunc(b);
	int order = cmp_integer(a, (int64_t)whole);
	return order ? order : cmp_double(whole, b);
}

int json_number_cmp(const struct json_node *a, const struct json_node *b)
{
	bool a_integer = a->flags & JSON_IS_INTEGER, b_integer = b->flags & JSON_IS_INTEGER;

	if (a_integer && b_integer)
		return cmp_integer(a->as.integer, b->as.integer);
	if (a_integer)
		return cmp_integer_double(a->as.integer, b->as.real);
	if (b_integer)
		return -cmp_integer_double(b->as.integer, a->as.real);
	return cmp_double(a->as.real, b->as.real);
}

/* ---- look-ups */

uint32_t json_key_hash(struct slice key)
{
	return json_key_mix(key.data, key.len);
}

static bool key_is(const struct json_node *key, struct slice text, uint32_t hash)
{
	return key->as.string.hash == hash && key->len == text.len &&
	       slice_same(key->data, text.data, text.len);
}

const struct json_node *json_member_named(const struct json_node *object,
					  const struct json_name *name)
{
	const struct json_node *key, *end;

	if (json_type(object) != JSON_OBJECT)
		return NULL;
	for (key = object + 1, end = json_end(object); key != end; key = json_next(key + 1))
		if (key_is(key, name->text, name->hash))
			return json_value_of(key);
	return NULL;
}

const struct json_node *json_member(const struct json_node *object, struct slice name)
{
	struct json_name prepared = json_name(name.data ? name : SLICE(""));

	return json_member_named(object, &prepared);
}

const struct json_node *json_member_typed(const struct json_node *object, struct slice name,
					  enum json_type type)
{
	const struct json_node *v = json_member(object, name);

	return json_type(v) == type ? v : NULL;
}

const struct json_node *json_item(const struct json_node *array, uint32_t index)
{
	if (json_type(array) != JSON_ARRAY || index >= array->len)
		return NULL;
	JSON_EACH (item, array)
		if (index-- == 0)
			return item;
	return NULL;
}

/* ---- equality */

static bool equal_arrays(const struct json_node *a, const struct json_node *b)
{
	const struct json_node *other = b + 1;

	JSON_EACH (item, a) {
		if (!json_equal(item, other))
			return false;
		other = json_next(other);
	}
	return true;
}

/* Both have the same number of members, all different, so one way is enough. Members mostly
 * come in the same order: the search goes on where the last one was found. */
static bool equal_objects(const struct json_node *a, const struct json_node *b)
{
	const struct json_node *other = b + 1;

	JSON_EACH_MEMBER (key, a) {
		uint32_t tried = 0;
		for (; tried < b->len; tried++) {
			if (other == json_end(b))
				other = b + 1;
			if (json_key_same(key, other))
				break;
			other = json_next(json_value_of(other));
		}
		if (tried == b->len || !json_equal(json_value_of(key), json_value_of(other)))
			return false;
		other = json_next(json_value_of(other));
	}
	return true;
}

bool json_equal(const struct json_node *a, const struct json_node *b)
{
	if (json_type(a) != json_type(b))
		return false;
	switch (json_type(a)) {
	case JSON_NONE:
	case JSON_NULL:
		return true;
	case JSON_BOOL:
		return json_is_true(a) == json_is_true(b);
	case JSON_NUMBER:
		return json_number_cmp(a, b) == 0;
	case JSON_STRING:
		return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
	case JSON_ARRAY:
		return a->len == b->len && equal_arrays(a, b);
	case JSON_OBJECT:
		return a->len == b->len && equal_objects(a, b);
	}
	return false;
}

/* A number's image such that equal numbers have the same: the integer if it is one. */
static uint64_t number_image(const struct json_node *v)
{
	int64_t integer;
	uint64_t image;
	double real = v->as.real;

	if (json_integer(v, &integer))
		return (uint64_t)integer;
	memcpy(&image, &real, sizeof(image));
	return image;
}

static uint64_t hash_words(uint64_t first, uint64_t second, enum json_type type,
			   const struct siphash_key *key)
{
	uint64_t words[3] = {first, second, (uint64_t)type};

	return siphash(key, slice_of((const char *)words, sizeof(words)));
}

uint64_t json_hash(const struct json_node *v, const struct siphash_key *key)
{
	uint64_t sum = 0;

	switch (json_type(v)) {
	case JSON_NONE:
	case JSON_NULL:
		return hash_words(0, 0, json_type(v), key);
	case JSON_BOOL:
		return hash_words(json_is_true(v), 0, JSON_BOOL, key);
	case JSON_NUMBER:
		return hash_words(number_image(v), 0, JSON_NUMBER, key);
	case JSON_STRING:
		return siphash(key, json_string(v));
	case JSON_ARRAY:
		JSON_EACH (item, v)
			sum = hash_words(sum, json_hash(item, key), JSON_ARRAY, key);
		return hash_words(sum, v->len, JSON_ARRAY, key);
	case JSON_OBJECT:
		/* A sum, because members have no order. */
		JSON_EACH_MEMBER (name, v)
			sum += hash_words(siphash(key, json_string(name)),
					  json_hash(json_value_of(name), key), JSON_OBJECT, key);
		return hash_words(sum, v->len, JSON_OBJECT, key);
	}
	return 0;
}
