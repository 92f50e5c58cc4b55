/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shared tables of counts and rates; the drawing is in limits.h.
 *
 * A count's word says how many hold it; a word whose count is zero is free for any tag. Who
 * holds it remembers the word itself, so giving back is one subtraction and cannot miss.
 *
 * Two threads may see different free words for the same new key and both take one. Then the
 * key has two words, and its count is their sum, in each look. Whoever adds looks again
 * afterwards and gives back if the sum is over the maximum: together they may be refused
 * where one of them had a place, but never are there more than the maximum.
 */
#include "policy/limits.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/obj.h"
#include "policy/identity.h"

enum {
	COUNT_WAYS = 16,
	RATE_WAYS = 8,
	KEYS_PER_CONNECTION = 3, /* address, network, identity */
	WORDS_PER_KEY = 4,       /* so many more than can be in use: a full set is improbable */
	LINE_BYTES = 64,
	RETRY_CONNECTION_S = 5,
	TICK_US = 10,
	TAT_BITS = 40,
	TAG_SHIFT = 32, /* of counts */
};

/* Sizes of the tables stop growing here; 160 MiB of address space, touched where used. */
#define CONNECTIONS_SIZED_FOR (UINT64_C(1) << 20)
#define RATE_WORDS_MIN        (UINT64_C(1) << 14)
#define COUNT_WORDS_MIN       (UINT64_C(1) << 10)

#define TAT_MASK              ((UINT64_C(1) << TAT_BITS) - 1)
#define TAT_AHEAD_MAX         ((INT64_C(1) << (TAT_BITS - 1)) - 1)

/* What a key is the key of: the same bytes in another class are another key. */
enum key_class { CLASS_RATE = 1, CLASS_ADDRESS, CLASS_PREFIX, CLASS_IDENTITY };

struct limits {
	struct siphash_key key;
	_Atomic uint64_t connections;
	uint64_t count_sets, rate_sets; /* powers of two */
	_Atomic uint64_t *counts, *rates;
	size_t bytes;
	void *memory; /* of both tables */
};

static uint64_t round_up_power(uint64_t n)
{
	uint64_t p = 1;
	while (p < n)
		p <<= 1;
	return p;
}

struct limits *limits_new(const struct siphash_key *key, uint64_t connections)
{
	if (connections > CONNECTIONS_SIZED_FOR)
		connections = CONNECTIONS_SIZED_FOR;
	uint64_t counts = connections * KEYS_PER_CONNECTION * WORDS_PER_KEY;
	uint64_t rates = connections * WORDS_PER_KEY;
	counts = round_up_power(counts < COUNT_WORDS_MIN ? COUNT_WORDS_MIN : counts);
	rates = round_up_power(rates < RATE_WORDS_MIN ? RATE_WORDS_MIN : rates);

	struct limits *l = calloc(1, sizeof(*l));
	if (!l)
		return NULL;
	l->bytes = (size_t)(counts + rates) * sizeof(uint64_t) + LINE_BYTES;
	l->memory = calloc(1, l->bytes);
	if (!l->memory) {
		free(l);
		return NULL;
	}
	/* A set is one or two whole cache lines. */
	uintptr_t start = (uintptr_t)l->memory;
	size_t skip = (LINE_BYTES - start % LINE_BYTES) % LINE_BYTES;
	l->counts = (_Atomic uint64_t *)(void *)((char *)l->memory + skip);
	l->rates = l->counts + counts;
	l->count_sets = counts / COUNT_WAYS;
	l->rate_sets = rates / RATE_WAYS;
	l->key = *key;
	return l;
}

struct limits *limits_free(struct limits *l)
{
	if (l) {
		MUST(atomic_load(&l->connections) == 0);
		free(l->memory);
		free(l);
	}
	return NULL;
}

static uint64_t hash_address(const struct limits *l, enum key_class class,
			     const struct address *peer, unsigned bits4, unsigned bits6)
{
	struct address network = address_network(peer, peer->family == 4 ? bits4 : bits6);
	char text[2 + sizeof(network.bytes)] = {(char)class, (char)network.family};
	memcpy(text + 2, network.bytes, sizeof(network.bytes));
	return siphash(&l->key, slice_of(text, sizeof(text)));
}

static uint64_t hash_subject(const struct limits *l, struct slice subject)
{
	char text[1 + IDENTITY_SUBJECT_MAX] = {(char)CLASS_IDENTITY};
	memcpy(text + 1, subject.data, subject.len);
	return siphash(&l->key, slice_of(text, 1 + subject.len));
}

/* --- counts */

enum count_outcome { COUNT_OVER = 0, COUNT_NO_ROOM, COUNT_TAKEN };

static uint32_t word_count(uint64_t word)
{
	return (uint32_t)word;
}

static uint32_t word_tag(uint64_t word)
{
	return (uint32_t)(word >> TAG_SHIFT);
}

