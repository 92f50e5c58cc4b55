/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Items that all differ; see schema_run.h.
 *
 *   few   each is compared with each
 *   many  by their hashes, whose secret nobody outside knows, in a table of open addressing
 */
#include "contract/schema_number.h"
#include "contract/schema_run.h"

enum { FEW_ITEMS = 12 }; /* compared each with each */

static bool unique_few(struct run *r, const struct json_node *v)
{
	JSON_EACH (a, v) {
		for (const struct json_node *b = json_next(a); b != json_end(v); b = json_next(b)) {
			if (a->type == b->type && schema_equal(a, b))
				return schema_fail(r, b, "uniqueItems");
		}
	}
	return true;
}

struct hashed {
	uint64_t hash;
	const struct json_node *item;
};

static bool unique_many(struct run *r, const struct json_node *v)
{
	uint32_t size = 16;

	while (size < v->len * 2)
		size *= 2;
	struct hashed *table = arena_calloc(&r->room->arena, size, sizeof(*table));
	if (!table)
		return schema_hit_bound(r, v, "uniqueItems");
	JSON_EACH (item, v) {
		uint64_t hash = json_hash(item, &r->room->secret);
		uint32_t i = (uint32_t)hash & (size - 1);
		for (; table[i].item; i = (i + 1) & (size - 1)) {
			if (!spend(r, 1, v, "uniqueItems"))
				return false;
			if (table[i].hash == hash && schema_equal(table[i].item, item))
				return schema_fail(r, item, "uniqueItems");
		}
		table[i] = (struct hashed){hash, item};
	}
	return true;
}

bool schema_unique(struct run *r, const struct json_node *v)
{
	return v->len <= FEW_ITEMS ? unique_few(r, v) : unique_many(r, v);
}
