/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A validation as a whole; see schema.h, and schema_run.h for its parts.
 *
 *   schema_validate             a budget of steps, and the program's root at the value
 *   schema_validate_undeclared  the same; which members the schema speaks of at all is marked per
 *                               node of the value's tape, what has no mark is collected
 *   schema_room_new             what a thread needs for all of them, once
 */
#include "contract/schema_run.h"

#include <stdlib.h>

enum {
	ROOM_BLOCK = 1 << 14,
	ROOM_MAX = 1 << 24,
	STEPS_PER_VALUE = 64, /* and as many as the schema has nodes, up to */
	STEPS_NODES_MAX = 1000,
};

bool schema_fail(struct run *r, const struct json_node *at, const char *keyword)
{
	if (!r->bound)
		r->failure = (struct schema_failure){.at = at, .keyword = keyword};
	return false;
}

bool schema_hit_bound(struct run *r, const struct json_node *at, const char *keyword)
{
	if (!r->bound)
		r->failure = (struct schema_failure){.at = at, .keyword = keyword, .bound = true};
	r->bound = true;
	return false;
}

bool schema_seen_init(struct run *r, struct seen *set, const struct json_node *v)
{
	uint32_t words = (json_count(v) + 63) / 64;

	*set = (struct seen){.count = json_count(v)};
	set->bits = &set->few;
	if (words > 1)
		set->bits = arena_calloc(&r->room->arena, words, sizeof(*set->bits));
	return set->bits || schema_hit_bound(r, v, "memory");
}

static uint32_t nodes_of(const struct json_node *value)
{
	return value->type >= JSON_ARRAY ? value->as.nest.span : 1;
}

static bool run(const struct schema *s, const struct json_node *value, struct schema_room *room,
		struct schema_failure *failure, struct marks *marks)
{
	uint64_t each = STEPS_PER_VALUE + (s->nodes < STEPS_NODES_MAX ? s->nodes : STEPS_NODES_MAX);
	struct run r = {
		.schema = s,
		.room = room,
		.steps = SCHEMA_STEPS_FREE + nodes_of(value) * each,
		.marks = marks,
	};
	bool holds = schema_check(&r, s->root, value);

	if (!holds && failure)
		*failure = r.failure;
	return holds;
}

bool schema_validate(const struct schema *s, const struct json_node *value,
		     struct schema_room *room, struct schema_failure *failure)
{
	if (room->arena.block)
		arena_reset(&room->arena);
	return run(s, value, room, failure, NULL);
}

/* An integer that no double holds, where nobody said that it is one of 64 bits. */
static bool is_too_big(const struct marks *marks, const struct json_node *v)
{
	return v->type == JSON_NUMBER && v->flags & JSON_IS_BIG && !marks->of_node[v - marks->root];
}

/* Keys without a mark in objects with one; *big is the first number that is too big. */
static uint32_t collect_undeclared(const struct marks *marks, const struct json_node **keys,
				   const struct json_node **big)
{
	const struct json_node *end = json_next(marks->root);
	uint32_t count = 0;

	*big = NULL;
	for (const struct json_node *v = marks->root; v < end; v++) {
		if (!*big && is_too_big(marks, v))
			*big = v;
		if (v->type != JSON_OBJECT || !marks->of_node[v - marks->root])
			continue;
		JSON_EACH_MEMBER (key, v)
			if (!marks->of_node[key - marks->root])
				keys[count++] = key;
	}
	return count;
}

bool schema_validate_undeclared(const struct schema *s, const struct json_node *value,
				struct schema_room *room, struct schema_failure *failure,
				const struct json_node *const **keys, uint32_t *count)
{
	struct marks marks = {.root = value};
	uint32_t nodes = nodes_of(value);

	if (room->arena.block)
		arena_reset(&room->arena);
	*keys = NULL;
	*count = 0;
	marks.of_node = arena_calloc(&room->arena, nodes, sizeof(*marks.of_node));
	marks.log = arena_alloc(&room->arena, nodes * sizeof(*marks.log));
	const struct json_node **list =
		arena_alloc(&room->arena, nodes * sizeof(struct json_node *));
	if (!marks.of_node || !marks.log || !list) {
		if (failure)
			*failure = (struct schema_failure){
				.at = value, .keyword = "memory", .bound = true};
		return false;
	}
	if (!run(s, value, room, failure, &marks))
		return false;
	const struct json_node *big;
	*count = collect_undeclared(&marks, list, &big);
	*keys = list;
	if (big && failure)
		*failure = (struct schema_failure){.at = big, .keyword = "format", .big = true};
	return !big;
}

struct schema_room *schema_room_new(const struct siphash_key *secret)
{
	struct schema_room *room = calloc(1, sizeof(*room));

	if (!room)
		return NULL;
	arena_init(&room->arena, ROOM_BLOCK, ROOM_MAX);
	if (secret)
		room->secret = *secret;
	room->regex = regex_room_new();
	if (!room->regex) {
		schema_room_free(room);
		return NULL;
	}
	return room;
}

void schema_room_free(struct schema_room *room)
{
	if (!room)
		return;
	regex_room_free(room->regex);
	arena_deinit(&room->arena);
	free(room);
}