/* What a look at one set finds. */
struct count_look {
	uint64_t sum; /* over all words of the tag */
	_Atomic uint64_t *word;
	uint64_t seen; /* in it */
};

static struct count_look count_look(_Atomic uint64_t *set, uint32_t tag)
{
	struct count_look look = {0};
	bool own = false;
	for (unsigned way = 0; way < COUNT_WAYS; way++) {
		uint64_t seen = atomic_load(&set[way]);
		bool mine = word_count(seen) && word_tag(seen) == tag;
		if (mine)
			look.sum += word_count(seen);
		if ((mine && !own) || (!look.word && !word_count(seen))) {
			own = mine;
			look.word = &set[way];
			look.seen = seen;
		}
	}
	return look;
}

static enum count_outcome count_take(struct limits *l, uint64_t hash, uint64_t max,
				     _Atomic uint64_t **taken)
{
	_Atomic uint64_t *set = &l->counts[(hash & (l->count_sets - 1)) * COUNT_WAYS];
	uint32_t tag = word_tag(hash);
	struct count_look look;
	uint64_t wanted;
	if (max > UINT32_MAX)
		max = UINT32_MAX;
	do {
		look = count_look(set, tag);
		if (look.sum >= max)
			return COUNT_OVER;
		if (!look.word)
			return COUNT_NO_ROOM;
		wanted = ((uint64_t)tag << TAG_SHIFT) + word_count(look.seen) + 1;
	} while (!atomic_compare_exchange_weak(look.word, &look.seen, wanted));

	if (count_look(set, tag).sum > max) {
		atomic_fetch_sub(look.word, 1);
		return COUNT_OVER;
	}
	*taken = look.word;
	return COUNT_TAKEN;
}

static void count_release(_Atomic uint64_t **taken)
{
	if (!*taken)
		return;
	uint64_t before = atomic_fetch_sub(*taken, 1);
	MUST(word_count(before) > 0);
	*taken = NULL;
}

static struct verdict count_verdict(enum count_outcome outcome, const char *over)
{
	struct verdict v = verdict_pass();
	if (outcome == COUNT_OVER)
		v = verdict_refuse(REASON_CONNECTION_LIMIT, over);
	if (outcome == COUNT_NO_ROOM)
		v = verdict_refuse(REASON_OVERLOADED, "no room in the table of counts");
	v.retry_after_s = v.kind == VERDICT_PASS ? 0 : RETRY_CONNECTION_S;
	return v;
}

/* --- rates: base/rate.h's algorithm in one word, with a coarser tick */

static int64_t ticks_ahead(uint64_t word, uint64_t now)
{
	uint64_t ahead = ((word & TAT_MASK) - now) & TAT_MASK;
	return ahead > (uint64_t)TAT_AHEAD_MAX ? (int64_t)ahead - (int64_t)TAT_MASK - 1
					       : (int64_t)ahead;
}

/* The tag's word, or the one to be forgotten for it: one never used, else the one that
 * was paid back first. */
static _Atomic uint64_t *rate_look(_Atomic uint64_t *set, uint64_t tag, uint64_t now,
				   uint64_t *seen)
{
	_Atomic uint64_t *best = &set[0];
	int64_t best_ahead = INT64_MAX;
	*seen = 0;
	for (unsigned way = 0; way < RATE_WAYS; way++) {
		uint64_t word = atomic_load(&set[way]);
		if (word >> TAT_BITS == tag) {
			*seen = word;
			return &set[way];
		}
		int64_t ahead = word ? ticks_ahead(word, now) : INT64_MIN;
		if (ahead < best_ahead) {
			best = &set[way];
			best_ahead = ahead;
			*seen = word;
		}
	}
	return best;
}

/* 0 = taken, else ticks until it would be allowed. */
static uint64_t rate_word_take(struct limits *l, uint64_t hash, const struct rate *r,
			       uint64_t now_us)
{
	const uint64_t ticks_per_ms = CLOCK_US_PER_MS / TICK_US;
	uint64_t interval = ((uint64_t)r->per_ms * ticks_per_ms + r->count - 1) / r->count;
	uint64_t most = interval * r->burst;
	if (most > (uint64_t)TAT_AHEAD_MAX)
		most = (uint64_t)TAT_AHEAD_MAX;

	_Atomic uint64_t *set = &l->rates[(hash & (l->rate_sets - 1)) * RATE_WAYS];
	uint64_t tag = hash >> TAT_BITS;
	if (!tag)
		tag = 1; /* the zero word is one never used */
	uint64_t now = now_us / TICK_US & TAT_MASK;
	_Atomic uint64_t *word;
	uint64_t seen, wanted;
	do {
		word = rate_look(set, tag, now, &seen);
		int64_t ahead = seen >> TAT_BITS == tag ? ticks_ahead(seen, now) : 0;
		/* Further ahead than this rate allows: from months ago, before the forty bits
		 * wrapped, or from before a reload. Either way nobody is owed a lock-out. */
		if (ahead < 0 || (uint64_t)ahead > most)
			ahead = 0;
		uint64_t after = (uint64_t)ahead + interval;
		if (after > most)
			return after - most;
		wanted = tag << TAT_BITS | ((now + after) & TAT_MASK);
	} while (!atomic_compare_exchange_weak(word, &seen, wanted));
	return 0;
}

