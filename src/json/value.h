/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A JSON value that was read: one node of a tape.
 *
 * The tape is an array of nodes in the order of the text. An object is followed by its
 * members (a key node, then the nodes of the value), an array by its items:
 *
 *   {"a": [1, 2], "b": "x"}
 *
 *   [object  ]["a" key][array   ][1][2]["b" key]["x"]
 *    len 2              len 2
 *    span 7 ------------span 3 -------^              ^--- json_end(object)
 *
 * `span` is the number of nodes of a container, itself included, so the next sibling is
 * one addition away, and a value is a plain `const struct json_node *`. Nodes hold no
 * index: a subtree can be copied as it is.
 *
 * Everything is valid as long as the text that was read and the arena it was read into.
 * All functions accept NULL for "there is no such value": its type is JSON_NONE, so that
 * json_string(json_member(json_member(v, a), b)) needs no checks in between.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/siphash.h"
#include "base/slice.h"

enum json_type {
	JSON_NONE = 0, /* there is no such value */
	JSON_NULL,
	JSON_BOOL,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT,
};

enum {
	JSON_IS_TRUE = 1,     /* bool */
	JSON_IS_INTEGER = 2,  /* number without fraction and exponent: as.integer, else as.real */
	JSON_IS_BIG = 4,      /* such a number beyond +-(2^53 - 1); see json_limits.big_integers */
	JSON_IS_KEY = 8,      /* string that names a member: as.string.hash is set */
	JSON_IS_ESCAPED = 16, /* string whose bytes lie in the arena, not in the text */
};

/* No reader makes a tape deeper than this, whatever its limits say: recursion over a tape
 * is bounded by it. */
enum { JSON_DEPTH_MAX = 512 };

struct json_node {
	uint8_t type;  /* enum json_type */
	uint8_t flags; /* JSON_IS_* */
	uint16_t unused;
	uint32_t len; /* bytes of a string or of a number's text; members; items */
	union {
		const char *data; /* string: its decoded bytes; else: its place in the text */
		uintptr_t seen;   /* used by the reader while an object is open */
	};
	union {
		int64_t integer;
		double real;
		struct {
			uint32_t hash; /* of a key; see json_key_hash */
			uint32_t at; /* JSON_IS_ESCAPED: offset of the opening quote in the text */
		} string;
		struct {
			uint32_t span; /* nodes of this container with everything inside */
			uint32_t up;   /* used by the reader while the container is open */
		} nest;
	} as;
};

/* ---- what it is */

static inline enum json_type json_type(const struct json_node *v)
{
	return v ? (enum json_type)v->type : JSON_NONE;
}

/* "null", "boolean", "number", "string", "array", "object" or "nothing". */
const char *json_type_name(enum json_type type);

static inline bool json_is_true(const struct json_node *v)
{
	return v && v->type == JSON_BOOL && (v->flags & JSON_IS_TRUE);
}

/* The decoded bytes (valid UTF-8, no NUL byte); an empty slice for anything but a string,
 * so ask the type where "" and nothing differ. */
static inline struct slice json_string(const struct json_node *v)
{
	return v && v->type == JSON_STRING ? slice_of(v->data, v->len) : slice_of(NULL, 0);
}

/* ---- numbers */

/* Written without fraction and exponent. */
static inline bool json_is_integer(const struct json_node *v)
{
	return v && v->type == JSON_NUMBER && (v->flags & JSON_IS_INTEGER);
}

/* A whole number, however written: 1, 1.0 and 1e2 are (what JSON Schema calls an integer). */
bool json_is_whole(const struct json_node *v);

/* The value of a whole number within int64. Returns false, and leaves *out, for all else. */
bool json_integer(const struct json_node *v, int64_t *out);

/* The nearest double; 0 for anything but a number. Never infinite, never NaN. */
static inline double json_double(const struct json_node *v)
{
	if (!v || v->type != JSON_NUMBER)
		return 0;
	return v->flags & JSON_IS_INTEGER ? (double)v->as.integer : v->as.real;
}

/* The text of a number as it was written ("-0", "1.0", "1E2"); empty for all else. */
static inline struct slice json_number_text(const struct json_node *v)
{
	return v && v->type == JSON_NUMBER ? slice_of(v->data, v->len) : slice_of(NULL, 0);
}

/* Below, equal, above: -1, 0, 1, exactly also between an int64 and a double.
 * Both are numbers. */
int json_number_cmp(const struct json_node *a, const struct json_node *b);

/* ---- containers */

/* Members of an object, items of an array; 0 for all else. */
static inline uint32_t json_count(const struct json_node *v)
{
	return v && v->type >= JSON_ARRAY ? v->len : 0;
}

/* The node behind v and everything in it. */
static inline const struct json_node *json_next(const struct json_node *v)
{
	return v + (v->type >= JSON_ARRAY ? v->as.nest.span : 1);
}

/* Where the walk over a container's children ends. */
static inline const struct json_node *json_end(const struct json_node *container)
{
	return container + container->as.nest.span;
}

/* for (each item of a JSON_ARRAY, in order) */
#define JSON_EACH(item, array)                                                                     \
	for (const struct json_node *item = (array) + 1; item != json_end(array);                  \
	     item = json_next(item))

/* for (each key of a JSON_OBJECT, in order); the value is json_value_of(key). */
#define JSON_EACH_MEMBER(key, object)                                                              \
	for (const struct json_node *key = (object) + 1; key != json_end(object);                  \
	     key = json_next(key + 1))

static inline const struct json_node *json_value_of(const struct json_node *key)
{
	return key + 1;
}

/* A name with its hash, for look-ups that are made again and again. */
struct json_name {
	struct slice text; /* decoded; must outlive the name */
	uint32_t hash;
};

/* A quick hash of a key, without a secret: good to tell keys apart, never to build a table
 * of keys that a peer chose. It may change between versions. */
uint32_t json_key_hash(struct slice key);

static inline struct json_name json_name(struct slice text)
{
	return (struct json_name){text, json_key_hash(text)};
}

/* The value of the member with that (decoded) name, or NULL. Walks the members. */
const struct json_node *json_member(const struct json_node *object, struct slice name);
const struct json_node *json_member_named(const struct json_node *object,
					  const struct json_name *name);

/* The value of the member with that name if it has that type, else NULL. */
const struct json_node *json_member_typed(const struct json_node *object, struct slice name,
					  enum json_type type);

/* The item at that index, or NULL. Walks the items. */
const struct json_node *json_item(const struct json_node *array, uint32_t index);

/* ---- copies that outlive text and arena */

/* Bytes that a copy of v with everything in it takes; aligned as a node is. */
size_t json_copy_bytes(const struct json_node *v);

/* Copies v into room of so many bytes, aligned for a node. json_at has no meaning for it. */
const struct json_node *json_copy(const struct json_node *v, void *room);

/* ---- equality */

/*
 * Equality as JSON Schema means it (const, enum, uniqueItems): numbers by their value
 * (1, 1.0 and 1e0 are equal; the value is an int64 or else the double that the text
 * denotes), strings by their characters, arrays in order, objects without order. NULL
 * equals only NULL. Takes time up to the product of the two objects' members; where many
 * values from a peer are compared with each other, compare json_hash first.
 */
bool json_equal(const struct json_node *a, const struct json_node *b);

/* Equal values have equal hashes. With a secret key a peer cannot choose values that
 * collide. Time grows with the size of v only. */
uint64_t json_hash(const struct json_node *v, const struct siphash_key *key);
