/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the application said about a cookie, for a while.
 *
 *   HMAC-SHA-256(secret, verify URL, cookie's name, cookie) --> entry --> ring, oldest first
 *
 * 256 bits of a keyed hash stand for the cookie: whoever reads this memory learns no cookie,
 * and nobody can find two cookies with one entry.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/ct.h"
#include "base/list.h"
#include "base/map.h"
#include "base/obj.h"
#include "policy/keys.h"
#include "policy/verifier.h"

enum { CACHE_MAGIC = 0x56434143, ENTRY_OVERHEAD = 160 };

struct entry {
	struct list link;
	uint8_t digest[KEYS_DERIVED_BYTES];
	enum answer_kind kind;
	uint64_t expires_us;
	size_t subject_bytes, claims_bytes;
	char text[]; /* subject, then claims */
};

struct verifier_cache {
	uint32_t magic;
	uint8_t secret[32];
	struct map map;
	struct list entries;
	size_t max_bytes, used_bytes;
};

struct verifier_cache *verifier_cache_new(const uint8_t secret[32], size_t max_entries,
					  size_t max_bytes)
{
	struct verifier_cache *c = calloc(1, sizeof(*c));
	struct siphash_key key;
	if (!c)
		return NULL;
	c->magic = CACHE_MAGIC;
	c->max_bytes = max_bytes;
	memcpy(c->secret, secret, sizeof(c->secret));
	memcpy(key.bytes, secret, sizeof(key.bytes));
	map_init(&c->map, &key, max_entries);
	list_init(&c->entries);
	return c;
}

static size_t entry_cost(const struct entry *e)
{
	return sizeof(*e) + ENTRY_OVERHEAD + e->subject_bytes + e->claims_bytes;
}

static void entry_free(struct entry *e)
{
	ct_wipe(e, sizeof(*e) + e->subject_bytes + e->claims_bytes);
	free(e);
}

static void entry_forget(struct verifier_cache *c, struct entry *e)
{
	struct slice digest = slice_of((const char *)e->digest, sizeof(e->digest));
	MUST(map_remove(&c->map, digest) == e);
	list_remove(&e->link);
	c->used_bytes -= entry_cost(e);
	entry_free(e);
}

struct verifier_cache *verifier_cache_free(struct verifier_cache *c)
{
	if (!c)
		return NULL;
	OBJ_CHECK(c, CACHE_MAGIC);
	LIST_EACH (at, &c->entries)
		entry_forget(c, LIST_ENTRY(at, struct entry, link));
	map_deinit(&c->map);
	ct_wipe(c, sizeof(*c));
	free(c);
	return NULL;
}

/* Each part but the last has its length in front, so that no two triples are one text. */
static bool digest_cookie(const struct verifier_cache *c, const struct conf_identity *identity,
			  struct slice cookie, uint8_t digest[KEYS_DERIVED_BYTES])
{
	struct slice verify = identity->cookie.verify, name = identity->cookie.name;
	uint64_t lens[2] = {verify.len, name.len};
	const struct slice parts[] = {
		slice_of((const char *)lens, sizeof(lens)),
		verify,
		name,
		cookie,
	};
	struct slice secret = slice_of((const char *)c->secret, sizeof(c->secret));
	return keys_hmac(secret, parts, 4, digest) == 0;
}

static struct entry *find(const struct verifier_cache *c, const uint8_t digest[KEYS_DERIVED_BYTES])
{
	return map_get(&c->map, slice_of((const char *)digest, KEYS_DERIVED_BYTES));
}

bool verifier_cache_get(struct verifier_cache *c, const struct conf_identity *identity,
			struct slice cookie, uint64_t now_us, struct answer *answer)
{
	uint8_t digest[KEYS_DERIVED_BYTES];
	OBJ_CHECK(c, CACHE_MAGIC);
	if (!digest_cookie(c, identity, cookie, digest))
		return false;
	struct entry *e = find(c, digest);
	if (!e)
		return false;
	if (now_us >= e->expires_us) {
		entry_forget(c, e);
		return false;
	}
	*answer = (struct answer){
		.kind = e->kind,
		.subject = slice_of(e->text, e->subject_bytes),
		.claims = slice_of(e->text + e->subject_bytes, e->claims_bytes),
	};
	return true;
}

static struct entry *entry_new(const struct answer *answer)
{
	bool yes = answer->kind == ANSWER_YES;
	size_t subject = yes ? answer->subject.len : 0, claims = yes ? answer->claims.len : 0;
	struct entry *e = malloc(sizeof(*e) + subject + claims);
	if (!e)
		return NULL;
	*e = (struct entry){.kind = answer->kind, .subject_bytes = subject, .claims_bytes = claims};
	list_init(&e->link);
	if (subject)
		memcpy(e->text, answer->subject.data, subject);
	if (claims)
		memcpy(e->text + subject, answer->claims.data, claims);
	return e;
}

static bool has_room(const struct verifier_cache *c, size_t cost)
{
	return c->map.count < c->map.max && c->used_bytes <= c->max_bytes - cost;
}

/* The oldest go, whatever is left of their time: they would go first anyway. */
static void insert(struct verifier_cache *c, struct entry *e)
{
	size_t cost = entry_cost(e);
	if (cost > c->max_bytes || !c->map.max) {
		entry_free(e);
		return;
	}
	while (!has_room(c, cost) && !list_empty(&c->entries))
		entry_forget(c, LIST_ENTRY(c->entries.next, struct entry, link));
	if (map_put(&c->map, slice_of((const char *)e->digest, sizeof(e->digest)), e)) {
		entry_free(e);
		return;
	}
	list_append(&c->entries, &e->link);
	c->used_bytes += cost;
}

void verifier_cache_put(struct verifier_cache *c, const struct conf_identity *identity,
			struct slice cookie, const struct answer *answer, uint64_t now_us)
{
	uint8_t digest[KEYS_DERIVED_BYTES];
	uint64_t keep_ms = identity->cookie.cache_ms;
	OBJ_CHECK(c, CACHE_MAGIC);
	if (answer->kind == ANSWER_NO && keep_ms > VERIFIER_CACHE_NO_MS)
		keep_ms = VERIFIER_CACHE_NO_MS;
	if (!digest_cookie(c, identity, cookie, digest))
		return;
	/* What was said before is out of date now, whatever comes in its place. */
	struct entry *old = find(c, digest);
	if (old)
		entry_forget(c, old);
	if (answer->kind == ANSWER_FAILED || !keep_ms)
		return;
	struct entry *e = entry_new(answer);
	if (!e)
		return;
	e->expires_us = clock_add(now_us, clock_ms_to_us(keep_ms));
	memcpy(e->digest, digest, sizeof(digest));
	insert(c, e);
}

size_t verifier_cache_count(const struct verifier_cache *c)
{
	return c->map.count;
}
