/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store in this process's memory.
 *
 *   base/map: id -> entry      ring: all entries, in the order they were put
 *
 * What has expired goes when somebody asks for it, when the timer sweeps, or when room is
 * needed. Entries live about as long as each other, so the old end of the ring is where
 * expired ones are; but ttls differ, so a sweep looks at all of them.
 */
#include "store/store.h"

#include <stdlib.h>

#include "base/ct.h"
#include "base/err.h"
#include "base/list.h"
#include "base/map.h"
#include "base/obj.h"

/* What an entry costs besides its record, roughly: link, map slot, id's copy. */
enum { ENTRY_OVERHEAD = 128, SWEEP_EVERY_MS = 1000, STORE_MAGIC = 0x53544f52 };

struct entry {
	struct list link;
	uint8_t id[STORE_ID_BYTES];
	uint64_t expires_unix_ms;
	size_t bytes;
	char record[];
};

struct store {
	uint32_t magic;
	struct map map;
	struct list entries;
	size_t max_bytes, used_bytes;
	uint64_t swept_unix_ms;
};

struct store *store_new_memory(const struct siphash_key *key, size_t max_entries, size_t max_bytes)
{
	struct store *s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->magic = STORE_MAGIC;
	s->max_bytes = max_bytes;
	map_init(&s->map, key, max_entries);
	list_init(&s->entries);
	return s;
}

static struct slice entry_id(const struct entry *e)
{
	return slice_of((const char *)e->id, sizeof(e->id));
}

static size_t entry_cost(size_t record_bytes)
{
	return sizeof(struct entry) + ENTRY_OVERHEAD + record_bytes;
}

static void entry_forget(struct store *s, struct entry *e)
{
	MUST(map_remove(&s->map, entry_id(e)) == e);
	list_remove(&e->link);
	s->used_bytes -= entry_cost(e->bytes);
	ct_wipe(e, sizeof(*e) + e->bytes);
	free(e);
}

struct store *store_free(struct store *s)
{
	if (!s)
		return NULL;
	OBJ_CHECK(s, STORE_MAGIC);
	LIST_EACH (at, &s->entries)
		entry_forget(s, LIST_ENTRY(at, struct entry, link));
	MUST(s->used_bytes == 0);
	map_deinit(&s->map);
	s->magic = 0;
	free(s);
	return NULL;
}

size_t store_sweep(struct store *s, uint64_t now_unix_ms)
{
	size_t forgotten = 0;
	LIST_EACH (at, &s->entries) {
		struct entry *e = LIST_ENTRY(at, struct entry, link);
		if (now_unix_ms >= e->expires_unix_ms) {
			entry_forget(s, e);
			forgotten++;
		}
	}
	s->swept_unix_ms = now_unix_ms;
	return forgotten;
}

static bool has_room(const struct store *s, size_t cost)
{
	return s->map.count < s->map.max && cost <= s->max_bytes &&
	       s->used_bytes <= s->max_bytes - cost;
}

/* A full store is swept at most once a second, so that being full is no way to make the
 * control thread walk the ring for each request. */
static bool make_room(struct store *s, size_t cost, uint64_t now_unix_ms)
{
	bool due =
		now_unix_ms < s->swept_unix_ms || now_unix_ms - s->swept_unix_ms >= SWEEP_EVERY_MS;
	if (!has_room(s, cost) && due)
		store_sweep(s, now_unix_ms);
	return has_room(s, cost);
}

int store_put(struct store *s, const uint8_t id[STORE_ID_BYTES], struct slice record,
	      uint64_t expires_unix_ms, uint64_t now_unix_ms)
{
	OBJ_CHECK(s, STORE_MAGIC);
	if (record.len > s->max_bytes)
		return STORE_FULL;
	struct slice key = slice_of((const char *)id, STORE_ID_BYTES);
	if (map_get(&s->map, key))
		return STORE_EXISTS;
	if (!make_room(s, entry_cost(record.len), now_unix_ms))
		return STORE_FULL;

	struct entry *e = malloc(sizeof(*e) + record.len);
	if (!e)
		return -ENOMEM;
	memcpy(e->id, id, STORE_ID_BYTES);
	e->expires_unix_ms = expires_unix_ms;
	e->bytes = record.len;
	if (record.len)
		memcpy(e->record, record.data, record.len);
	int r = map_put(&s->map, key, e);
	if (r) {
		ct_wipe(e, sizeof(*e) + e->bytes);
		free(e);
		return r < 0 ? r : STORE_FULL;
	}
	list_append(&s->entries, &e->link);
	s->used_bytes += entry_cost(e->bytes);
	return 0;
}

int store_take(struct store *s, const uint8_t id[STORE_ID_BYTES], uint64_t now_unix_ms,
	       struct buf *to)
{
	OBJ_CHECK(s, STORE_MAGIC);
	struct entry *e = map_get(&s->map, slice_of((const char *)id, STORE_ID_BYTES));
	if (!e)
		return STORE_ABSENT;
	int r = now_unix_ms >= e->expires_unix_ms ? STORE_ABSENT
						  : buf_append(to, slice_of(e->record, e->bytes));
	entry_forget(s, e);
	return r;
}

size_t store_count(const struct store *s)
{
	return s->map.count;
}
