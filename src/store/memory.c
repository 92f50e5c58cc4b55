/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store in this process's memory.
 *
 *   base/map: id -> entry      ring: all entries, in the order they were put
 *
 * What has expired goes when somebody asks for it, when the timer sweeps, or when room is
 * needed. Entries live about as long as each other, so the old end of the ring is where
 * expired ones are; but ttls differ, so a sweep looks at all of them.
 *
 * Workers put and take by themselves under the lock, if it is free: nobody waits for a sweep.
 */
#include "store/store.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/ct.h"
#include "base/err.h"
#include "base/list.h"
#include "base/map.h"
#include "base/obj.h"
#include "store/store_ops.h"

/* What an entry costs besides its record, roughly: link, map slot, id's copy. */
enum { ENTRY_OVERHEAD = 128, SWEEP_EVERY_MS = 1000, STORE_MAGIC = 0x53544f52 };

struct entry {
	struct list link;
	uint8_t id[STORE_ID_BYTES];
	uint64_t expires_unix_ms;
	size_t bytes;
	char record[];
};

struct memory {
	struct store store;
	uint32_t magic;
	pthread_mutex_t lock; /* of all below */
	struct map map;
	struct list entries;
	size_t max_bytes, used_bytes;
	uint64_t swept_unix_ms;
};

static struct memory *memory_of(struct store *s)
{
	struct memory *m = LIST_ENTRY(s, struct memory, store);

	OBJ_CHECK(m, STORE_MAGIC);
	return m;
}

static void lock(struct memory *m)
{
	MUST(pthread_mutex_lock(&m->lock) == 0);
}

static void unlock(struct memory *m)
{
	MUST(pthread_mutex_unlock(&m->lock) == 0);
}

static struct slice entry_id(const struct entry *e)
{
	return slice_of((const char *)e->id, sizeof(e->id));
}

static size_t entry_cost(size_t record_bytes)
{
	return sizeof(struct entry) + ENTRY_OVERHEAD + record_bytes;
}

/* It can no longer be found; the memory stays. */
static void entry_remove(struct memory *m, struct entry *e)
{
	MUST(map_remove(&m->map, entry_id(e)) == e);
	list_remove(&e->link);
	m->used_bytes -= entry_cost(e->bytes);
}

static void entry_free(struct entry *e)
{
	ct_wipe(e, sizeof(*e) + e->bytes);
	free(e);
}

static void entry_forget(struct memory *m, struct entry *e)
{
	entry_remove(m, e);
	entry_free(e);
}

static void memory_free(struct store *s)
{
	struct memory *m = memory_of(s);

	LIST_EACH (at, &m->entries)
		entry_forget(m, LIST_ENTRY(at, struct entry, link));
	MUST(m->used_bytes == 0);
	map_deinit(&m->map);
	pthread_mutex_destroy(&m->lock);
	m->magic = 0;
	free(m);
}

static size_t sweep(struct memory *m, uint64_t now_unix_ms)
{
	size_t forgotten = 0;

	LIST_EACH (at, &m->entries) {
		struct entry *e = LIST_ENTRY(at, struct entry, link);
		if (now_unix_ms >= e->expires_unix_ms) {
			entry_forget(m, e);
			forgotten++;
		}
	}
	m->swept_unix_ms = now_unix_ms;
	return forgotten;
}

static bool has_room(const struct memory *m, size_t cost)
{
	return m->map.count < m->map.max && cost <= m->max_bytes &&
	       m->used_bytes <= m->max_bytes - cost;
}

/* A full store is swept at most once a second, so that being full is no way to make the
 * control thread walk the ring for each request. */
static bool make_room(struct memory *m, size_t cost, uint64_t now_unix_ms)
{
	bool due =
		now_unix_ms < m->swept_unix_ms || now_unix_ms - m->swept_unix_ms >= SWEEP_EVERY_MS;
	if (!has_room(m, cost) && due)
		sweep(m, now_unix_ms);
	return has_room(m, cost);
}

static int put(struct memory *m, const uint8_t *id, struct slice record, uint64_t expires_unix_ms,
	       uint64_t now_unix_ms)
{
	struct slice key = slice_of((const char *)id, STORE_ID_BYTES);

	if (record.len > m->max_bytes)
		return STORE_FULL;
	if (map_get(&m->map, key))
		return STORE_EXISTS;
	if (!make_room(m, entry_cost(record.len), now_unix_ms))
		return STORE_FULL;

	struct entry *e = malloc(sizeof(*e) + record.len);
	if (!e)
		return -ENOMEM;
	memcpy(e->id, id, STORE_ID_BYTES);
	e->expires_unix_ms = expires_unix_ms;
	e->bytes = record.len;
	if (record.len)
		memcpy(e->record, record.data, record.len);
	int r = map_put(&m->map, key, e);
	if (r) {
		entry_free(e);
		return r < 0 ? r : STORE_FULL;
	}
	list_append(&m->entries, &e->link);
	m->used_bytes += entry_cost(e->bytes);
	return 0;
}

