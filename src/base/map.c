/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Linear probing, at most three quarters full, no tombstones: a removal moves the entries
 * behind it forward until each stands where a search from its own place finds it.
 */
#include "base/map.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/obj.h"

struct map_slot {
	uint64_t hash;
	char *text; /* ours; NULL = free slot */
	size_t len;
	void *value;
};

enum { FIRST_SLOTS = 16 };

void map_init(struct map *m, const struct siphash_key *key, size_t max)
{
	*m = (struct map){.max = max, .key = *key};
}

void map_deinit(struct map *m)
{
	for (size_t i = 0; i < m->size; i++)
		free(m->slots[i].text);
	free(m->slots);
	*m = (struct map){.max = m->max, .key = m->key};
}

/* The slot with that text, or the free one where it would go. There is always a free one. */
static struct map_slot *slot_of(const struct map *m, struct slice text, uint64_t hash)
{
	size_t at = hash & (m->size - 1);

	for (; m->slots[at].text; at = (at + 1) & (m->size - 1)) {
		const struct map_slot *s = &m->slots[at];
		if (s->hash == hash && slice_eq(slice_of(s->text, s->len), text))
			break;
	}
	return &m->slots[at];
}

void *map_get(const struct map *m, struct slice text)
{
	if (m->count == 0)
		return NULL;
	return slot_of(m, text, siphash(&m->key, text))->value;
}

static struct map_slot *free_slot(struct map_slot *slots, size_t size, uint64_t hash)
{
	size_t at = hash & (size - 1);

	while (slots[at].text)
		at = (at + 1) & (size - 1);
	return &slots[at];
}

static int grow(struct map *m)
{
	size_t size = m->size ? m->size * 2 : FIRST_SLOTS;
	struct map_slot *slots = calloc(size, sizeof(*slots));

	if (!slots)
		return err_raise(ENOMEM, "a map of %zu slots", size);
	for (size_t i = 0; i < m->size; i++)
		if (m->slots[i].text)
			*free_slot(slots, size, m->slots[i].hash) = m->slots[i];
	free(m->slots);
	m->slots = slots;
	m->size = size;
	return 0;
}

int map_put(struct map *m, struct slice text, void *value)
{
	uint64_t hash = siphash(&m->key, text);

	MUST(value);
	if (m->count && slot_of(m, text, hash)->text)
		return MAP_EXISTS;
	if (m->count >= m->max)
		return MAP_FULL;
	if (m->count >= m->size / 4 * 3) {
		int r = grow(m);
		if (r)
			return r;
	}
	char *copy = malloc(text.len ? text.len : 1);
	if (!copy)
		return err_raise(ENOMEM, "a map's text of %zu bytes", text.len);
	if (text.len)
		memcpy(copy, text.data, text.len);
	*slot_of(m, text, hash) = (struct map_slot){hash, copy, text.len, value};
	m->count++;
	return 0;
}

/* Closes the gap at `gap`. */
static void move_forward(struct map *m, size_t gap)
{
	size_t mask = m->size - 1;

	for (size_t at = (gap + 1) & mask; m->slots[at].text; at = (at + 1) & mask) {
		size_t home = m->slots[at].hash & mask;
		/* May stand in the gap if its home is not behind the gap, going round. */
		if (((at - home) & mask) < ((at - gap) & mask))
			continue;
		m->slots[gap] = m->slots[at];
		gap = at;
	}
	m->slots[gap] = (struct map_slot){0};
}

void *map_remove(struct map *m, struct slice text)
{
	if (m->count == 0)
		return NULL;
	struct map_slot *s = slot_of(m, text, siphash(&m->key, text));
	void *value = s->value;
	if (!s->text)
		return NULL;
	free(s->text);
	s->text = NULL;
	m->count--;
	move_forward(m, (size_t)(s - m->slots));
	return value;
}

bool map_next(const struct map *m, size_t *at, struct slice *text, void **value)
{
	while (*at < m->size) {
		const struct map_slot *s = &m->slots[(*at)++];
		if (!s->text)
			continue;
		*text = slice_of(s->text, s->len);
		*value = s->value;
		return true;
	}
	return false;
}