struct verdict limits_request(struct limits *l, const struct conf_limits *c,
			      const struct address *peer, uint64_t now_us)
{
	const struct rate *r = &c->handshakes_per_address;
	if (r->unlimited)
		return verdict_pass();
	struct verdict v = verdict_refuse(REASON_HANDSHAKE_RATE, "handshakes_per_address");
	v.retry_after_s = UINT32_C(60);
	if (!r->count || !r->burst)
		return v;
	uint64_t wait = rate_word_take(l, hash_address(l, CLASS_RATE, peer, 32, 64), r, now_us);
	if (!wait)
		return verdict_pass();
	const uint64_t ticks_per_s = CLOCK_US_PER_S / TICK_US;
	uint64_t seconds = (wait + ticks_per_s - 1) / ticks_per_s;
	v.retry_after_s = seconds > UINT32_MAX ? UINT32_MAX : (uint32_t)seconds;
	return v;
}

/* --- connections */

static struct verdict admit_connection(struct limits *l, const struct conf_limits *c,
				       struct limits_receipt *r)
{
	if (atomic_fetch_add(&l->connections, 1) >= c->connections) {
		atomic_fetch_sub(&l->connections, 1);
		struct verdict v = verdict_refuse(REASON_OVERLOADED, "connections");
		v.retry_after_s = RETRY_CONNECTION_S;
		return v;
	}
	r->from = l;
	return verdict_pass();
}

static struct verdict admit_address(struct limits *l, const struct conf_limits *c,
				    const struct address *peer, struct limits_receipt *r)
{
	uint64_t hash = hash_address(l, CLASS_ADDRESS, peer, 32, 64);
	struct verdict v =
		count_verdict(count_take(l, hash, c->connections_per_address, &r->address),
			      "connections_per_address");
	if (v.kind != VERDICT_PASS)
		return v;
	hash = hash_address(l, CLASS_PREFIX, peer, 24, 48);
	return count_verdict(count_take(l, hash, c->connections_per_prefix, &r->prefix),
			     "connections_per_prefix");
}

struct verdict limits_admit(struct limits *l, const struct conf_limits *c,
			    const struct address *peer, uint64_t now_us, struct limits_receipt *r)
{
	MUST(!r->from);
	struct verdict v = limits_request(l, c, peer, now_us);
	if (v.kind == VERDICT_PASS)
		v = admit_connection(l, c, r);
	if (v.kind == VERDICT_PASS)
		v = admit_address(l, c, peer, r);
	if (v.kind != VERDICT_PASS)
		limits_release(r);
	return v;
}

struct verdict limits_admit_proxy(struct limits *l, const struct conf_limits *c,
				  struct limits_receipt *r)
{
	MUST(!r->from);
	return admit_connection(l, c, r);
}

struct verdict limits_readmit(struct limits *l, const struct conf_limits *c,
			      const struct address *peer, struct limits_receipt *r)
{
	if (r->from != l || r->identity)
		return verdict_refuse(REASON_INTERNAL, "another client on somebody's connection");
	count_release(&r->address);
	count_release(&r->prefix);
	if (!peer)
		return verdict_pass();
	struct verdict v = admit_address(l, c, peer, r);
	if (v.kind != VERDICT_PASS) {
		count_release(&r->address);
		count_release(&r->prefix);
	}
	return v;
}

struct verdict limits_admit_identity(struct limits *l, const struct conf_limits *c,
				     struct slice subject, struct limits_receipt *r)
{
	if (r->from != l || r->identity)
		return verdict_refuse(REASON_INTERNAL, "an identity without its connection");
	if (subject.len > IDENTITY_SUBJECT_MAX)
		return verdict_refuse(REASON_INTERNAL, "a subject that nothing makes");
	if (!subject.len)
		return verdict_pass();
	return count_verdict(
		count_take(l, hash_subject(l, subject), c->connections_per_identity, &r->identity),
		"connections_per_identity");
}

void limits_release(struct limits_receipt *r)
{
	if (!r->from)
		return;
	count_release(&r->address);
	count_release(&r->prefix);
	count_release(&r->identity);
	MUST(atomic_fetch_sub(&r->from->connections, 1) > 0);
	r->from = NULL;
}

size_t limits_bytes(const struct limits *l)
{
	return sizeof(*l) + l->bytes;
}

uint64_t limits_connections(const struct limits *l)
{
	return atomic_load(&l->connections);
}

bool limits_whole(const struct limits *l)
{
	uint64_t held = atomic_load(&l->connections);
	for (uint64_t i = 0; i < l->count_sets * COUNT_WAYS; i++)
		held += word_count(atomic_load(&l->counts[i]));
	return held == 0;
}