/* Out of the store, expired or not; NULL: it is not there. */
static struct entry *take(struct memory *m, const uint8_t *id)
{
	struct entry *e = map_get(&m->map, slice_of((const char *)id, STORE_ID_BYTES));

	if (e)
		entry_remove(m, e);
	return e;
}

/* Nobody else has it any more. */
static void give(struct entry *e, uint64_t now_unix_ms, store_fn fn, void *arg)
{
	if (e && now_unix_ms < e->expires_unix_ms)
		fn(arg, 0, slice_of(e->record, e->bytes));
	else
		fn(arg, STORE_ABSENT, slice_of(NULL, 0));
	if (e)
		entry_free(e);
}

static void memory_put(struct store *s, const uint8_t *id, struct slice record,
		       uint64_t expires_unix_ms, uint64_t now_unix_ms, store_fn fn, void *arg)
{
	struct memory *m = memory_of(s);

	lock(m);
	int r = put(m, id, record, expires_unix_ms, now_unix_ms);
	unlock(m);
	fn(arg, r, slice_of(NULL, 0));
}

static void memory_take(struct store *s, const uint8_t *id, uint64_t now_unix_ms, store_fn fn,
			void *arg)
{
	struct memory *m = memory_of(s);

	lock(m);
	struct entry *e = take(m, id);
	unlock(m);
	give(e, now_unix_ms, fn, arg);
}

static bool memory_put_now(struct store *s, const uint8_t *id, struct slice record,
			   uint64_t expires_unix_ms, uint64_t now_unix_ms, int *r)
{
	struct memory *m = memory_of(s);

	if (pthread_mutex_trylock(&m->lock))
		return false;
	*r = put(m, id, record, expires_unix_ms, now_unix_ms);
	unlock(m);
	return true;
}

static bool memory_take_now(struct store *s, const uint8_t *id, uint64_t now_unix_ms, store_fn fn,
			    void *arg)
{
	struct memory *m = memory_of(s);

	if (pthread_mutex_trylock(&m->lock))
		return false;
	struct entry *e = take(m, id);
	unlock(m);
	give(e, now_unix_ms, fn, arg);
	return true;
}

/* Nobody else's connections are to be added to ours. */
static void memory_enter(struct store *s, struct slice subject, uint64_t max, store_fn fn,
			 void *arg)
{
	(void)s;
	(void)subject;
	(void)max;
	fn(arg, 0, slice_of(NULL, 0));
}

static void memory_leave(struct store *s, struct slice subject)
{
	(void)s;
	(void)subject;
}

static void memory_publish(struct store *s, uint8_t kind, struct slice text, uint64_t at_unix_ms,
			   store_fn fn, void *arg)
{
	(void)s;
	(void)kind;
	(void)text;
	(void)at_unix_ms;
	fn(arg, 0, slice_of(NULL, 0));
}

static void memory_counted_take(struct store *s, const struct counted *items, size_t count,
				store_counted_fn fn, void *arg)
{
	(void)s;
	(void)items;
	(void)count;
	fn(arg, 0, 0);
}

static void memory_counted_give(struct store *s, const uint8_t *key, const uint8_t *slot)
{
	(void)s;
	(void)key;
	(void)slot;
}

static void memory_tell_again(struct store *s)
{
	(void)s;
}

static bool memory_is_there(const struct store *s)
{
	(void)s;
	return true;
}

static size_t memory_sweep(struct store *s, uint64_t now_unix_ms)
{
	struct memory *m = memory_of(s);

	lock(m);
	size_t forgotten = sweep(m, now_unix_ms);
	unlock(m);
	return forgotten;
}

static size_t memory_count(struct store *s)
{
	struct memory *m = memory_of(s);

	lock(m);
	size_t count = m->map.count;
	unlock(m);
	return count;
}

struct store *store_new_memory(const struct siphash_key *key, size_t max_entries, size_t max_bytes)
{
	static const struct store_ops ops = {
		.put = memory_put,
		.take = memory_take,
		.put_now = memory_put_now,
		.take_now = memory_take_now,
		.enter = memory_enter,
		.leave = memory_leave,
		.publish = memory_publish,
		.tell_again = memory_tell_again,
		.up = memory_is_there,
		.told_all = memory_is_there,
		.sweep = memory_sweep,
		.count = memory_count,
		.counted_take = memory_counted_take,
		.counted_give = memory_counted_give,
		.free = memory_free,
	};
	struct memory *m = calloc(1, sizeof(*m));

	if (!m || pthread_mutex_init(&m->lock, NULL)) {
		free(m);
		return NULL;
	}
	m->store.ops = &ops;
	m->magic = STORE_MAGIC;
	m->max_bytes = max_bytes;
	map_init(&m->map, key, max_entries);
	list_init(&m->entries);
	return &m->store;
}
