/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A value of the Common Expression Language: 24 bytes that are copied around.
 *
 * Scalars are inside; strings, lists and maps point to memory that somebody else owns (the
 * message's tape, its arena, a compiled program) and are valid as long as that is. JSON is
 * used where it lies: a list or a map with CEL_FROM_JSON is a node of the tape.
 *
 * The zero value is an error: who forgets to give a result refuses.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "base/slice.h"
#include "json/value.h"

enum cel_kind {
	CEL_ERROR = 0,
	CEL_NULL,
	CEL_BOOL,
	CEL_INT,
	CEL_UINT,
	CEL_DOUBLE,
	CEL_STRING, /* valid UTF-8 */
	CEL_BYTES,
	CEL_LIST,
	CEL_MAP,
	CEL_TIMESTAMP, /* from year 1 to the end of year 9999, UTC */
	CEL_DURATION,  /* nanoseconds in 64 bits: 292 years either way */
	CEL_TYPE,
	CEL_IP,
	CEL_CIDR,
	CEL_KINDS
};

/* Of a list or map: as.json. Of an int or double: a JSON number, of which there is only one
 * kind; together with a double such an int is a double. */
enum { CEL_FROM_JSON = 1 };

struct cel_entry;
struct cel_node;

struct cel_value {
	uint8_t kind;  /* enum cel_kind */
	uint8_t flags; /* CEL_FROM_JSON */
	uint16_t unused;
	uint32_t count; /* list: items; map: entries; timestamp: nanoseconds */
	union {
		bool truth;
		int64_t integer; /* int; timestamp: seconds since 1970; duration: nanoseconds */
		uint64_t natural;
		double real;
		struct slice text; /* string and bytes */
		const struct cel_value *items;
		const struct cel_entry *entries;
		const struct json_node *json;
		enum cel_kind type;
		const struct address *address;
		const struct prefix *prefix;
		struct {
			const char *sentence; /* static; NULL where nobody said why */
			const struct cel_node *node;
		} error;
	} as;
};

struct cel_entry {
	struct cel_value key, value;
};

/* ---- making them */

static inline struct cel_value cel_null(void)
{
	return (struct cel_value){.kind = CEL_NULL};
}

static inline struct cel_value cel_bool(bool truth)
{
	return (struct cel_value){.kind = CEL_BOOL, .as.truth = truth};
}

static inline struct cel_value cel_int(int64_t n)
{
	return (struct cel_value){.kind = CEL_INT, .as.integer = n};
}

static inline struct cel_value cel_uint(uint64_t n)
{
	return (struct cel_value){.kind = CEL_UINT, .as.natural = n};
}

static inline struct cel_value cel_double(double n)
{
	return (struct cel_value){.kind = CEL_DOUBLE, .as.real = n};
}

static inline struct cel_value cel_string(struct slice text)
{
	return (struct cel_value){.kind = CEL_STRING, .as.text = text};
}

static inline struct cel_value cel_bytes(struct slice bytes)
{
	return (struct cel_value){.kind = CEL_BYTES, .as.text = bytes};
}

static inline struct cel_value cel_list(const struct cel_value *items, uint32_t count)
{
	return (struct cel_value){.kind = CEL_LIST, .count = count, .as.items = items};
}

/* Keys are bool, int, uint or string and differ from each other. */
static inline struct cel_value cel_map(const struct cel_entry *entries, uint32_t count)
{
	return (struct cel_value){.kind = CEL_MAP, .count = count, .as.entries = entries};
}

static inline struct cel_value cel_timestamp(int64_t unix_seconds, uint32_t nanoseconds)
{
	return (struct cel_value){
		.kind = CEL_TIMESTAMP, .count = nanoseconds, .as.integer = unix_seconds};
}

static inline struct cel_value cel_duration(int64_t nanoseconds)
{
	return (struct cel_value){.kind = CEL_DURATION, .as.integer = nanoseconds};
}

static inline struct cel_value cel_type_value(enum cel_kind kind)
{
	return (struct cel_value){.kind = CEL_TYPE, .as.type = kind};
}

/* cel_from_json for what is not a string. */
struct cel_value cel_from_json_other(const struct json_node *v);

/* NULL gives an error. A number written without fraction and exponent is an int if it fits. */
static inline struct cel_value cel_from_json(const struct json_node *v)
{
	if (v && v->type == JSON_STRING)
		return cel_string(slice_of(v->data, v->len));
	return cel_from_json_other(v);
}

/* ---- asking them */

/* "int", "null_type", "google.protobuf.Timestamp", ...: what `type(x)` is called. */
struct slice cel_kind_name(enum cel_kind kind);

static inline bool cel_is_number(const struct cel_value *v)
{
	return v->kind == CEL_INT || v->kind == CEL_UINT || v->kind == CEL_DOUBLE;
}

/* Below, equal, above: -1, 0, 1, exactly, between any two kinds of number. Anything with NaN
 * gives CEL_UNORDERED. */
enum { CEL_UNORDERED = 2 };
int cel_number_cmp(const struct cel_value *a, const struct cel_value *b);

/* The same for <, <=, > and >=, where the reference implementation compares integers with
 * doubles as doubles: 2^63 is not above the largest int. Equality stays exact. */
int cel_number_order(const struct cel_value *a, const struct cel_value *b);

/*
 * Equality as the language means it: numbers by value whatever their kind, lists in order,
 * maps without; different kinds are not equal; NaN equals nothing. Every comparison takes one
 * from *steps (and one per 64 bytes of text), recursion is bounded; when *steps is used up the
 * answer is false and *steps is 0.
 */
bool cel_equal(const struct cel_value *a, const struct cel_value *b, uint64_t *steps);

/* The value of that key, or an error without a sentence. Takes from *steps as cel_equal. */
struct cel_value cel_map_find(const struct cel_value *map, const struct cel_value *key,
			      uint64_t *steps);

/* A map's member by name; the name's hash is used where the map is JSON. */
struct cel_value cel_map_member(const struct cel_value *map, const struct json_name *name,
				uint64_t *steps);

/* The item, or an error without a sentence when there are not that many. */
struct cel_value cel_list_item(const struct cel_value *list, uint64_t index);

/* ---- walking over a list or map: key is the index or the key */

struct cel_walk {
	const struct cel_value *of;
	uint32_t index;
	const struct json_node *at;
};

static inline struct cel_walk cel_walk(const struct cel_value *of)
{
	return (struct cel_walk){of, 0, of->flags & CEL_FROM_JSON ? of->as.json + 1 : NULL};
}

/* False at the end. Either of key and value may be NULL. */
bool cel_walk_next(struct cel_walk *w, struct cel_value *key, struct cel_value *value);
