/* SPDX-License-Identifier: Apache-2.0 */
/* A ring of revocations in the order of their coming, and a hash table over it. */
#include "policy/revocation.h"

#include <stdlib.h>

#include "base/err.h"

enum { FIRST_SIZE = 64, NONE = 0 };

struct entry {
	uint64_t hash; /* never 0 in use */
	uint64_t at_unix_ms;
	uint32_t next; /* in its chain: index + 1, or NONE */
};

struct revocations {
	struct siphash_key key;
	struct entry *ring;   /* size entries */
	uint32_t *heads;      /* size chains */
	uint32_t size, count; /* size is a power of two */
	uint32_t oldest;      /* index, when the ring is full */
};

struct revocations *revocations_new(const struct siphash_key *key)
{
	struct revocations *r = calloc(1, sizeof(*r));

	if (r)
		r->key = *key;
	return r;
}

struct revocations *revocations_free(struct revocations *r)
{
	if (r) {
		free(r->ring);
		free(r->heads);
		free(r);
	}
	return NULL;
}

static uint64_t hash_of(const struct revocations *r, enum revocation_kind kind, struct slice text)
{
	uint64_t hash = siphash(&r->key, text) ^ (uint64_t)kind * UINT64_C(0x9e3779b97f4a7c15);
	return hash ? hash : 1;
}

static uint32_t *head_of(const struct revocations *r, uint64_t hash)
{
	return &r->heads[hash & (r->size - 1)];
}

static struct entry *find(const struct revocations *r, uint64_t hash)
{
	if (!r->size)
		return NULL;
	for (uint32_t at = *head_of(r, hash); at != NONE; at = r->ring[at - 1].next)
		if (r->ring[at - 1].hash == hash)
			return &r->ring[at - 1];
	return NULL;
}

static void link_entry(struct revocations *r, uint32_t index)
{
	uint32_t *head = head_of(r, r->ring[index].hash);

	r->ring[index].next = *head;
	*head = index + 1;
}

static void unlink_entry(struct revocations *r, uint32_t index)
{
	uint32_t *at = head_of(r, r->ring[index].hash);

	while (*at != index + 1)
		at = &r->ring[*at - 1].next;
	*at = r->ring[index].next;
}

static int grow(struct revocations *r)
{
	uint32_t size = r->size ? r->size * 2 : FIRST_SIZE;
	uint32_t *heads = calloc(size, sizeof(*heads));
	struct entry *ring = heads ? realloc(r->ring, size * sizeof(*ring)) : NULL;

	if (!ring) {
		free(heads);
		return err_raise(ENOMEM, "the list of revocations");
	}
	free(r->heads);
	r->heads = heads;
	r->ring = ring;
	r->size = size;
	for (uint32_t i = 0; i < r->count; i++)
		link_entry(r, i);
	return 0;
}

int revocations_add(struct revocations *r, enum revocation_kind kind, struct slice text,
		    uint64_t at_unix_ms)
{
	uint64_t hash = hash_of(r, kind, text);
	struct entry *known = find(r, hash);
	uint32_t index;

	if (known) {
		if (at_unix_ms > known->at_unix_ms)
			known->at_unix_ms = at_unix_ms;
		return 0;
	}
	if (r->count == r->size && r->size < REVOCATIONS_MAX) {
		int failed = grow(r);
		if (failed)
			return failed;
	}
	if (r->count < r->size) {
		index = r->count++;
	} else {
		index = r->oldest;
		r->oldest = (r->oldest + 1) & (r->size - 1);
		unlink_entry(r, index);
	}
	r->ring[index] = (struct entry){.hash = hash, .at_unix_ms = at_unix_ms};
	link_entry(r, index);
	return 0;
}

bool revocations_hit(const struct revocations *r, enum revocation_kind kind, struct slice text,
		     uint64_t issued_unix_ms)
{
	const struct entry *e = text.len ? find(r, hash_of(r, kind, text)) : NULL;

	return e && (kind == REVOKE_KEY || issued_unix_ms <= e->at_unix_ms);
}

size_t revocations_count(const struct revocations *r)
{
	return r->count;
}
