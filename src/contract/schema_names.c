/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables of texts: the names of an object's members, the words of an enumeration; see
 * schema_program.h. Made while a schema is compiled, looked into for each member of each message.
 */
#include "contract/schema_compile.h"

bool schema_names_init(struct compiler *c, struct schema_names *t, uint64_t most)
{
	uint64_t size = 4;

	while (size < most * 2 + 2)
		size *= 2;
	t->slots = schema_alloc(c, size, sizeof(*t->slots));
	t->mask = (uint32_t)size - 1;
	return t->slots != NULL;
}

struct schema_name *schema_names_put(struct schema_names *t, struct slice text)
{
	uint32_t hash = json_key_hash(text), i = hash >> t->shift & t->mask;

	for (; t->slots[i].text.data; i = (i + 1) & t->mask)
		if (t->slots[i].hash == hash && slice_eq(t->slots[i].text, text))
			return &t->slots[i];
	t->slots[i].text = text;
	t->slots[i].hash = hash;
	return &t->slots[i];
}

enum { SETTLED_SLOTS = 1024, SHIFTS = 20 };

/* Entries that are not where they would be looked for first, with that shift. */
static uint32_t displaced(const struct schema_names *t, unsigned shift)
{
	uint64_t taken[SETTLED_SLOTS / 64] = {0};
	uint32_t count = 0;

	for (uint32_t i = 0; i <= t->mask; i++) {
		uint32_t at = t->slots[i].hash >> shift & t->mask;
		if (!t->slots[i].text.data)
			continue;
		count += (uint32_t)(taken[at / 64] >> at % 64 & 1);
		taken[at / 64] |= UINT64_C(1) << at % 64;
	}
	return count;
}

void schema_names_settle(struct compiler *c, struct schema_names *t)
{
	struct schema_names better = *t;
	uint32_t fewest = t->mask < SETTLED_SLOTS ? displaced(t, 0) : 0;

	for (unsigned shift = 1; shift < SHIFTS && fewest; shift++) {
		uint32_t count = displaced(t, shift);
		if (count >= fewest)
			continue;
		fewest = count;
		better.shift = (uint8_t)shift;
	}
	if (!better.shift)
		return;
	better.slots = schema_alloc(c, (uint64_t)t->mask + 1, sizeof(*better.slots));
	for (uint32_t i = 0; better.slots && i <= t->mask; i++)
		if (t->slots[i].text.data)
			*schema_names_put(&better, t->slots[i].text) = t->slots[i];
	if (better.slots)
		*t = better;
}

const struct schema_name *schema_names_walk(const struct schema_names *t, const char *data,
					    uint32_t len, uint32_t hash, uint32_t i)
{
	for (i &= t->mask; t->slots[i].text.data; i = (i + 1) & t->mask) {
		const struct schema_name *n = &t->slots[i];
		if (n->hash == hash && n->text.len == len && slice_same(n->text.data, data, len))
			return n;
	}
	return NULL;
}
