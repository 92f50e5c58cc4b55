/* SPDX-License-Identifier: Apache-2.0 */
/* What is counted per connection, in the tables of policy/tally. */
#include "policy/limits.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/obj.h"
#include "policy/identity.h"
#include "policy/tally.h"

enum {
	KEYS_PER_CONNECTION = 4, /* address, home, network, identity */
	HOME_SHARE = 4,          /* what a /48 may have, its /56 may have a quarter of */
	WORDS_PER_KEY = 4,       /* so many more than can be in use: a full set is improbable */
};

/* Sizes of the tables stop growing here; 192 MiB of address space, touched where used. */
#define CONNECTIONS_SIZED_FOR (UINT64_C(1) << 20)
#define RATE_WORDS_MIN        (UINT64_C(1) << 14)
#define COUNT_WORDS_MIN       (UINT64_C(1) << 10)

/* What a key is the key of: the same bytes in another class are another key. */
enum key_class {
	CLASS_RATE = 1,
	CLASS_ADDRESS,
	CLASS_PREFIX,
	CLASS_IDENTITY,
	CLASS_HOME,
	CLASS_HOME_RATE,
	CLASS_PREFIX_RATE,
};

struct limits {
	struct siphash_key key;
	_Atomic uint64_t connections;
	struct tally counts, rates;
};

struct limits *limits_new(const struct siphash_key *key, uint64_t connections)
{
	if (connections > CONNECTIONS_SIZED_FOR)
		connections = CONNECTIONS_SIZED_FOR;
	uint64_t counts = connections * KEYS_PER_CONNECTION * WORDS_PER_KEY;
	uint64_t rates = connections * WORDS_PER_KEY;

	struct limits *l = calloc(1, sizeof(*l));
	if (!l)
		return NULL;
	l->key = *key;
	if (!tally_make(&l->counts, counts < COUNT_WORDS_MIN ? COUNT_WORDS_MIN : counts,
			TALLY_COUNT_WAYS) ||
	    !tally_make(&l->rates, rates < RATE_WORDS_MIN ? RATE_WORDS_MIN : rates,
			TALLY_RATE_WAYS))
		return limits_free(l);
	return l;
}

struct limits *limits_free(struct limits *l)
{
	if (l) {
		MUST(atomic_load(&l->connections) == 0);
		tally_unmake(&l->counts);
		tally_unmake(&l->rates);
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

static struct verdict count_verdict(enum tally_outcome outcome, const char *over)
{
	struct verdict v = verdict_pass();
	if (outcome == TALLY_OVER)
		v = verdict_refuse(REASON_CONNECTION_LIMIT, over);
	if (outcome == TALLY_NO_ROOM)
		v = verdict_refuse(REASON_OVERLOADED, "no room in the table of counts");
	v.retry_after_s = v.kind == VERDICT_PASS ? 0 : LIMITS_RETRY_S;
	return v;
}

/* --- rates */

/* One key's share of a rate. */
static struct verdict rate_verdict(struct limits *l, uint64_t hash, const struct rate *r,
				   const char *over, uint64_t now_us)
{
	if (r->unlimited)
		return verdict_pass();
	struct verdict v = verdict_refuse(REASON_HANDSHAKE_RATE, over);
	v.retry_after_s = UINT32_C(60);
	if (!r->count || !r->burst)
		return v;
	uint64_t wait = tally_rate(&l->rates, hash, r, now_us, 1);
	if (!wait)
		return verdict_pass();
	uint64_t seconds = wait / CLOCK_US_PER_S + (wait % CLOCK_US_PER_S != 0);
	v.retry_after_s = seconds > UINT32_MAX ? UINT32_MAX : (uint32_t)seconds;
	return v;
}

static struct rate home_rate(const struct rate *prefix)
{
	struct rate home = *prefix;
	home.count = (prefix->count + HOME_SHARE - 1) / HOME_SHARE;
	home.burst = (prefix->burst + HOME_SHARE - 1) / HOME_SHARE;
	return home;
}

/* From the narrowest on: who is over his own rate takes nothing from his neighbours. */
struct verdict limits_request(struct limits *l, const struct conf_limits *c,
			      const struct address *peer, uint64_t now_us)
{
	struct verdict v = rate_verdict(l, hash_address(l, CLASS_RATE, peer, 32, 64),
					&c->handshakes_per_address, "handshakes_per_address",
					now_us);
	const struct rate *prefix = &c->handshakes_per_prefix;
	if (v.kind == VERDICT_PASS && peer->family != 4 && !prefix->unlimited) {
		struct rate home = home_rate(prefix);
		v = rate_verdict(l, hash_address(l, CLASS_HOME_RATE, peer, 24, 56), &home,
				 "handshakes_per_prefix, of a /56", now_us);
	}
	if (v.kind == VERDICT_PASS && !prefix->unlimited)
		v = rate_verdict(l, hash_address(l, CLASS_PREFIX_RATE, peer, 24, 48), prefix,
				 "handshakes_per_prefix", now_us);
	return v;
}

/* --- connections */

static struct verdict admit_connection(struct limits *l, const struct conf_limits *c,
				       struct limits_receipt *r)
{
	if (atomic_fetch_add(&l->connections, 1) >= c->connections) {
		atomic_fetch_sub(&l->connections, 1);
		struct verdict v = verdict_refuse(REASON_OVERLOADED, "connections");
		v.retry_after_s = LIMITS_RETRY_S;
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
		count_verdict(tally_take(&l->counts, hash, c->connections_per_address, &r->address),
			      "connections_per_address");
	if (v.kind == VERDICT_PASS && peer->family != 4) {
		uint64_t most = c->connections_per_prefix
					? (c->connections_per_prefix - 1) / HOME_SHARE + 1
					: 0;
		hash = hash_address(l, CLASS_HOME, peer, 24, 56);
		v = count_verdict(tally_take(&l->counts, hash, most, &r->home),
				  "connections_per_prefix, of a /56");
	}
	if (v.kind != VERDICT_PASS)
		return v;
	hash = hash_address(l, CLASS_PREFIX, peer, 24, 48);
	return count_verdict(tally_take(&l->counts, hash, c->connections_per_prefix, &r->prefix),
			     "connections_per_prefix");
}

static void release_address(struct limits_receipt *r)
{
	tally_release(&r->address);
	tally_release(&r->home);
	tally_release(&r->prefix);
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
	release_address(r);
	if (!peer)
		return verdict_pass();
	struct verdict v = admit_address(l, c, peer, r);
	if (v.kind != VERDICT_PASS)
		release_address(r);
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
	return count_verdict(tally_take(&l->counts, hash_subject(l, subject),
					c->connections_per_identity, &r->identity),
			     "connections_per_identity");
}

void limits_release(struct limits_receipt *r)
{
	if (!r->from)
		return;
	release_address(r);
	tally_release(&r->identity);
	MUST(atomic_fetch_sub(&r->from->connections, 1) > 0);
	r->from = NULL;
}

size_t limits_bytes(const struct limits *l)
{
	return sizeof(*l) + l->counts.bytes + l->rates.bytes;
}

uint64_t limits_connections(const struct limits *l)
{
	return atomic_load(&l->connections);
}

bool limits_whole(const struct limits *l)
{
	return atomic_load(&l->connections) + tally_held(&l->counts) == 0;
}
